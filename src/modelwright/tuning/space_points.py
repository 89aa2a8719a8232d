"""The points of a space: which values belong together, how many there are, all of them in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from modelwright.tuning.dimension import Dimension, Space, Values, value_text


def point_text(values: Mapping[str, Any]) -> str:
    """Returns a text that two points share exactly if their values are the same."""
    return value_text(dict(values))


def contains(space: Space, values: Mapping[str, Any]) -> bool:
    """Returns whether a mapping has one allowed value for each dimension in force, and no more."""
    expected = [dimension for dimension in space if dimension.in_force(values)]
    return {dimension.key for dimension in expected} == values.keys() and all(
        _allows(dimension, values[dimension.key]) for dimension in expected
    )


def count_points(space: Space) -> int | None:
    """Returns the number of points, or None if there is no end to them."""
    if any(dimension.size is None for dimension in space):
        return None
    parents = {key for dimension in space for key, _ in dimension.conditions}
    return _count(space, {}, parents)


def points(space: Space) -> Iterator[Values]:
    """Yields all points of a space without a dimension that has no end."""
    yield from _points(space, {})


def random_point(space: Space, generator: np.random.Generator) -> Values:
    """Returns a point whose values are drawn uniformly, on a logarithmic scale where asked."""
    values: Values = {}
    for dimension in space:
        if dimension.in_force(values):
            values[dimension.key] = _random_value(dimension, generator)
    return values


def _allows(dimension: Dimension, value: Any) -> bool:
    if dimension.kind == "choice":
        return value_text(value) in map(value_text, dimension.choices)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    kind = int if dimension.kind == "int" else float
    return isinstance(value, kind) and dimension.plain(value) == value


def _count(space: Sequence[Dimension], chosen: Values, parents: set[str]) -> int:
    """Returns the number of points; only values that conditions name are gone through."""
    total = 1
    for place, dimension in enumerate(space):
        if not dimension.in_force(chosen):
            continue
        if dimension.key not in parents:
            total *= dimension.size or 0
            continue
        rest = space[place + 1 :]
        return total * sum(
            _count(rest, {**chosen, dimension.key: value}, parents) for value in dimension.values()
        )
    return total


def _points(space: Sequence[Dimension], chosen: Values) -> Iterator[Values]:
    if not space:
        yield dict(chosen)
    elif not space[0].in_force(chosen):
        yield from _points(space[1:], chosen)
    else:
        for value in space[0].values():
            yield from _points(space[1:], {**chosen, space[0].key: value})


def _random_value(dimension: Dimension, generator: np.random.Generator) -> Any:
    if dimension.kind == "choice":
        return dimension.choices[generator.integers(len(dimension.choices))]
    if dimension.size is None or dimension.log:
        return dimension.at_share(generator.random())
    step = dimension.step or 1
    return dimension.plain(dimension.low + step * int(generator.integers(dimension.size)))
