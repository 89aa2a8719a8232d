"""Trains and measures a trial in this process, and keeps its result as JSON.

Nothing here knows of the study or search that proposes the trial.
"""

from __future__ import annotations

import csv
import gc
import hashlib
import shutil
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modelwright.core.config import Config, check_table
from modelwright.core.errors import MissingDependencyError, ModelwrightError
from modelwright.core.hardware import detect
from modelwright.core.packages import versions
from modelwright.core.types import Progress
from modelwright.runs.run import Run, load_run
from modelwright.training import runtime
from modelwright.training.checkpoint import read_history
from modelwright.training.evaluate import EvaluatedRows, EvaluationParts, evaluate_rows
from modelwright.training.evaluation_report import EvaluateReport
from modelwright.training.extras import Extras
from modelwright.training.measuring import MeasuredTraining
from modelwright.training.observers import Epoch, Observer
from modelwright.training.train import resume, train
from modelwright.trials.settings_difference import settings_difference
from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import (
    MachineRecord,
    TrialMetrics,
    TrialResult,
    read_trial_result,
    write_trial_result,
)

OnEpoch = Callable[[int, Mapping[str, float], bool], bool]
"""Called with (number of the epoch from 1, its metrics, whether an earlier training saved it).
False stops the training."""


def run_trial(
    trial: Trial,
    *,
    fingerprint: str = "",
    on_epoch: OnEpoch | None = None,
    progress: Progress | None = None,
) -> TrialResult | None:
    """Trains and measures a trial, and writes its result.

    An interrupted training goes on where it was, and what was measured before is returned. A
    training that fails gives a result with an error.

    Args:
        trial: what to train, and where.
        fingerprint: the fingerprint of the data, for the result of a training that fails.
        on_epoch: called with the epochs of an earlier training, whose answers are ignored, and
            after each saved epoch.
        progress: called at each step.

    Returns:
        The result, or None if a person or ``on_epoch`` stopped the training. Its run can go on.

    Raises:
        MissingDependencyError: a package is missing, for this trial and for all others.
    """
    _delete_unusable_run(trial)
    trained = trial.trained
    machine = (_recorded_machine(trial) if trained else None) or _describe_machine()
    identity = {"variant": trial.variant, "seed": trial.seed, "machine": machine}
    identity["config"] = trial.config.model_dump(mode="json")
    try:
        if on_epoch:
            _report_earlier_epochs(trial, on_epoch)
        if known := _measured_before(trial):
            return known
        figures = _train_and_measure(trial, on_epoch, progress)
        if figures is None:
            return None
        result = TrialResult(**identity, date=_today(), **figures)
    except _StoppedByAnswerError:
        return None
    except MissingDependencyError:
        raise
    except ModelwrightError as error:
        result = failed_result(trial, fingerprint, str(error), machine)
    finally:
        _release_memory()
    write_trial_result(trial.result, result)
    return result


def failed_result(
    trial: Trial, fingerprint: str, reason: str, machine: MachineRecord | None = None
) -> TrialResult:
    """Returns the result of a trial that failed, on this machine by default."""
    return TrialResult(
        variant=trial.variant,
        seed=trial.seed,
        config=trial.config.model_dump(mode="json"),
        machine=machine or _describe_machine(),
        date=_today(),
        fingerprint=fingerprint,
        error=reason,
    )


class _StoppedByAnswerError(Exception):
    """Ends a training at once, as a kill would, so no time goes into measuring what is unused."""


class _EpochReporter(Observer):
    """Reports each saved epoch, and stops the training where the answer is False."""

    def __init__(self, on_epoch: OnEpoch) -> None:
        self._on_epoch = on_epoch

    def on_epoch(self, epoch: Epoch) -> str | None:
        """Reports an epoch."""
        if not self._on_epoch(epoch.number, _without_number(epoch.values), False):
            raise _StoppedByAnswerError
        return None


class _MeasuredTraining(Observer):
    """Keeps a finished training in memory, so that its evaluation need not repeat anything."""

    training: MeasuredTraining | None = None

    def on_measured(self, training: MeasuredTraining) -> None:
        """Keeps the training."""
        self.training = training


def _report_earlier_epochs(trial: Trial, on_epoch: OnEpoch) -> None:
    if trial.begun:
        for number, values in enumerate(read_history(trial.run), 1):
            on_epoch(number, _without_number(values), True)


def _without_number(values: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if name != "epoch"}


def _measured_before(trial: Trial) -> TrialResult | None:
    """Returns the result of a finished run that was measured with these settings."""
    result = read_trial_result(trial.result) if trial.trained else None
    if result is None or result.error is not None:
        return None
    config = check_table(Config, result.config, trial.name)
    changed = settings_difference(config, trial.config, result.metrics.splits)
    return None if changed else result


def _delete_unusable_run(trial: Trial) -> None:
    """Deletes a failed training of other settings, and one that was cut off at its start."""
    if trial.begun:
        run = load_run(trial.run, unfinished=True)
        unusable = bool(settings_difference(run.config, trial.config, run.data["rows"]))
    else:
        names = {path.name for path in trial.run.glob("*")}
        unusable = all(name == "config.toml" or name.startswith(".") for name in names)
    if unusable:
        shutil.rmtree(trial.run, ignore_errors=True)


def _train_and_measure(
    trial: Trial, on_epoch: OnEpoch | None, progress: Progress | None
) -> dict[str, Any] | None:
    """Trains what is left to train, and returns the fields of the result that depend on the run.

    Returns None if the training was stopped.
    """
    if trial.trained:
        return _measure(trial, None, progress)
    measured = _MeasuredTraining()
    observers = (measured, _EpochReporter(on_epoch)) if on_epoch else (measured,)
    how: dict[str, Any] = {
        "extras": Extras(observers=observers), "baselines": False, "progress": progress,
    }  # fmt: skip
    report = resume(trial.run, **how) if trial.begun else train(trial.config, out=trial.run, **how)
    return _measure(trial, measured.training, progress) if report.status == "finished" else None


def _measure(
    trial: Trial, training: MeasuredTraining | None, progress: Progress | None
) -> dict[str, Any]:
    """Evaluates the run and returns the fields of the result that depend on it.

    A search has too many trials for plots that nobody may look at; ``evaluate`` draws them.
    """
    report = evaluate_rows(
        trial.run,
        EvaluatedRows(split=trial.split),
        tta=trial.tta,
        parts=EvaluationParts(baselines=False, slices=False, plots=False),
        training=training,
        progress=progress,
    )
    run = load_run(trial.run)
    order, right = _read_answers(report)
    figures = _metrics(run, report)
    return {
        "fingerprint": run.data["fingerprint"], "figures": figures, "order": order, "right": right,
    }  # fmt: skip


def _metrics(run: Run, report: EvaluateReport) -> TrialMetrics:
    metrics = report.metrics
    return TrialMetrics(
        rows=metrics.rows,
        right=int(np.diag(metrics.confusion).sum()),
        accuracy=metrics.accuracy,
        macro_f1=metrics.macro_f1,
        majority_accuracy=metrics.majority_accuracy,
        calibration_error=metrics.calibration_error,
        train_accuracy=run.metrics["train_accuracy"],
        splits=dict(run.data["rows"]),
        minutes=run.metrics["seconds"] / 60,
        epochs=run.metrics["epochs"],
        best_epoch=run.metrics["best_epoch"],
        parameters=run.metrics["parameters"],
        precision=run.metrics["precision"],
    )


def _read_answers(report: EvaluateReport) -> tuple[str, str]:
    """Returns ``order`` and ``right`` of a result, from the predictions of an evaluation."""
    order, right = hashlib.sha256(), []
    with (report.folder / "predictions.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            order.update(f"{row['origin']}\0{row['label']}\0".encode())
            right.append(row["label"] == row["predicted"])
    return order.hexdigest(), np.packbits(np.array(right, bool)).tobytes().hex()


def _recorded_machine(trial: Trial) -> MachineRecord | None:
    """Returns the machine of a finished run that was measured in another way before."""
    for measurement in ("test", "val", "test-tta", "val-tta"):
        path = trial.result.with_name(f"{trial.run.name}.{measurement}.json")
        result = read_trial_result(path)
        if result is not None and result.error is None:
            return result.machine
    return None


def _describe_machine() -> MachineRecord:
    hardware, gpu = detect(), runtime.gpu_details()
    name = None if gpu is None else str(gpu.get("device_name", "a GPU without a name"))
    return MachineRecord(
        name=f"{hardware.name}, {name or 'no GPU'}",
        memory_mib=hardware.memory_mib,
        instruction_sets=tuple(hardware.instruction_sets),
        versions=versions(),
    )


def _release_memory() -> None:
    """Frees what Keras holds of the last network; otherwise memory grows with every trial."""
    import keras

    keras.utils.clear_session()
    gc.collect()


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())
