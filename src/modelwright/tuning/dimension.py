"""One dimension of a search space: a setting and the values that it may take."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

Condition = tuple[str, tuple[Any, ...]]
"""The key of another dimension, and values of it."""


@dataclass(frozen=True)
class Dimension:
    """A setting that a search varies.

    Attributes:
        key: the setting, ``train.learning_rate``.
        kind: whether it takes integers, numbers, or one of ``choices``.
        low: the smallest number; 0 for choices.
        high: the largest number, which is included; 0 for choices.
        step: the distance of neighboring numbers; None for any number between ``low`` and
            ``high``. Integers have a step of at least 1 unless they are on a logarithmic scale.
        log: whether numbers are drawn on a logarithmic scale.
        choices: the values of a choice, as a config holds them: numbers, texts, lists.
        conditions: other dimensions, each with the values of it with which alone this one has an
            effect. All must hold.
    """

    key: str
    kind: Literal["int", "float", "choice"]
    low: float = 0
    high: float = 0
    step: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def size(self) -> int | None:
        """The number of values, or None if there is no end to them."""
        if self.kind == "choice":
            return len(self.choices)
        if self.kind == "int" and self.step is None:
            return int(self.high) - int(self.low) + 1
        return None if self.step is None else 1 + round((self.high - self.low) / self.step)

    @property
    def ends(self) -> tuple[Any, ...]:
        """The values with which a config is tried before a search: the ends, or all choices."""
        if self.kind == "choice":
            return self.choices
        return self.plain(self.low), self.plain(self.high)

    def values(self) -> Iterator[Any]:
        """Yields all values, in order.

        Raises:
            ValueError: there is no end to them.
        """
        if self.kind == "choice":
            yield from self.choices
            return
        if self.size is None:
            raise ValueError(f"'{self.key}' takes any number from {self.low} to {self.high}")
        step = Decimal(str(self.step or 1))
        for number in range(self.size):
            yield self.plain(Decimal(str(self.low)) + number * step)

    def plain(self, number: float | Decimal) -> Any:
        """Returns a number as a plain int or float, on the nearest step and inside the bounds."""
        value = min(max(Decimal(str(number)), Decimal(str(self.low))), Decimal(str(self.high)))
        if self.step is not None:
            low, step = Decimal(str(self.low)), Decimal(str(self.step))
            value = low + round((value - low) / step) * step
        return round(value) if self.kind == "int" else float(value)

    def share(self, value: Any) -> float:
        """Returns where a number lies between the ends, from 0 to 1, on the dimension's scale."""
        low, high, number = (
            (math.log(one) if self.log else float(one)) for one in (self.low, self.high, value)
        )
        return (number - low) / (high - low)

    def at_share(self, share: float) -> Any:
        """Returns the number at a share from 0 to 1, the inverse of ``share``."""
        if not 0 < share < 1:  # exactly, whatever logarithms round
            return self.plain(self.low if share <= 0 else self.high)
        low, high = (math.log(end) if self.log else float(end) for end in (self.low, self.high))
        number = low + share * (high - low)
        return self.plain(math.exp(number) if self.log else number)

    def in_force(self, values: Mapping[str, Any]) -> bool:
        """Returns whether the dimension has an effect beside the values of others."""
        return all(
            key in values and value_text(values[key]) in map(value_text, wanted)
            for key, wanted in self.conditions
        )


Space = tuple[Dimension, ...]
"""The dimensions of a search. A dimension comes after those that its conditions name."""
Values = dict[str, Any]
"""A point of a space: the key of each dimension in force, with its value."""


def value_text(value: Any) -> str:
    """Returns a value as JSON, which tells ``1`` from ``true`` and ``1.0``, and lists apart."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
