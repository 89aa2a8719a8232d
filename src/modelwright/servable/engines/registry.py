"""The registry of engines: finds the description of an engine, and opens engines.

To add an engine, write one module here with an ``EngineKind`` and add one line to ``BUILT_IN``.
A package of somebody else's registers its engine as an entry point instead::

    [project.entry-points."modelwright.engines"]
    NAME = "package.module:KIND"

An engine's module is imported when somebody needs that engine, not before.
"""

from __future__ import annotations

from pathlib import Path

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.nearest import nearest
from modelwright.core.plugins import find_registered, registered_names
from modelwright.core.types import Engine
from modelwright.servable.engines.kinds import EngineKind, kind_of
from modelwright.servable.manifest import Manifest

BUILT_IN = {
    "onnx": "modelwright.servable.engines.onnx:ONNX",
    "savedmodel": "modelwright.servable.engines.savedmodel:SAVEDMODEL",
    "litert": "modelwright.servable.engines.litert:LITERT",
}
"""Kinds in the order in which ``auto`` prefers them; engines of other packages come after them."""
REFERENCE = "savedmodel"
"""The engine that every servable holds. The other engines are compared with it."""
ENTRY_POINTS = "modelwright.engines"


def engine_names() -> list[str]:
    """Returns the names of all kinds; loads none."""
    return registered_names(BUILT_IN, ENTRY_POINTS)


def is_known(engine: str) -> bool:
    """Returns whether an engine is of a kind that is registered."""
    return kind_of(engine) in engine_names()


def engine_kind(engine: str) -> EngineKind:
    """Returns the description of an engine; a variant has that of its kind.

    Raises:
        ConfigError: no such kind is registered, or an entry point is not a description.
        MissingDependencyError: its entry point cannot be loaded.
    """
    name = kind_of(engine)
    found: EngineKind = find_registered(
        "engine",
        name,
        BUILT_IN,
        ENTRY_POINTS,
        fits=lambda one: isinstance(one, EngineKind) and one.name == name,
        expected="an EngineKind with that name",
    )
    return found


def engine_kinds() -> list[EngineKind]:
    """Returns the descriptions of all kinds.

    Raises:
        ConfigError: an entry point is not a description.
        MissingDependencyError: an entry point cannot be loaded.
    """
    return [engine_kind(name) for name in engine_names()]


def added_folders() -> set[str]:
    """Returns the folders that built-in engines add to the SavedModel in a version's folder."""
    kinds = [engine_kind(name) for name in BUILT_IN if name != REFERENCE]
    return {Path(pattern).parts[0] for kind in kinds for pattern in kind.files}


def is_installed(engine: str) -> bool:
    """Returns whether an engine is known and its package is installed."""
    return is_known(engine) and engine_kind(engine).is_installed()


def resolve_engine(name: str, folder: Path, manifest: Manifest) -> str:
    """Returns the engine of a servable that ``name`` selects.

    Args:
        name: an engine that the manifest lists; or a kind, which selects its first engine; or
            ``auto``, which selects the first engine that is installed.
        folder: the version's folder.
        manifest: its manifest.

    Raises:
        ConfigError: the servable does not hold that engine.
    """
    known = list(dict.fromkeys([*BUILT_IN, *filter(is_known, map(kind_of, manifest.engines))]))
    held = [engine for kind in known for engine in manifest.engines if kind_of(engine) == kind]
    if name == "auto":
        name = next(filter(is_installed, held), REFERENCE)
    for engine in held:
        if name in (engine, kind_of(engine)):
            return engine
    raise ConfigError(
        f"{folder} has no engine '{name}'.{nearest(name, held)} It holds: {', '.join(held)}."
    )


def open_engine(name: str, folder: Path, manifest: Manifest) -> Engine:
    """Loads one engine of a servable.

    Args:
        name: a name that ``resolve_engine`` takes.
        folder: the version's folder.
        manifest: its manifest.

    Raises:
        ConfigError: the servable does not hold that engine.
        MissingDependencyError: the package of the engine is not installed.
        ServableError: its files cannot be loaded.
    """
    engine = resolve_engine(name, folder, manifest)
    kind = engine_kind(engine)
    try:
        return kind.open(folder, manifest, engine)
    except ImportError:
        raise MissingDependencyError(
            f"engine '{kind.name}' needs {kind.package}, which is not installed; install with: pip"
            f" install '{kind.requirement}'."
        ) from None
