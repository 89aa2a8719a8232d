"""What can run a servable. To add an engine: one module here with ``open_engine``, and
its name in the two tables here.

``open_engine(folder, manifest, name)`` returns a ``modelwright.core.types.Engine``; only the
module of the engine that is asked for is imported. A servable may hold several files of one
engine: ``litert-int8`` is the engine ``litert`` with one of them.
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.types import Engine
from modelwright.servable.manifest import Manifest

ENGINES = {
    "onnx": "modelwright.servable.engines.onnx",
    "savedmodel": "modelwright.servable.engines.savedmodel",
    "litert": "modelwright.servable.engines.litert",
}
"""In the order in which ``auto`` takes them."""
_NEEDS = {"onnx": "onnxruntime", "savedmodel": "tensorflow", "litert": "ai_edge_litert"}


def installed(name: str) -> bool:
    """Whether what runs that engine is there, and this version knows it."""
    needed = _NEEDS.get(_kind(name))
    return needed is not None and find_spec(needed) is not None


def resolve(name: str, folder: Path, manifest: Manifest) -> str:
    """The engine that a word means: one that the manifest names, or the first file of a kind.

    ``auto`` means the first that the servable holds and that is installed here.

    Raises:
        ConfigError: the servable does not hold it.
    """
    held = [file for kind in ENGINES for file in manifest.engines if _kind(file) == kind]
    if name == "auto":
        name = next(filter(installed, held), "savedmodel")
    for file in held:
        if name in (file, _kind(file)):
            return file
    raise ConfigError(
        f"{folder} has no engine '{name}'.{nearest(name, held)} It holds: {', '.join(held)}."
    )


def open_engine(name: str, folder: Path, manifest: Manifest) -> Engine:
    """Load one engine of a servable.

    Args:
        name: what ``resolve`` takes.
        folder: the version's folder.
        manifest: what it says of itself.

    Raises:
        ConfigError: the servable does not hold that engine.
        MissingDependencyError: what runs it is not installed.
    """
    chosen = resolve(name, folder, manifest)
    module = importlib.import_module(ENGINES[_kind(chosen)])
    engine: Engine = module.open_engine(folder, manifest, chosen)
    return engine


def _kind(name: str) -> str:
    return name.partition("-")[0]
