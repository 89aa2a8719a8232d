"""The registry of engines: finds the description of an engine, and opens engines.

To add an engine, write one module here with an ``EngineKind`` and add one line to ``BUILT_IN``.
A package of somebody else's registers its engine as an entry point instead::

    [project.entry-points."modelwright.engines"]
    NAME = "package.module:KIND"

An engine's module is imported when somebody needs that engine, not before.
"""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from modelwright.core.errors import ConfigError, MissingDependencyError, brief
from modelwright.core.nearest import nearest
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
    return [*BUILT_IN, *_registered()]


def is_known(engine: str) -> bool:
    """Returns whether an engine is of a kind that is registered."""
    return kind_of(engine) in BUILT_IN or kind_of(engine) in _registered()


def engine_kind(engine: str) -> EngineKind:
    """Returns the description of an engine; a variant has that of its kind.

    Raises:
        ConfigError: no such kind is registered, or its entry point cannot be loaded.
    """
    name = kind_of(engine)
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        found: EngineKind = getattr(importlib.import_module(module), attribute)
        return found
    registered = _registered()
    if name not in registered:
        names = [*BUILT_IN, *registered]
        raise ConfigError(
            f"there is no engine '{name}'.{nearest(name, names)} Expected one of"
            f" {', '.join(names)}."
        )
    return _load(registered[name])


def engine_kinds() -> list[EngineKind]:
    """Returns the descriptions of all kinds.

    Raises:
        ConfigError: an entry point cannot be loaded.
    """
    return [engine_kind(name) for name in engine_names()]


def added_folders() -> set[str]:
    """Returns the folders that engines add to the SavedModel in a version's folder.

    Raises:
        ConfigError: an entry point cannot be loaded.
    """
    kinds = [kind for kind in engine_kinds() if kind.name != REFERENCE]
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


def _registered() -> dict[str, EntryPoint]:
    """The engines of other packages.

    Raises:
        ConfigError: two packages register one name, or a package that of a built-in engine.
    """
    found: dict[str, EntryPoint] = {}
    for entry in entry_points(group=ENTRY_POINTS):
        if entry.name in BUILT_IN or found.get(entry.name, entry) != entry:
            raise ConfigError(
                f"{_origin(entry)} registers an engine '{entry.name}', but another engine has that"
                " name; uninstall one of the two packages."
            )
        found[entry.name] = entry
    return found


def _load(entry: EntryPoint) -> EngineKind:
    try:
        kind = entry.load()
    except Exception as error:  # noqa: BLE001 - another package may raise anything
        raise ConfigError(
            f"{_origin(entry)} registers the engine '{entry.name}' as {entry.value}, which cannot"
            f" be loaded: {brief(error)}. Repair or uninstall that package."
        ) from None
    if not isinstance(kind, EngineKind) or kind.name != entry.name:
        raise ConfigError(
            f"{_origin(entry)} registers the engine '{entry.name}' as {entry.value}; expected an"
            f" EngineKind with that name. Repair or uninstall that package."
        )
    return kind


def _origin(entry: EntryPoint) -> str:
    return f"the package {entry.dist.name}" if entry.dist else "a package"
