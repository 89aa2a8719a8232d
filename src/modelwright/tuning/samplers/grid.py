"""The sampler ``grid``: every point of a space once, in a random order.

In a random order, a search that is stopped early has not seen one corner only.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.tuning.dimension import Space, Values
from modelwright.tuning.space_points import count_points, point_text, points
from modelwright.tuning.trial_record import TrialRecord

MOST_POINTS = 100_000


class GridSampler:
    """Goes through all points.

    Attributes:
        points: the number of points.
    """

    def __init__(
        self, space: Space, *, seed: int, higher_is_better: bool, max_epochs: int | None = None
    ) -> None:
        """Lists the points.

        Raises:
            ConfigError: a dimension has no end of values, or there are too many points.
        """
        for dimension in space:
            if dimension.size is None:
                raise ConfigError(
                    f"the sampler 'grid' needs a list of values, but '{dimension.key}' takes any"
                    f" number from {dimension.low} to {dimension.high}; give it a step, list its"
                    " values as choices, or use the sampler random or tpe."
                )
        self.points = count_points(space) or 0
        if self.points > MOST_POINTS:
            raise ConfigError(
                f"the sampler 'grid' would train {self.points:,} points; expected at most"
                f" {MOST_POINTS:,}. Use larger steps or fewer choices, or the sampler tpe."
            )
        listed = list(points(space))
        self._all = [
            listed[place] for place in np.random.default_rng(seed).permutation(len(listed))
        ]

    def propose(self, number: int, records: Sequence[TrialRecord]) -> Values | None:
        """Returns the first point that no trial has, or None after the last."""
        tried = {point_text(record.values) for record in records}
        return next((dict(one) for one in self._all if point_text(one) not in tried), None)
