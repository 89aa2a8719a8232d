"""Extensions from other packages, registered as entry points and loaded when they are needed.

A package registers an object under a group and a name, in its ``pyproject.toml``::

    [project.entry-points."modelwright.builders"]
    resnet = "my_package.builders:RESNET"

Nothing here runs at startup: a lookup reads the metadata of the installed packages, and only the
entry point that was asked for is imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from modelwright.core.errors import ConfigError, MissingDependencyError, brief
from modelwright.core.nearest import nearest


def find_plugin(group: str, name: str) -> Any | None:
    """Returns the object that an installed package registers, or None if there is none.

    Args:
        group: Group of the entry point, such as ``modelwright.builders``.
        name: Name of the entry point.

    Raises:
        ConfigError: Several packages register the name.
        MissingDependencyError: The entry point cannot be loaded.
    """
    found = tuple(entry_points(group=group, name=name))
    if not found:
        return None
    if len(found) > 1:
        packages = ", ".join(sorted(map(_package, found)))
        raise ConfigError(
            f"'{name}' in '{group}' is registered by several packages: {packages}; expected one."
            " Uninstall the others."
        )
    try:
        return found[0].load()
    except Exception as error:
        raise MissingDependencyError(
            f"{_package(found[0])} registers '{name}' in '{group}', but '{found[0].value}' cannot"
            f" be loaded ({type(error).__name__}: {brief(error)}). Repair or uninstall that"
            " package."
        ) from error


def plugin_names(group: str) -> list[str]:
    """Returns the sorted names that installed packages register in a group. Loads none of them."""
    return sorted({entry.name for entry in entry_points(group=group)})


def registered_names(built_in: Mapping[str, str], group: str) -> list[str]:
    """Returns what a user can choose by name: our own objects, then those of other packages.

    Loads none of them.
    """
    return list(dict.fromkeys([*built_in, *plugin_names(group)]))


def find_registered(
    what: str,
    name: str,
    built_in: Mapping[str, str],
    group: str,
    *,
    fits: Callable[[Any], bool],
    expected: str,
    also: tuple[str, ...] = (),
) -> Any:
    """Returns the object of a name: one of our own, or one that another package registers.

    Args:
        what: What is looked for, as messages call it: ``sampler``.
        name: The name that a user typed.
        built_in: Our own objects, each as ``package.module:NAME``.
        group: Group of the entry points.
        fits: Whether an object of another package can be used.
        expected: What such an object must be, for the message.
        also: Further names that a user can type, which the caller resolves.

    Raises:
        ConfigError: There is no object of that name, or another package's does not fit.
        MissingDependencyError: The entry point cannot be loaded.
    """
    if name in built_in:
        module, _, attribute = built_in[name].partition(":")
        return getattr(importlib.import_module(module), attribute)
    plugin = find_plugin(group, name)
    if plugin is None:
        names = [*also, *registered_names(built_in, group)]
        raise ConfigError(
            f"there is no {what} '{name}'.{nearest(name, names)} Expected one of"
            f" {', '.join(names)}."
        )
    if not fits(plugin):
        raise ConfigError(
            f"the entry point '{name}' in '{group}' is {plugin!r}; expected {expected}. Repair or"
            " uninstall the package that registers it."
        )
    return plugin


def _package(entry: EntryPoint) -> str:
    """Returns the name and version of the package that registers an entry point."""
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist else "an unknown package"
