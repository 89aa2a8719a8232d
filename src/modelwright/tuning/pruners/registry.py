"""The registry of pruners.

To add a pruner, write one module here with a ``PrunerFactory``, which may be a class, and add one
line to ``BUILT_IN``. Another package registers its factory as an entry point instead::

    [project.entry-points."modelwright.pruners"]
    NAME = "package.module:FACTORY"

A pruner's module is imported when somebody needs that pruner, not before.

``benchmarks/search_replay.py`` compares them; the default gained the most there.
"""

from __future__ import annotations

import inspect
from typing import cast

from modelwright.core.plugins import find_registered, registered_names
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
    return registered_names(BUILT_IN, ENTRY_POINTS)


def default_pruner(sampler: str) -> str:
    """Returns the pruner of a search that names none.

    A sampler that gives each trial its own number of epochs needs none.
    """
    return "none" if sampler == "keras-hyperband" else DEFAULT


def takes_factor(name: str) -> bool:
    """Returns whether a pruner lets one of ``factor`` trials go on.

    Raises:
        ConfigError: there is no such pruner.
        MissingDependencyError: its package is not installed.
    """
    return "factor" in inspect.signature(_find_pruner(name)).parameters


def make_pruner(
    name: str, *, seed: int, higher_is_better: bool, max_epochs: int, factor: int | None = None
) -> Pruner:
    """Returns a pruner.

    Args:
        name: a pruner, as ``pruner_names`` lists them.
        seed: random seed of the search.
        higher_is_better: whether a larger objective is better.
        max_epochs: the most epochs of a trial.
        factor: of so many trials one goes on, for a pruner that takes it; None for its default.

    Raises:
        ConfigError: there is no such pruner.
        MissingDependencyError: its package is not installed.
    """
    more = {} if factor is None else {"factor": factor}
    factory = _find_pruner(name)
    return factory(seed=seed, higher_is_better=higher_is_better, max_epochs=max_epochs, **more)


def _find_pruner(name: str) -> PrunerFactory:
    expected = (
        "a function or class that is called with (seed=..., higher_is_better=..., max_epochs=...)"
    )
    return cast(
        PrunerFactory,
        find_registered("pruner", name, BUILT_IN, ENTRY_POINTS, fits=callable, expected=expected),
    )
