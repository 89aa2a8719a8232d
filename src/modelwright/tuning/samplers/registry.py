"""The registry of samplers.

To add a sampler, write one module here with a ``SamplerFactory``, which may be a class, and add one
line to ``BUILT_IN``. Another package registers its factory as an entry point instead::

    [project.entry-points."modelwright.samplers"]
    NAME = "package.module:FACTORY"

A sampler's module is imported when somebody needs that sampler, not before.

``benchmarks/search_replay.py`` compares them.
"""

from __future__ import annotations

from typing import cast

from modelwright.core.plugins import find_registered, registered_names
from modelwright.tuning.dimension import Space, Values
from modelwright.tuning.samplers.distinct import DistinctSampler
from modelwright.tuning.samplers.sampler import Sampler, SamplerFactory

BUILT_IN = {
    "tpe": "modelwright.tuning.samplers.tpe:TpeSampler",
    "random": "modelwright.tuning.samplers.random_values:RandomSampler",
    "grid": "modelwright.tuning.samplers.grid:GridSampler",
    "cma": "modelwright.tuning.samplers.cma:CmaSampler",
    "keras-random": "modelwright.tuning.samplers.keras_oracles:RandomOracle",
    "keras-bayesian": "modelwright.tuning.samplers.keras_oracles:BayesianOracle",
    "keras-hyperband": "modelwright.tuning.samplers.keras_oracles:HyperbandOracle",
}
ENTRY_POINTS = "modelwright.samplers"
DEFAULT = "tpe"
OWN_ORDER = ("grid", "keras-random", "keras-bayesian", "keras-hyperband")
"""Samplers that choose the first trial too: all points in turn, or as Keras Tuner does it."""


def sampler_names() -> list[str]:
    """Returns the names of all samplers; loads none."""
    return registered_names(BUILT_IN, ENTRY_POINTS)


def make_sampler(
    name: str,
    space: Space,
    *,
    seed: int,
    higher_is_better: bool,
    max_epochs: int | None = None,
    first: Values | None = None,
) -> Sampler:
    """Returns a sampler that never proposes the same values twice.

    Args:
        name: a sampler, as ``sampler_names`` lists them.
        space: what varies.
        seed: random seed of the search.
        higher_is_better: whether a larger objective is better.
        max_epochs: the most epochs of a trial, which a sampler needs that also chooses the epochs.
        first: the values of trial 0; by default the sampler proposes them.

    Raises:
        ConfigError: there is no such sampler, or it cannot search this space.
        MissingDependencyError: its package is not installed.
    """
    sampler = find_sampler(name)(
        space, seed=seed, higher_is_better=higher_is_better, max_epochs=max_epochs
    )
    return DistinctSampler(sampler, space, name, seed, first)


def find_sampler(name: str) -> SamplerFactory:
    """Returns what makes the sampler of a name.

    Raises:
        ConfigError: no such sampler is registered, or an entry point is not one.
        MissingDependencyError: its entry point cannot be loaded.
    """
    expected = (
        "a function or class that is called with"
        " (space, seed=..., higher_is_better=..., max_epochs=...)"
    )
    return cast(
        SamplerFactory,
        find_registered("sampler", name, BUILT_IN, ENTRY_POINTS, fits=callable, expected=expected),
    )
