"""The sampler ``cma``: an evolution strategy that adapts the covariance matrix, for numbers.

Each generation is drawn from a normal distribution over the numbers, whose mean and covariance
follow the better trials of the generation before. The package is cmaes. Source: Hansen (2016), The
CMA evolution strategy: a tutorial. It pays with many trials and few dimensions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib import util

import numpy as np

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.tuning.dimension import Space, Values
from modelwright.tuning.optuna_study import new_seed, worst_value
from modelwright.tuning.trial_record import TrialRecord

_SPREAD = 0.3
"""Standard deviation of the first generation, as a share of each range."""


class CmaSampler:
    """Proposes points of the next generation."""

    def __init__(
        self, space: Space, *, seed: int, higher_is_better: bool, max_epochs: int | None = None
    ) -> None:
        """Checks the space.

        Raises:
            ConfigError: the space has choices, conditions or a single dimension.
            MissingDependencyError: cmaes is not installed.
        """
        _check_space(space)
        if util.find_spec("cmaes") is None:
            raise MissingDependencyError(
                "cmaes is not installed, which the sampler 'cma' needs; install with: pip install"
                " 'modelwright[cmaes]', or use the sampler tpe."
            )
        self._space, self._seed, self._sign = space, seed, -1.0 if higher_is_better else 1.0

    def propose(self, number: int, records: Sequence[TrialRecord]) -> Values:
        """Returns a point of the generation that follows the ended trials."""
        import cmaes

        bounds = np.tile([0.0, 1.0], (len(self._space), 1))
        mean = np.full(len(self._space), 0.5)
        optimizer = cmaes.CMA(mean=mean, sigma=_SPREAD, bounds=bounds, seed=self._seed)
        ended = [one for one in records if one.state in ("finished", "pruned")]
        worst = worst_value(records, higher_is_better=self._sign < 0)
        size = optimizer.population_size
        for start in range(0, len(ended) - size + 1, size):
            generation = ended[start : start + size]
            optimizer.tell([(self._vector(one), self._loss(one, worst)) for one in generation])
        optimizer.reseed_rng(new_seed(self._seed, number, len(records)))
        shares = optimizer.ask()
        return {
            dimension.key: dimension.at_share(float(share))
            for dimension, share in zip(self._space, shares, strict=True)
        }

    def _vector(self, record: TrialRecord) -> np.ndarray:
        """Returns where a trial's values lie between the ends, ``[dimensions]``."""
        return np.array([one.share(record.values[one.key]) for one in self._space])

    def _loss(self, record: TrialRecord, worst: float) -> float:
        value = record.objective
        return self._sign * (worst if value is None or not math.isfinite(value) else value)


def _check_space(space: Space) -> None:
    choices = [dimension.key for dimension in space if dimension.kind == "choice"]
    if choices:
        raise ConfigError(
            f"the sampler 'cma' varies numbers alone, but {', '.join(choices)} has choices, which"
            " have no order; use the sampler tpe, or take choices out of the space."
        )
    if len(space) < 2:
        raise ConfigError(
            f"the sampler 'cma' needs at least two dimensions, because it follows how they depend"
            f" on each other; the space has {len(space)}. Use the sampler tpe."
        )
