"""The registry of pruners.

To add a pruner, write one module here with a ``PrunerFactory``, which may be a class, and add one
line to ``BUILT_IN``. Another package registers its factory as an entry point instead::

    [project.entry-points."modelwright.pruners"]
    NAME = "package.module:FACTORY"

A pruner's module is imported when somebody needs that pruner, not before.

``benchmarks/search_replay.py`` compares them; the default gained the most there.
"""

from __future__ import annotations

import importlib
from typing import cast

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.plugins import find_plugin, plugin_names
from modelwright.tuning.pruners.pruner import Pruner, PrunerFactory

BUILT_IN = {
    "asha": "modelwright.tuning.pruners.asha:AshaPruner",
    "none": "modelwright.tuning.pruners.none:NoPruner",
    "median": "modelwright.tuning.pruners.median:MedianPruner",
    "hyperband": "modelwright.tuning.pruners.hyperband:HyperbandPruner",
}
ENTRY_POINTS = "modelwright.pruners"
DEFAULT = "asha"


def pruner_names() -> list[str]:
    """Returns the names of all pruners; loads none."""
    return list(dict.fromkeys([*BUILT_IN, *plugin_names(ENTRY_POINTS)]))


def default_pruner(sampler: str) -> str:
    """Returns the pruner of a search that names none.

    A sampler that gives each trial its own number of epochs needs none.
    """
    return "none" if sampler == "keras-hyperband" else DEFAULT


def make_pruner(name: str, *, seed: int, higher_is_better: bool, max_epochs: int) -> Pruner:
    """Returns a pruner.

    Args:
        name: a pruner, as ``pruner_names`` lists them.
        seed: random seed of the search.
        higher_is_better: whether a larger objective is better.
        max_epochs: the most epochs of a trial.

    Raises:
        ConfigError: there is no such pruner.
        MissingDependencyError: its package is not installed.
    """
    factory = _find_pruner(name)
    return factory(seed=seed, higher_is_better=higher_is_better, max_epochs=max_epochs)


def _find_pruner(name: str) -> PrunerFactory:
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name].partition(":")
        return cast(PrunerFactory, getattr(importlib.import_module(module), attribute))
    plugin = find_plugin(ENTRY_POINTS, name)
    if plugin is None:
        names = pruner_names()
        raise ConfigError(
            f"there is no pruner '{name}'.{nearest(name, names)} Expected one of"
            f" {', '.join(names)}."
        )
    if not callable(plugin):
        raise ConfigError(
            f"the entry point '{name}' in '{ENTRY_POINTS}' is {plugin!r}; expected a function or"
            " class that is called with (seed=..., higher_is_better=..., max_epochs=...). Repair"
            " or uninstall the package that registers it."
        )
    return cast(PrunerFactory, plugin)
