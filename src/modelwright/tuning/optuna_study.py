"""Turns the records of a search into a study of Optuna's in memory, and back into values.

The study is made anew for each decision, so nothing of Optuna's is kept in files. Optuna is
imported where it is used.
"""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from importlib import util
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.errors import MissingDependencyError
from modelwright.tuning.dimension import Dimension, Space, Values, value_text
from modelwright.tuning.trial_record import TrialRecord

if TYPE_CHECKING:
    import optuna


def require_optuna() -> None:
    """Checks that Optuna is installed.

    Raises:
        MissingDependencyError: it is not. The message says how to install it.
    """
    if util.find_spec("optuna") is None:
        raise MissingDependencyError(
            "optuna is not installed, which this sampler or pruner needs; install with: pip install"
            " 'modelwright[tune]'. The samplers random and grid and the pruners none, asha and"
            " hyperband need no package."
        )


def new_seed(seed: int, number: int, records: int) -> int:
    """Returns the seed of the sampler that proposes one trial."""
    return int(np.random.SeedSequence((seed, number, records)).generate_state(1)[0])


def worst_value(records: Iterable[TrialRecord], *, higher_is_better: bool) -> float:
    """Returns what stands for an objective that is no number: worse than all trials and epochs."""
    values = [value for record in records for value in (*record.epochs, record.objective)]
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min(finite, default=0.0), max(finite, default=0.0)
    spread = high - low or 1.0
    return low - spread if higher_is_better else high + spread


def build_study(
    space: Space,
    records: Sequence[TrialRecord],
    *,
    higher_is_better: bool,
    sampler: optuna.samplers.BaseSampler | None = None,
) -> optuna.Study:
    """Returns a study in memory with the records as its trials, in the same order."""
    import optuna

    with quiet_optuna():
        study = optuna.create_study(
            study_name="search",
            direction="maximize" if higher_is_better else "minimize",
            sampler=sampler,
        )
        study.add_trials(frozen_trials(space, records, higher_is_better=higher_is_better))
    return study


def frozen_trials(
    space: Space, records: Sequence[TrialRecord], *, higher_is_better: bool
) -> list[optuna.trial.FrozenTrial]:
    """Returns the records as trials of Optuna's.

    An objective that is not a number counts as the worst of all; so does a trial that diverged.
    Other trials that failed say nothing of their values.
    """
    import optuna

    states = optuna.trial.TrialState
    worst = worst_value(records, higher_is_better=higher_is_better)
    known = {dimension.key: dimension for dimension in space}
    distributions = {dimension.key: distribution(dimension) for dimension in space}
    found = []
    for record in records:
        value = record.objective
        diverged = record.state == "failed" and any(map(math.isnan, record.epochs))
        state = {
            "running": states.RUNNING,
            "finished": states.COMPLETE if value is not None else states.FAIL,
            "pruned": states.PRUNED,
            "failed": states.COMPLETE if diverged else states.FAIL,
        }[record.state]
        has_value = state in (states.COMPLETE, states.PRUNED) and (value is not None or diverged)
        own = {key: one for key, one in record.values.items() if key in known}
        found.append(
            optuna.trial.create_trial(
                state=state,
                value=_finite(value, worst) if has_value else None,
                params={key: _encode(known[key], one) for key, one in own.items()},
                distributions={key: distributions[key] for key in own},
                intermediate_values={
                    epoch: _finite(one, worst) for epoch, one in enumerate(record.epochs, 1)
                },
            )
        )
    return found


def propose_values(
    space: Space,
    records: Sequence[TrialRecord],
    sampler: optuna.samplers.BaseSampler,
    *,
    higher_is_better: bool,
) -> Values:
    """Returns the values that a new sampler of Optuna's proposes after the records."""
    study = build_study(space, records, higher_is_better=higher_is_better, sampler=sampler)
    values: Values = {}
    with quiet_optuna():
        trial = study.ask()
        for dimension in space:
            if dimension.in_force(values):
                found = trial._suggest(dimension.key, distribution(dimension))
                values[dimension.key] = _decode(dimension, found)
    return values


def distribution(dimension: Dimension) -> optuna.distributions.BaseDistribution:
    """Returns a dimension as Optuna's distribution. Lists are choices as JSON."""
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if dimension.kind == "choice":
        return CategoricalDistribution([_encode(dimension, one) for one in dimension.choices])
    if dimension.kind == "int":
        step = int(dimension.step or 1)
        return IntDistribution(int(dimension.low), int(dimension.high), dimension.log, step)
    return FloatDistribution(dimension.low, dimension.high, dimension.log, dimension.step)


@contextlib.contextmanager
def quiet_optuna() -> Iterator[None]:
    """Keeps Optuna's messages and warnings of experimental functions from the terminal."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)


def _encode(dimension: Dimension, value: Any) -> Any:
    if dimension.kind != "choice":
        return value
    return value if _all_texts(dimension) else value_text(value)


def _decode(dimension: Dimension, value: Any) -> Any:
    if dimension.kind != "choice":
        return dimension.plain(value)
    texts = [_encode(dimension, choice) for choice in dimension.choices]
    return dimension.choices[texts.index(value)]


def _all_texts(dimension: Dimension) -> bool:
    return all(isinstance(choice, str) for choice in dimension.choices)


def _finite(value: float | None, worst: float) -> float:
    return worst if value is None or not math.isfinite(value) else value
