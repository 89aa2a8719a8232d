"""The sampler ``random``: values drawn uniformly, on a logarithmic scale where the space has one.

What other trials gave has no influence. Source: Bergstra and Bengio (2012), Journal of Machine
Learning Research 13.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelwright.tuning.dimension import Space, Values
from modelwright.tuning.space_points import random_point
from modelwright.tuning.trial_record import TrialRecord


class RandomSampler:
    """Draws each value by itself."""

    def __init__(
        self, space: Space, *, seed: int, higher_is_better: bool, max_epochs: int | None = None
    ) -> None:
        self._space, self._seed = space, seed

    def propose(self, number: int, records: Sequence[TrialRecord]) -> Values:
        """Returns random values."""
        return random_point(self._space, np.random.default_rng((self._seed, number, len(records))))
