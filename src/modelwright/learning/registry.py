"""The registry of strategies.

To add a strategy, write one module here with a ``Strategy`` and add one line to ``BUILT_IN``.
Another package registers its strategy as an entry point instead::

    [project.entry-points."modelwright.strategies"]
    NAME = "package.module:STRATEGY"

A strategy's module is imported when somebody needs that strategy, not before.
"""

from __future__ import annotations

from modelwright.core.plugins import find_registered, registered_names
from modelwright.learning.strategy import Strategy

BUILT_IN = {
    "head": "modelwright.learning.head:STRATEGY",
    "frozen": "modelwright.learning.frozen:STRATEGY",
    "distill": "modelwright.learning.distill:STRATEGY",
    "replay": "modelwright.learning.replay:STRATEGY",
    "der": "modelwright.learning.der:STRATEGY",
    "ewc": "modelwright.learning.ewc:STRATEGY",
    "closed-form": "modelwright.learning.closed_form:STRATEGY",
    "counts": "modelwright.learning.counts:STRATEGY",
    "naive": "modelwright.learning.naive:STRATEGY",
    "joint": "modelwright.learning.joint:STRATEGY",
}
BOUNDS = ("naive", "joint")
"""Strategies to compare the others with: the least that can be done, and the most."""
ENTRY_POINTS = "modelwright.strategies"
_FIELDS = ("name", "summary", "needs", "cost", "unfit", "learn", "remember")


def strategy_names() -> list[str]:
    """Returns the names of all strategies; loads none."""
    return registered_names(BUILT_IN, ENTRY_POINTS)


def find_strategy(name: str) -> Strategy:
    """Returns a strategy.

    Raises:
        ConfigError: no such strategy is registered, or an entry point is not a strategy.
        MissingDependencyError: its entry point cannot be loaded.
    """
    found: Strategy = find_registered(
        "strategy",
        name,
        BUILT_IN,
        ENTRY_POINTS,
        fits=lambda one: all(hasattr(one, field) for field in _FIELDS) and one.name == name,
        expected=f"an object with {', '.join(_FIELDS)} and that name",
        also=("auto",),
    )
    return found
