"""A sampler that never proposes values that an earlier trial has."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.tuning.dimension import Space, Values
from modelwright.tuning.samplers.sampler import Sampler
from modelwright.tuning.space_points import contains, count_points, point_text, points, random_point
from modelwright.tuning.trial_record import TrialRecord

_ATTEMPTS = 5
_RANDOM_ATTEMPTS = 1000
_MOST_LISTED = 100_000
"""Most points of a space that are gone through to find one that is left."""


class DistinctSampler:
    """Asks another sampler again for values that were tried, then draws at random.

    The sampler is asked again as if the repeated values were being tried at the moment.
    """

    def __init__(
        self, sampler: Sampler, space: Space, name: str, seed: int, first: Values | None = None
    ) -> None:
        """Keeps the settings.

        Args:
            sampler: what proposes values.
            space: what varies.
            name: the sampler's name, for errors.
            seed: random seed of the values that are drawn.
            first: the values of trial 0; by default the sampler proposes them.
        """
        self._sampler, self._space, self._name, self._seed = sampler, space, name, seed
        self._first = first

    def propose(self, number: int, records: Sequence[TrialRecord]) -> Values | None:
        """Returns new values, or None if the sampler has none or the space is exhausted."""
        if number == 0 and self._first is not None:
            return self._first
        tried = {point_text(record.values) for record in records}
        assumed = list(records)
        for _ in range(_ATTEMPTS):
            values = self._sampler.propose(number, assumed)
            if values is None:
                return None
            self._check(values)
            if point_text(values) not in tried:
                return values
            assumed.append(TrialRecord(number=len(assumed), values=values))
        return self._random(tried, np.random.default_rng((self._seed, number, 1)))

    def _random(self, tried: set[str], generator: np.random.Generator) -> Values | None:
        """Returns random values that were not tried, or None if there are none."""
        size = count_points(self._space)
        if size is not None and size <= _MOST_LISTED:
            left = [point for point in points(self._space) if point_text(point) not in tried]
            return left[generator.integers(len(left))] if left else None
        for _ in range(_RANDOM_ATTEMPTS):
            values = random_point(self._space, generator)
            if point_text(values) not in tried:
                return values
        return None

    def _check(self, values: Values) -> None:
        """Checks a proposal; a sampler may set ``train.epochs`` besides.

        Raises:
            ConfigError: the values are not a point of the space.
        """
        keys = {dimension.key for dimension in self._space}
        own = {key: value for key, value in values.items() if key in keys}
        if not contains(self._space, own) or values.keys() - keys - {"train.epochs"}:
            raise ConfigError(
                f"the sampler '{self._name}' proposed {values!r}, which is not in the space;"
                " expected an allowed value for each dimension. Use another sampler."
            )
