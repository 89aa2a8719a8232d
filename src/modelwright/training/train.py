"""Training: from a config to a run folder."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from modelwright.core.backend import BACKENDS, keras_backend
from modelwright.core.blocks import Block, Facts
from modelwright.core.config import Config
from modelwright.core.errors import ModelwrightError, RunError
from modelwright.core.files import explained_refusals
from modelwright.core.measure import RowClassifier, measure
from modelwright.core.report import Report
from modelwright.core.terminal import percent
from modelwright.core.types import IntArray, Progress, Split
from modelwright.data.load import load_data, write_rejected
from modelwright.models.builders import (
    options_for_classes,
)
from modelwright.plots.history import draw_history
from modelwright.runs.details import describe_epochs, describe_solution
from modelwright.runs.lock import lock_run
from modelwright.runs.rows import reload_data
from modelwright.runs.run import CHECKPOINT, Run, create_run, load_run
from modelwright.training.baseline_comparison import compare_training
from modelwright.training.baseline_figures import Baselines
from modelwright.training.data_check import check_data
from modelwright.training.extras import Extras
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.pretrained import HeadClassifier
from modelwright.training.runtime import make_deterministic
from modelwright.training.session import Session
from modelwright.training.soft_labels import read_soft_labels, write_soft_labels
from modelwright.training.warnings import training_warnings

_NOT_METRICS = ("run", "notes", "warnings", "next", "solution")


@dataclass(frozen=True)
class TrainReport(Report):
    """The result of a training. Accuracies are those of the best epoch's weights, in float32."""

    run: Path
    epochs: int
    best_epoch: int
    seconds: float
    val_accuracy: float | None
    train_accuracy: float
    parameters: int
    backend: str
    precision: str
    status: str
    rejected: int
    notes: tuple[str, ...]
    baselines: Baselines = field(default_factory=Baselines)
    """Simple models of the same training rows; none before the training has finished."""
    warnings: tuple[str, ...] = ()
    """What the figures do not show, such as a model that predicts one class only."""
    cross_validated_accuracy: float | None = None
    """Accuracy on training rows that a solver left out in turn; None without a solver."""
    solution: Mapping[str, Any] = field(default_factory=dict)
    """What a solver chose, and how well it predicted rows that it left out; empty without one."""
    backbone: str = ""
    """The pretrained network that the training began with, and its license; empty without one."""
    next: str = ""
    """The command that usually follows; empty while the training is not finished."""
    steps: int = 0
    """Steps of all epochs."""
    epoch_chosen: bool = True
    """Whether the best epoch was chosen; otherwise ``best_epoch`` is the last one."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        return {
            **vars(self),
            "run": str(self.run),
            "notes": list(self.notes),
            "baselines": self.baselines.to_list(),
            "warnings": list(self.warnings),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the results of the training."""
        held_out = "none held out" if self.val_accuracy is None else percent(self.val_accuracy)
        rows: list[tuple[str, object]] = [
            ("run", str(self.run)),
            ("status", self.status),
            *([("epochs", describe_epochs(vars(self)))] if self.steps else []),
            ("seconds", f"{self.seconds:.1f}"),
            *describe_solution(self.solution),
            ("validation accuracy", held_out),
            *self.baselines.facts(),
            ("training accuracy", percent(self.train_accuracy)),
            ("parameters", f"{self.parameters:,}"),
            *([("backbone", self.backbone)] if self.backbone else []),
            *([] if self.backend == "tensorflow" else [("backend", BACKENDS[self.backend])]),
            ("precision", self.precision),
            *(("note", note) for note in self.notes),
            *(("warning", warning) for warning in self.warnings),
        ]
        if self.rejected:
            rows.append(("rejected rows", f"{self.rejected:,}, listed in {self.run}/rejected.csv"))
        if self.next:
            rows.append(("next", self.next))
        return (Facts("trained", rows),)


def train(
    config: Config,
    *,
    out: Path | str | None = None,
    extras: Extras | None = None,
    notes: Sequence[str] = (),
    baselines: bool = True,
    progress: Progress | None = None,
) -> TrainReport:
    """Trains a model and writes a run folder.

    Args:
        config: all settings, from ``modelwright.recipes.resolve``.
        out: the run's folder; ``runs/NAME-TIME`` by default.
        extras: weights to start from, frozen layers, an extra loss term, observers.
        notes: decisions that led to the config, for the report.
        baselines: whether to compare the model with simple ones of the same training rows.
        progress: called with each step.

    Raises:
        DataError: the data cannot be used.
        ConfigError: the model does not fit the data, or the extras do not fit the model.
        RunError: the folder is not empty, or the loss is no longer a number.
        WriteError: the disk is full, or the folder cannot be written.
    """
    make_deterministic(config.train.seed)
    data = load_data(config.data, progress=progress)
    chosen, note = options_for_classes(config.model, len(data.labels))
    soft_labels = extras.soft_labels if extras else None
    untold = check_data(config, data, chosen, soft=soft_labels is not None)
    data = replace(data, notes=(*notes, *data.notes, *filter(None, (note,)), *untold))
    with explained_refusals(Path(out or "runs")):
        run = create_run(config, data, Path(out) if out else None)
    with explained_refusals(run.path, _resume_advice(run)), lock_run(run.path):
        try:
            run = run.update(chosen=chosen) if chosen else run
            if data.rejected:
                write_rejected(run.path / "rejected.csv", data.rejected)
            if soft_labels:
                write_soft_labels(run.path, soft_labels)
            session = Session(run, data, extras=extras, progress=progress)
        except (ModelwrightError, OSError):
            # Nothing was trained; the folder must be free for another try.
            shutil.rmtree(run.path, ignore_errors=True)
            raise
        return _finish(session, progress, baselines=baselines)


def resume(
    path: Path | str,
    *,
    extras: Extras | None = None,
    data_root: Path | str | None = None,
    baselines: bool = True,
    progress: Progress | None = None,
) -> TrainReport:
    """Resumes an interrupted training. The result is the same as without the interruption.

    Args:
        path: the run's folder.
        extras: the extras that the training began with.
        data_root: where the run's data is now, if it was moved.
        baselines: whether to compare the model with simple ones of the same training rows.
        progress: called with each step.

    Raises:
        RunError: the folder is not a run, or its training has finished, or began under another
            backend or with other extras.
        DataError: the data changed since the training began.
        WriteError: the disk is full, or the folder cannot be written.
    """
    run = load_run(path, unfinished=True)
    if run.status == "finished":
        raise RunError(f"the training of {run.path} finished already; there is nothing to resume.")
    if run.backend != keras_backend():
        raise RunError(
            f"the training of {run.path} began under {BACKENDS[run.backend]} and can only be"
            f" resumed there, not under {BACKENDS[keras_backend()]}; set"
            f" KERAS_BACKEND={run.backend}."
        )
    make_deterministic(run.config.train.seed)
    with explained_refusals(run.path, _resume_advice(run)), lock_run(run.path):
        data = reload_data(run.config.data, run.data, run.path, progress, root=data_root)
        if "soft_labels" in run.extras:
            known = read_soft_labels(run.path)
            extras = replace(extras or Extras(), soft_labels=known)
        if not (run.path / CHECKPOINT).exists():
            # As in ``train``: building the network once more draws from the random numbers that
            # the first weights come from.
            soft = extras is not None and extras.soft_labels is not None
            check_data(run.config, data, run.chosen, soft=soft)
        session = Session(run, data, extras=extras, progress=progress)
        return _finish(session, progress, baselines=baselines)


def _finish(session: Session, progress: Progress | None, *, baselines: bool) -> TrainReport:
    """Trains, measures the best weights in float32 and finishes the run."""
    finished = session.fit()
    run, data, checkpoint = session.run, session.data, session.checkpoint
    seconds = checkpoint.seconds
    network = run.network()
    measured = {
        name: measure(*_measurable(session, network, name, split.labels), progress)
        for name, split in data.splits.items()
        if name in session.inputs
    }
    history, rule = checkpoint.history, session.early_stopping
    trained, val = measured["train"].metrics, measured["val"].metrics if "val" in measured else None
    best, steps = (rule.best(history) or 0) + 1, session.steps
    out_of_fold = run.solution.get("cross_validated_accuracy")
    simple, warning = Baselines(), None
    if baselines and finished:
        simple, warning = compare_training(
            data,
            measured.get("val"),
            out_of_fold=_out_of_fold(run.solution, steps),
            seed=run.config.train.seed,
            progress=progress,
        )
    report = TrainReport(
        run=run.path,
        epochs=len(history),
        best_epoch=best,
        seconds=seconds,
        val_accuracy=val.accuracy if val else None,
        train_accuracy=trained.accuracy,
        parameters=network.count_params(),
        backend=run.backend,
        precision=f"{run.precision['policy']} ({run.precision['reason']})",
        status="finished" if finished else "stopped",
        rejected=len(data.rejected),
        notes=tuple(run.data.get("notes", data.notes)),
        baselines=simple,
        warnings=training_warnings(history, rule, data.labels, trained, val, steps, warning),
        cross_validated_accuracy=out_of_fold,
        solution=run.solution,
        backbone=f"{run.backbone['name']}, {run.backbone['license']}" if run.backbone else "",
        next=_next_command(run) if finished else "",
        steps=steps,
        epoch_chosen=rule.chooses,
    )
    draw_history(run.path / "plots" / "history.png", history, best=best)
    metrics = {key: value for key, value in report.to_dict().items() if key not in _NOT_METRICS}
    run.update(status=report.status, metrics=metrics)
    if finished:
        checkpoint.delete()
    return report


def _out_of_fold(solution: Mapping[str, Any], steps: int) -> tuple[int, int] | None:
    """Returns the right rows and the rows of a cross-validation, unless steps changed the model."""
    return (solution["correct"], solution["rows"]) if solution and not steps else None


def _measurable(
    session: Session, network: Any, name: str, labels: IntArray
) -> tuple[RowClassifier, Split]:
    """Returns what answers the rows of a split, and the rows; known features are not repeated."""
    if name in session.features and len(session.checkpoint.history) == 1:
        features: Any = session.features[name][0]
        return HeadClassifier(network), Split(features, labels)
    return NetworkClassifier(network), Split(session.inputs[name], labels)


def _resume_advice(run: Run) -> Callable[[], str]:
    """Returns the advice after a refused write, which depends on whether an epoch was saved."""

    def advice() -> str:
        if not (run.path / CHECKPOINT).exists():
            return ""
        return f"The epochs before are saved; continue with: modelwright train --resume {run.path}."

    return advice


def _next_command(run: Run) -> str:
    return f"modelwright export {shlex.quote(str(run.path))} models/{shlex.quote(run.model_name)}"
