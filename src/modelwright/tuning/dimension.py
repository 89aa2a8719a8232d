"""One dimension of a search space: a setting and the values that it may take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class Dimension:
    """A setting that a search varies.

    Attributes:
        key: the setting, ``train.learning_rate``.
        kind: whether it takes whole numbers, numbers, or one of ``choices``.
        low: the smallest number; 0 for choices.
        high: the largest number, which is included; 0 for choices.
        step: the distance of neighboring numbers; None for any number between ``low`` and
            ``high``.
        log: whether numbers are drawn on a logarithmic scale.
        choices: the values of a choice, as a config holds them: numbers, texts, lists.
        condition: the key and the value of another dimension with which alone this one has an
            effect; None if it always has one.
    """

    key: str
    kind: Literal["int", "float", "choice"]
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()
    condition: tuple[str, Any] | None = None


Space = tuple[Dimension, ...]
"""The dimensions of a search, in the order of the file."""
Values = dict[str, Any]
"""A point of a space: the key of each dimension in force, with its value."""
