"""``modelwright.compare``: trains and measures every variant with every seed.

Each trial leaves its run and its result in the study's folder, so that an interrupted study goes
on where it was. ``core/statistics`` and ``report`` say what the numbers mean.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError, DataError
from modelwright.core.files import explained_refusals, write_json, write_text
from modelwright.core.types import Progress
from modelwright.data.load import load_data
from modelwright.plots.study import StudyLine, draw_study
from modelwright.runs.rows import check_fingerprint
from modelwright.studies.hparams_log import log_study
from modelwright.studies.plan import StudyPlan
from modelwright.studies.plan_file import read_study_plan
from modelwright.studies.report import Results, StudyReport, build_study_report
from modelwright.studies.study_folder import (
    delete_finished_runs,
    list_trials,
    refuse_changed_trials,
)
from modelwright.studies.tables import study_page
from modelwright.studies.trainings import train_all
from modelwright.trials.registry import choose_runner
from modelwright.trials.runner import Runner
from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import TrialResult, read_trial_result


def compare(
    study: Path | str | Mapping[str, Any] | StudyPlan,
    *,
    out: Path | str | None = None,
    runner: Runner | str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> StudyReport:
    """Trains and measures the variants of a study, and compares them.

    The trainings follow each other in this process, unless there are several workers or a runner
    is named. A training that fails is recorded and the others go on. Ctrl-C ends the study with a
    report whose status is ``stopped``.

    Args:
        study: a TOML file, a mapping with the same keys, or a plan; see ``studies.plan_file``.
        out: the study's folder, ``studies/NAME`` by default. Trials that finished there are not
            repeated; a training that was interrupted goes on.
        runner: where the trainings run: ``local`` for child processes, another name of
            ``trials.registry``, or a runner of the caller, which is closed if the study is stopped.
        workers: the number of trainings that run at the same time.
        progress: called at each step.

    Raises:
        ConfigError: the study cannot be used, or its variants read different rows.
        DataError: the data cannot be used.
        RunError: the folder has trainings of other settings or other rows.
    """
    chosen = choose_runner(runner, workers)
    plan = study if isinstance(study, StudyPlan) else read_study_plan(study)
    folder = Path(out) if out is not None else Path("studies") / plan.name
    file = str(study) if isinstance(study, Path | str) else "STUDY.toml"
    command = plan.command or shlex.join(["modelwright", "compare", file, "--out", str(folder)])
    trials = list_trials(plan, folder)
    known = {trial.key: result for trial in trials if (result := read_trial_result(trial.result))}
    refuse_changed_trials(trials, known)
    results = {key: result for key, result in known.items() if result.error is None}
    waiting = [trial for trial in trials if trial.key not in results]
    delete_finished_runs(plan, [trial for trial in trials if trial not in waiting], waiting)

    def save() -> StudyReport:
        # The order does not depend on which training ended first.
        found = {trial.key: results[trial.key] for trial in trials if trial.key in results}
        report = build_study_report(plan, folder, found, command)
        _write_study(folder, report)
        return report

    def record(trial: Trial, result: TrialResult) -> None:
        results[trial.key] = result
        save()
        if result.error is None:
            left = [one for one in waiting if one.key not in results]
            delete_finished_runs(plan, [trial], left)

    try:
        if waiting:
            fingerprint = _common_fingerprint(plan, results, progress)
            train_all(waiting, fingerprint, record, chosen, progress)
    except KeyboardInterrupt:
        pass  # the status of the report says so
    finally:
        if chosen is not None and chosen is not runner:
            chosen.close()
    report = save()
    with explained_refusals(folder):
        log_study(report, folder)
    return report


def _common_fingerprint(plan: StudyPlan, results: Results, progress: Progress | None) -> str:
    """Returns the fingerprint of the data, the same for all variants and finished trials.

    Raises:
        ConfigError: two variants read different rows.
        DataError: there are no rows to compare on, or they changed since a trial finished.
    """
    seen: set[str] = set()
    first = ""
    for variant in plan.variants:
        config = variant.config(plan.name, plan.seeds[0]).data
        key = config.model_dump_json()
        if key in seen:
            continue
        seen.add(key)
        data = load_data(config, progress=progress)
        if plan.split not in data.splits:
            raise DataError(
                f"{data.source} has no {plan.split} rows to compare on; it has:"
                f" {', '.join(data.splits)}."
            )
        first = first or data.fingerprint
        if data.fingerprint != first:
            raise ConfigError(
                f"variant '{variant.name}' reads other rows or splits than"
                f" '{plan.variants[0].name}' (fingerprint {data.fingerprint[:12]}, not"
                f" {first[:12]}); a comparison needs the same rows, so leave data.* as in the base."
            )
        for (name, seed), result in results.items():
            check_fingerprint(data, result.fingerprint, f"{name}, seed {seed}")
    return first


def _write_study(folder: Path, report: StudyReport) -> None:
    """Writes ``study.json``, ``study.png`` and ``study.md``."""
    write_json(folder / "study.json", report.to_dict())
    lines = [
        StudyLine(
            variant.name,
            [run.accuracy for run in variant.runs],
            None if (mean := variant.accuracy) is None else (mean.value, mean.low, mean.high),
            variant.claimed,
        )
        for variant in report.variants
    ]
    measure = f"accuracy on the {report.split} rows of {report.data.source}"
    measure += ", with test-time augmentation" if report.tta else ""
    seeds = len(report.seeds)
    title = f"{report.name}, {seeds} seed{'s' if seeds > 1 else ''}"
    draw_study(folder / "study.png", lines, title=title, measure=measure)
    write_text(folder / "study.md", study_page(report))
