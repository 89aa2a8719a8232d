"""The samplers ``keras-random``, ``keras-bayesian`` and ``keras-hyperband``: Keras Tuner's oracles.

An oracle is made anew for each trial and told all earlier trials, so nothing of Keras Tuner's is
kept in files. Keras Tuner is imported where it is used, and what it prints is dropped.

``keras-hyperband`` also chooses the epochs of each trial. A trial that goes on to more epochs is
trained again from the start, since a schedule of the learning rate depends on its number of epochs.
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from collections.abc import Sequence
from importlib import util
from typing import Any

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.tuning.dimension import Dimension, Space, Values, value_text
from modelwright.tuning.optuna_study import new_seed, worst_value
from modelwright.tuning.trial_record import TrialRecord

_EPOCHS = "train.epochs"


class RandomOracle:
    """The oracle of Keras Tuner's ``RandomSearch``."""

    def __init__(
        self, space: Space, *, seed: int, higher_is_better: bool, max_epochs: int | None = None
    ) -> None:
        """Keeps the settings.

        Raises:
            MissingDependencyError: Keras Tuner is not installed.
        """
        if util.find_spec("keras_tuner") is None:
            raise MissingDependencyError(
                "keras-tuner is not installed, which this sampler needs; install with: pip install"
                " 'modelwright[keras-tuner]', or use the samplers random, tpe or grid."
            )
        self._space, self._seed, self._higher = space, seed, higher_is_better
        self._known = {dimension.key: dimension for dimension in space}

    def propose(self, number: int, records: Sequence[TrialRecord]) -> Values | None:
        """Returns what the oracle proposes after the records; None if it has nothing new."""
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a Gaussian process with few trials
            oracle = self._make(new_seed(self._seed, number, len(records)) % 2**31)
            self._tell(oracle, records)
            answer = oracle.populate_space(str(len(records)))
        if answer["status"] != "RUNNING":
            return None
        return self._values(answer["values"])

    def _make(self, seed: int) -> Any:
        """Returns a new oracle."""
        from keras_tuner import oracles

        return oracles.RandomSearchOracle(max_trials=2**31, **self._settings(seed))

    def _settings(self, seed: int) -> dict[str, Any]:
        import keras_tuner

        direction = "max" if self._higher else "min"
        objective = keras_tuner.Objective("objective", direction)
        return {
            "objective": objective, "hyperparameters": hyperparameters(self._space), "seed": seed,
        }  # fmt: skip

    def _tell(self, oracle: Any, records: Sequence[TrialRecord]) -> None:
        """Adds the records to an oracle as its trials."""
        from keras_tuner.engine import trial as trials

        worst = worst_value(records, higher_is_better=self._higher)
        for place, record in enumerate(records):
            space = oracle.hyperparameters.copy()
            own = {key: one for key, one in record.values.items() if key in self._known}
            space.values = {key: _encode(self._known[key], one) for key, one in own.items()}
            status = {"running": "RUNNING", "failed": "FAILED"}.get(record.state, "COMPLETED")
            trial = trials.Trial(hyperparameters=space, trial_id=str(place), status=status)
            if status == "COMPLETED":
                value = record.objective
                trial.score = worst if value is None or not math.isfinite(value) else value
            oracle.trials[trial.trial_id] = trial
            if status == "RUNNING":
                oracle.ongoing_trials[trial.trial_id] = trial
            oracle._tried_so_far.add(oracle._compute_values_hash(space.values))

    def _values(self, proposed: dict[str, Any]) -> Values:
        values: Values = {}
        for dimension in self._space:
            if dimension.in_force(values):
                values[dimension.key] = _decode(dimension, proposed[dimension.key])
        return values


class BayesianOracle(RandomOracle):
    """The oracle of Keras Tuner's ``BayesianOptimization``, a Gaussian process.

    Its first trials are random, three for each dimension.
    """

    def _make(self, seed: int) -> Any:
        from keras_tuner import oracles

        return oracles.BayesianOptimizationOracle(max_trials=2**31, **self._settings(seed))

    def _tell(self, oracle: Any, records: Sequence[TrialRecord]) -> None:
        ended = [record for record in records if record.state in ("finished", "pruned")]
        if len(ended) < len(records) and ended:
            # An oracle that lives on guesses the result of a running trial by the fit before it.
            super()._tell(oracle, ended)
            oracle.gpr.fit(*oracle._vectorize_trials())
            oracle.trials.clear()
        super()._tell(oracle, records)


class HyperbandOracle(RandomOracle):
    """The oracle of Keras Tuner's ``Hyperband``: many trials of few epochs, few trials of many.

    It begins a new sweep after each one, for as long as the search lasts.
    """

    def __init__(
        self, space: Space, *, seed: int, higher_is_better: bool, max_epochs: int | None = None
    ) -> None:
        """Keeps the settings.

        Raises:
            ConfigError: the epochs are not known, or the space varies them too.
            MissingDependencyError: Keras Tuner is not installed.
        """
        super().__init__(space, seed=seed, higher_is_better=higher_is_better)
        if max_epochs is None or _EPOCHS in self._known:
            raise ConfigError(
                f"the sampler 'keras-hyperband' itself sets '{_EPOCHS}' of each trial, up to the"
                f" recipe's; expected a space without '{_EPOCHS}' and a number of epochs. Take it"
                " out of the space, or use the sampler tpe."
            )
        self._max_epochs = max_epochs

    def _make(self, seed: int) -> Any:
        from keras_tuner import oracles

        return oracles.HyperbandOracle(
            max_epochs=self._max_epochs, hyperband_iterations=None, **self._settings(seed)
        )

    def _tell(self, oracle: Any, records: Sequence[TrialRecord]) -> None:
        super()._tell(oracle, records)
        for place, record in enumerate(records):
            epochs = record.values.get(_EPOCHS)
            if epochs is not None and not _add_promoted(oracle, records[:place], record, epochs):
                _add_new(oracle, str(place), epochs)

    def _values(self, proposed: dict[str, Any]) -> Values:
        return {**super()._values(proposed), _EPOCHS: int(proposed["tuner/epochs"])}


def _add_promoted(
    oracle: Any, earlier: Sequence[TrialRecord], record: TrialRecord, epochs: int
) -> bool:
    """Adds a trial to the round of a bracket into which an earlier one was promoted, if it was."""
    same = [
        str(place)
        for place, other in enumerate(earlier)
        if _point(other) == _point(record) and other.values.get(_EPOCHS, epochs) < epochs
    ]
    for bracket in oracle._brackets:
        number, rounds = bracket["bracket_num"], bracket["rounds"]
        for place in range(1, len(rounds)):
            before = [one["id"] for one in rounds[place - 1]]
            taken = [one["past_id"] for one in rounds[place]]
            for parent in same:
                if (
                    parent in before
                    and parent not in taken
                    and oracle._get_epochs(number, place) == epochs
                ):
                    rounds[place].append({"past_id": parent, "id": str(len(earlier))})
                    return True
    return False


def _add_new(oracle: Any, name: str, epochs: int) -> None:
    """Adds a trial to the first round of an open bracket, or to that of the next one."""
    for _ in range(oracle._get_num_brackets() + 1):
        for bracket in oracle._brackets:
            number, first = bracket["bracket_num"], bracket["rounds"][0]
            room = len(first) < oracle._get_size(number, 0)
            if room and oracle._get_epochs(number, 0) == epochs:
                first.append({"past_id": None, "id": name})
                return
        oracle._remove_completed_brackets()
        oracle._increment_bracket_num()
        oracle._start_new_bracket()


def _point(record: TrialRecord) -> str:
    return value_text({key: one for key, one in record.values.items() if key != _EPOCHS})


def hyperparameters(space: Space) -> Any:
    """Returns a space as Keras Tuner's ``HyperParameters``."""
    import keras_tuner

    found = keras_tuner.HyperParameters()
    for dimension in space:
        known = {one.key: one for one in space}
        with contextlib.ExitStack() as stack:
            for key, wanted in dimension.conditions:
                values = [_encode(known[key], value) for value in wanted]
                stack.enter_context(found.conditional_scope(key, values))
            _register(found, dimension)
    return found


def _register(found: Any, dimension: Dimension) -> None:
    if dimension.kind == "choice":
        found.Choice(dimension.key, [_encode(dimension, one) for one in dimension.choices])
        return
    kind = found.Int if dimension.kind == "int" else found.Float
    step = None if dimension.log else dimension.step
    sampling = "log" if dimension.log else "linear"
    kind(dimension.key, dimension.low, dimension.high, step=step, sampling=sampling)


def _encode(dimension: Dimension, value: Any) -> Any:
    return value_text(value) if dimension.kind == "choice" else value


def _decode(dimension: Dimension, value: Any) -> Any:
    if dimension.kind != "choice":
        return dimension.plain(float(value))
    return next(one for one in dimension.choices if value_text(one) == value)
