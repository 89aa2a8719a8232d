"""The orders in which a stream brings its domains, and the classes that each step brings."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.types import IntArray
from modelwright.streams.plan import StreamPlan


@dataclass(frozen=True)
class Order:
    """One order of a stream.

    Attributes:
        number: counted from 1.
        steps: the tags of the rows that each step brings: one domain, or several classes.
        names: the name of each step.
    """

    number: int
    steps: tuple[tuple[int, ...], ...]
    names: tuple[str, ...]

    def step_of(self, tags: IntArray) -> IntArray:
        """Returns the step that brings each row ``[n]``."""
        found = np.full(max((tag for step in self.steps for tag in step), default=0) + 2, -1)
        for number, step in enumerate(self.steps):
            found[list(step)] = number
        chosen: IntArray = found[tags].astype(np.int64)
        return chosen


def find_orders(plan: StreamPlan, tags: Sequence[str]) -> list[Order]:
    """Returns the orders of a study.

    The orders that are drawn depend only on the names, in the order in which the rows bring them,
    and on their number: more orders leave the first ones as they were. No two bring the same
    classes in each step.

    Args:
        plan: the study.
        tags: names of the domains, or of the classes.

    Raises:
        ConfigError: an order does not have every name once, two bring the same, or there are not so
            many orders.
    """
    size = plan.domains.classes or 1
    if len(tags) <= size:
        what = "class" if plan.domains.classes else "domain"
        many = "" if len(tags) == 1 else "es" if plan.domains.classes else "s"
        raise ConfigError(
            f"the rows have {len(tags)} {what}{many}; expected more than {size}, so that something"
            " new comes after the first step."
        )
    if isinstance(plan.orders, int):
        return draw_orders(plan.orders, tags, size)
    found = [_given(order, tags) for order in plan.orders]
    _check_different(found, tags, size)
    return [_order(number, order, tags, size) for number, order in enumerate(found, 1)]


def draw_orders(count: int, tags: Sequence[str], size: int = 1) -> list[Order]:
    """Returns so many orders as they are drawn.

    Args:
        count: number of orders.
        tags: names of the domains, or of the classes.
        size: number of names that each step brings.

    Raises:
        ConfigError: there are not so many orders.
    """
    drawn = _draw(count, len(tags), size)
    return [_order(number, order, tags, size) for number, order in enumerate(drawn, 1)]


def _draw(count: int, names: int, size: int) -> list[tuple[int, ...]]:
    whole, rest = divmod(names, size)
    most = math.factorial(names) // math.factorial(size) ** whole // math.factorial(rest)
    if count > most:
        steps = f" in steps of {size}" if size > 1 else ""
        raise ConfigError(
            f"'stream.orders' was given {count}; {names} names have {most} orders{steps}. Give at"
            f" most {most}."
        )
    found: dict[tuple[frozenset[int], ...], tuple[int, ...]] = {}
    number = 0
    while len(found) < count:
        drawn = np.random.default_rng([number]).permutation(names)
        order = tuple(int(one) for one in drawn)
        found.setdefault(_content(order, size), order)
        number += 1
    return list(found.values())


def _content(order: tuple[int, ...], size: int) -> tuple[frozenset[int], ...]:
    """Returns what each step brings. Within a step there is no order."""
    return tuple(frozenset(step) for step in _steps(order, size))


def _steps(order: tuple[int, ...], size: int) -> tuple[tuple[int, ...], ...]:
    return tuple(order[start : start + size] for start in range(0, len(order), size))


def _check_different(orders: Sequence[tuple[int, ...]], tags: Sequence[str], size: int) -> None:
    known: dict[tuple[frozenset[int], ...], int] = {}
    for number, order in enumerate(orders, 1):
        first = known.setdefault(_content(order, size), number)
        if first != number:
            raise ConfigError(
                f"'stream.orders' has orders {first} and {number}, which bring the same names in"
                f" each step of {size}: {', '.join(tags[one] for one in order)}; expected orders"
                " that differ. Leave one out."
            )


def _given(order: Sequence[str], tags: Sequence[str]) -> tuple[int, ...]:
    for name in order:
        if name not in tags:
            raise ConfigError(
                f"'stream.orders' names '{name}', which is not among the rows."
                f"{nearest(name, tags)} They have: {', '.join(tags)}."
            )
    if missing := [tag for tag in tags if tag not in order]:
        raise ConfigError(
            f"'stream.orders' has an order without '{missing[0]}'; expected every name once:"
            f" {', '.join(tags)}."
        )
    return tuple(tags.index(name) for name in order)


def _order(number: int, order: tuple[int, ...], tags: Sequence[str], size: int) -> Order:
    steps = _steps(order, size)
    names = tuple(" + ".join(tags[tag] for tag in step) for step in steps)
    return Order(number, steps, names)
