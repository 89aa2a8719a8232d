"""``modelwright.reproduce``: measures what was published, study by study.

A study that was measured before with the settings of today is taken from its record; the others
are trained. An accuracy below the published one is a result, not an error.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from modelwright.core.backend import load_keras
from modelwright.core.errors import MissingDependencyError, ModelwrightError
from modelwright.core.files import write_json
from modelwright.core.types import Progress
from modelwright.publish.finished_studies import (
    find_finished_study,
    outdated_reasons,
    portable_record,
)
from modelwright.publish.pages import write_pages
from modelwright.publish.published_comparison import with_current_claims
from modelwright.publish.reproduce_report import ReproducedStudy, ReproduceReport
from modelwright.publish.shipped_studies import quick_plan, read_shipped_study, select_study_names
from modelwright.studies.plan import StudyPlan
from modelwright.studies.study_record import StudyRecord, read_study_record
from modelwright.trials.runner import Runner

_Compare = Callable[[StudyPlan, Path], StudyRecord]
"""Trains what is left of a study in its folder."""


def reproduce(
    names: Sequence[str] = (),
    *,
    again: bool = False,
    quick: bool = False,
    out: Path | str = "studies",
    results: Path | str = "benchmarks/results",
    runner: Runner | str | None = None,
    progress: Progress | None = None,
) -> ReproduceReport:
    """Compares published accuracies with measured ones, study by study.

    Args:
        names: the studies; all studies of the package by default.
        again: trains also what has a record or is finished in ``out``; an interrupted study goes
            on.
        quick: a run with few rows in ``out/quick``, which leaves no record.
        out: the folder of the studies' folders.
        results: the folder of the records, if it exists, as in a checkout. The pages of the
            checkout are then written again.
        runner: where the trainings run, as in ``compare``: a name for one training at a time, or
            what ``modelwright.trials.registry.make_runner`` returns for several.
        progress: called at each step.

    Raises:
        ConfigError: there is no study of a name.
        MissingDependencyError: a study must be trained and a package for it is missing.
    """
    plans = [read_shipped_study(name) for name in select_study_names(names)]
    folder, records = Path(out), Path(results)
    studies: list[ReproducedStudy] = []
    for plan in plans:
        train = partial(_compare, runner=runner, progress=_with_name(progress, plan.name))
        if quick:
            studies.append(_train_quick(plan, folder / "quick" / plan.name, train))
        else:
            studies.append(_reproduce(plan, folder / plan.name, records, train, again=again))
        if studies[-1].stopped:
            break
    stopped, failed = studies[-1].stopped, any(one.failures for one in studies)
    trained = any(one.origin == "trained" and one.study for one in studies)
    return ReproduceReport(
        studies=tuple(studies),
        quick=quick,
        status="stopped" if stopped else "failed" if failed else "finished",
        written=write_pages(records).written if trained and not quick else (),
    )


def _reproduce(
    plan: StudyPlan, folder: Path, results: Path, train: _Compare, *, again: bool
) -> ReproducedStudy:
    """Returns a study from its record, or trains it."""
    recorded = None if again else _look_up(plan, results)
    if recorded is not None and recorded.study is not None:
        return recorded
    if again:
        _delete_finished(folder)
    return _train(plan, folder, results, recorded.notes if recorded else (), train)


def _look_up(plan: StudyPlan, results: Path) -> ReproducedStudy | None:
    """Returns the recorded study; without its results if they are of other settings."""
    path, study = results / f"{plan.name}.json", find_finished_study(results, plan.name)
    if study is None:
        return None
    if reasons := outdated_reasons(study, plan):
        notes = (f"{path} is of other settings, so it was trained: {'; '.join(reasons)}",)
        return ReproducedStudy(plan, "kept", None, notes)
    machines = ", ".join(machine.name for machine in study.machines)
    note = f"taken from {path}, measured on {study.date} ({machines}); --again trains it anew"
    return ReproducedStudy(plan, "kept", with_current_claims(study, plan), (note,))


def _delete_finished(folder: Path) -> None:
    """Deletes the folder of a study that finished; an interrupted one stays, to go on."""
    path = folder / "study.json"
    study = read_study_record(path) if path.is_file() else None
    if study is not None and study.status == "finished":
        shutil.rmtree(folder)


def _train(
    plan: StudyPlan,
    folder: Path,
    results: Path,
    notes: tuple[str, ...],
    train: _Compare,
) -> ReproducedStudy:
    """Trains what is left of a study, and records it if it finishes."""
    try:
        study = train(plan, folder)
    except ModelwrightError as error:
        return _failed(plan, error, notes)
    note = f"trained in {folder}"
    if study.status == "finished" and results.is_dir():
        path = results / f"{plan.name}.json"
        write_json(path, study.to_dict())
        note += f", kept as {path}"
    return ReproducedStudy(plan, "trained", study, (*notes, note, *_left(study)))


def _train_quick(plan: StudyPlan, folder: Path, train: _Compare) -> ReproducedStudy:
    """Trains a quick run of a study."""
    if (folder / "study.json").is_file():
        shutil.rmtree(folder)  # an old run with other settings would be refused
    try:
        study = train(quick_plan(plan), folder)
    except ModelwrightError as error:
        return _failed(plan, error, quick=True)
    notes = (f"trained in {folder}", *_left(study))
    return ReproducedStudy(plan, "trained", study, notes, quick=True)


def _compare(
    plan: StudyPlan, folder: Path, *, runner: Runner | str | None, progress: Progress | None
) -> StudyRecord:
    load_keras()
    # It loads Keras, which the table of a recorded study does not need.
    from modelwright.studies.compare import compare

    return portable_record(compare(plan, out=folder, runner=runner, progress=progress), plan)


def _failed(
    plan: StudyPlan, error: ModelwrightError, notes: tuple[str, ...] = (), *, quick: bool = False
) -> ReproducedStudy:
    if isinstance(error, MissingDependencyError):
        raise error  # it is missing for every study
    return ReproducedStudy(plan, "trained", None, notes, str(error), quick)


def _left(study: StudyRecord) -> list[str]:
    if study.status != "stopped":
        return []
    return [f"still to come: {len(study.missing)}; the same command goes on with them"]


def _with_name(progress: Progress | None, name: str) -> Progress | None:
    if progress is None:
        return None
    return lambda what, done, total: progress(f"{what}  ({name})", done, total)
