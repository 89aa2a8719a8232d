"""Trains and measures a trial in this process, and keeps its result as JSON.

Nothing here knows of the study or search that proposes the trial.
"""

from __future__ import annotations

import csv
import gc
import hashlib
import shutil
import time
from typing import Any

import numpy as np

from modelwright.core.errors import MissingDependencyError, ModelwrightError
from modelwright.core.hardware import detect
from modelwright.core.packages import versions
from modelwright.core.types import Progress
from modelwright.runs.run import Run, load_run
from modelwright.training import runtime
from modelwright.training.evaluate import EvaluatedRows, evaluate_rows
from modelwright.training.evaluation_report import EvaluateReport
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


def run_trial(
    trial: Trial, *, fingerprint: str = "", progress: Progress | None = None
) -> TrialResult | None:
    """Trains and measures a trial, and writes its result.

    An interrupted training goes on where it was. A training that fails gives a result with an
    error.

    Args:
        trial: what to train, and where.
        fingerprint: the fingerprint of the data, for the result of a training that fails.
        progress: called at each step.

    Returns:
        The result, or None if a person stopped the training.

    Raises:
        MissingDependencyError: a package is missing, for this trial and for all others.
    """
    _delete_unusable_run(trial)
    trained = trial.trained
    machine = (_recorded_machine(trial) if trained else None) or _describe_machine()
    identity = {"variant": trial.variant, "seed": trial.seed, "machine": machine}
    identity["config"] = trial.config.model_dump(mode="json")
    try:
        if not trained and _train(trial, progress) != "finished":
            return None
        result = TrialResult(**identity, date=_today(), **_measure(trial, progress))
    except MissingDependencyError:
        raise
    except ModelwrightError as error:
        result = TrialResult(**identity, date=_today(), fingerprint=fingerprint, error=str(error))
    finally:
        _release_memory()
    write_trial_result(trial.result, result)
    return result


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


def _train(trial: Trial, progress: Progress | None) -> str:
    """Trains, or goes on training, and returns the status of the run."""
    if trial.begun:
        return resume(trial.run, baselines=False, progress=progress).status
    return train(trial.config, out=trial.run, baselines=False, progress=progress).status


def _measure(trial: Trial, progress: Progress | None) -> dict[str, Any]:
    """Evaluates the run and returns the fields of the result that depend on it."""
    report = evaluate_rows(
        trial.run,
        EvaluatedRows(split=trial.split),
        tta=trial.tta,
        baselines=False,
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
