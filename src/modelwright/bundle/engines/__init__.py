"""What can run a servable. To add an engine: one module here with ``open_engine``, one line.

``open_engine(folder, manifest)`` returns a ``modelwright.core.types.Engine``; only the module
of the engine that is asked for is imported.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from modelwright.bundle.manifest import Manifest
from modelwright.core.config import nearest
from modelwright.core.errors import ConfigError
from modelwright.core.types import Engine

ENGINES = {"savedmodel": "modelwright.bundle.engines.savedmodel"}


def open_engine(name: str, folder: Path, manifest: Manifest) -> Engine:
    """Load one engine of a servable.

    Args:
        name: one of ``ENGINES``, or ``auto`` for the first that the servable holds.
        folder: the version's folder.
        manifest: what it says of itself.

    Raises:
        ConfigError: the servable does not hold that engine.
    """
    held = [engine for engine in ENGINES if engine in manifest.engines]
    chosen = held[0] if name == "auto" and held else name
    if chosen not in held:
        raise ConfigError(
            f"{folder} has no engine '{name}'.{nearest(name, held)} It holds: {', '.join(held)}."
        )
    engine: Engine = importlib.import_module(ENGINES[chosen]).open_engine(folder, manifest)
    return engine
