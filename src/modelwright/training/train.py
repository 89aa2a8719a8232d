"""Training: from a config to a run folder."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.core.backend import BACKENDS, keras_backend
from modelwright.core.config import Config
from modelwright.core.errors import ModelwrightError, RunError
from modelwright.core.files import explained_refusals
from modelwright.core.types import Progress
from modelwright.data.load import load_data, write_rejected
from modelwright.models.builders import options_for_classes
from modelwright.plots.history import draw_history
from modelwright.runs.lock import lock_run
from modelwright.runs.rows import reload_data
from modelwright.runs.run import CHECKPOINT, VOCABULARY, Run, create_run, load_run
from modelwright.training.baseline_comparison import compare_training
from modelwright.training.baseline_figures import Baselines
from modelwright.training.cluster import join
from modelwright.training.cluster_member import check_cluster, member_report, shared_facts
from modelwright.training.cluster_settings import Cluster, joined_cluster
from modelwright.training.data_check import check_data
from modelwright.training.extras import Extras, recorded_extras
from modelwright.training.measuring import measure_training
from modelwright.training.runtime import make_deterministic
from modelwright.training.session import Session
from modelwright.training.soft_labels import SOFT_LABELS, read_soft_labels, write_soft_labels
from modelwright.training.starting import check_task
from modelwright.training.train_report import TrainReport
from modelwright.training.warnings import training_warnings

_NOT_METRICS = ("run", "notes", "warnings", "next", "solution", "cluster")
_RESUMED_FILES = ("config.toml", "run.json", VOCABULARY, SOFT_LABELS, CHECKPOINT)


def train(
    config: Config,
    *,
    out: Path | str | None = None,
    extras: Extras | None = None,
    notes: Sequence[str] = (),
    baselines: bool = True,
    cluster: Cluster | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """Trains a model and writes a run folder.

    Args:
        config: all settings, from ``modelwright.recipes.resolve``.
        out: the run's folder; ``runs/NAME-TIME`` by default.
        extras: weights to start from, frozen layers, an extra loss term, observers.
        notes: decisions that led to the config, for the report.
        baselines: whether to compare the model with simple ones of the same training rows.
        cluster: the processes that train together; only the one with rank 0 writes the folder.
        progress: called with each step.

    Raises:
        DataError: the data cannot be used.
        ConfigError: the model does not fit the data, or the extras do not fit the model.
        RunError: the folder is not empty, the loss is no longer a number, or another process of the
            training was lost.
        WriteError: the disk is full, or the folder cannot be written.
    """
    check_cluster(config, cluster)
    group = join(cluster, progress)
    make_deterministic(config.train.seed)
    soft_labels = extras.soft_labels if extras else None
    with group.preparing() as shared:
        data = load_data(config.data, progress=progress)
        check_task(extras, data.task)
        chosen, note = options_for_classes(config.model, len(data.labels))
        untold = check_data(config, data, chosen, soft=soft_labels is not None)
        data = replace(data, notes=(*notes, *data.notes, *filter(None, (note,)), *untold))
        shared |= shared_facts(config, data)
    folder = group.run_folder(Path(out) if out else None)
    with group.preparing(), explained_refusals(Path(out or "runs")):
        run = create_run(config, data, folder)
    group.announce(run.path)
    with explained_refusals(run.path, _resume_advice(run)), lock_run(run.path):
        try:
            run = run.update(chosen=chosen) if chosen else run
            if data.rejected:
                write_rejected(run.path / "rejected.csv", data.rejected)
            if soft_labels:
                write_soft_labels(run.path, soft_labels)
            session = Session(run, data, extras=extras, group=group, progress=progress)
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
    cluster: Cluster | Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """Resumes an interrupted training. The result is the same as without the interruption.

    With another number of processes or devices than before, it is the same but for rounding.

    Args:
        path: the run's folder.
        extras: the extras that the training began with; what it started from and what is frozen
            is taken from its record.
        data_root: where the run's data is now, if it was moved.
        baselines: whether to compare the model with simple ones of the same training rows.
        cluster: the processes that train together, or the keys of ``[cluster]``. All but rank 0
            get the run's files from it.
        progress: called with each step.

    Raises:
        RunError: the folder is not a run, or its training has finished, or began under another
            backend or with other extras.
        DataError: the data changed since the training began.
        WriteError: the disk is full, or the folder cannot be written.
    """
    if isinstance(cluster, Mapping):
        cluster, _ = joined_cluster(cluster)
    group = join(cluster, progress)
    make_deterministic(0)  # before the processes exchange anything
    with group.preparing():
        run = _resumable(path) if group.writes else None
    folder = group.share_files(Path(path), _RESUMED_FILES)
    run = run or load_run(folder, unfinished=True)
    check_cluster(run.config, cluster)
    make_deterministic(run.config.train.seed)
    group.announce(run.path)
    with explained_refusals(run.path, _resume_advice(run)), lock_run(run.path):
        with group.preparing():
            data = reload_data(run.config.data, run.data, path, progress, root=data_root)
        extras = recorded_extras(run, extras)
        if "soft_labels" in run.extras:
            extras = replace(extras, soft_labels=read_soft_labels(run.path))
        if not (run.path / CHECKPOINT).exists():
            # As in ``train``: building the network once more draws from the random numbers that
            # the first weights come from.
            check_data(run.config, data, run.chosen, soft=extras.soft_labels is not None)
        session = Session(run, data, extras=extras, group=group, progress=progress)
        return _finish(session, progress, baselines=baselines)


def _resumable(path: Path | str) -> Run:
    """Returns a run whose training can go on in this process.

    Raises:
        RunError: it cannot.
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
    return run


def _finish(session: Session, progress: Progress | None, *, baselines: bool) -> TrainReport:
    """Trains, measures the best weights in float32 and finishes the run."""
    try:
        finished = session.fit()
    except KeyboardInterrupt:  # in all processes after the same step
        session.group.leave()
        raise
    session.group.leave()
    if not session.group.writes:
        return member_report(session, finished=finished)
    run, data, checkpoint = session.run, session.data, session.checkpoint
    seconds = checkpoint.seconds
    training = measure_training(session, progress)
    measured = training.measured
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
        parameters=training.network.count_params(),
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
        speed=session.speed,
        cluster=run.cluster,
    )
    draw_history(run.path / "plots" / "history.png", history, best=best)
    metrics = {key: value for key, value in report.to_dict().items() if key not in _NOT_METRICS}
    run = run.update(status=report.status, metrics=metrics)
    if finished:
        checkpoint.delete()
        for observer in session.extras.observers:
            observer.on_measured(replace(training, run=run))
    return report


def _out_of_fold(solution: Mapping[str, Any], steps: int) -> tuple[int, int] | None:
    """Returns the right rows and the rows of a cross-validation, unless steps changed the model."""
    return (solution["correct"], solution["rows"]) if solution and not steps else None


def _resume_advice(run: Run) -> Callable[[], str]:
    """Returns the advice after a refused write, which depends on whether an epoch was saved."""

    def advice() -> str:
        if not (run.path / CHECKPOINT).exists():
            return ""
        return f"The epochs before are saved; continue with: modelwright train --resume {run.path}."

    return advice


def _next_command(run: Run) -> str:
    return f"modelwright export {shlex.quote(str(run.path))} models/{shlex.quote(run.model_name)}"
