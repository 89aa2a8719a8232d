"""The folder of a study: which trials it has, which are refused, which runs can be deleted.

It trains and measures nothing.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from modelwright.core.config import Config, check_table
from modelwright.core.errors import RunError
from modelwright.runs.run import load_run
from modelwright.studies.plan import StudyPlan
from modelwright.trials.settings_difference import settings_difference
from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import TrialResult


def list_trials(plan: StudyPlan, folder: Path) -> list[Trial]:
    """Returns the trials of a study, seed by seed.

    A study that is stopped early then has all variants with some of the seeds.
    """
    return [
        Trial(
            variant=variant.name,
            config=variant.config(plan.name, seed),
            run=folder / "runs" / variant.run_name(seed),
            result=folder / "results" / variant.result_name(seed, plan.split),
            split=plan.split,
            tta=variant.tta,
        )
        for seed in plan.seeds
        for variant in plan.variants
    ]


def refuse_changed_trials(
    trials: Sequence[Trial], results: Mapping[tuple[str, int], TrialResult]
) -> None:
    """Checks that what was trained has the settings that its name stands for today.

    Args:
        trials: all trials of the study.
        results: the results that are there, by variant and seed.

    Raises:
        RunError: names the trials and settings that changed, and what to do.
    """
    changed, paths = [], []
    for trial in trials:
        before, rows = _trained_config(trial, results.get(trial.key))
        if before and (difference := settings_difference(before, trial.config, rows)):
            changed.append(f"{trial.name} ({difference})")
            paths += [str(path) for path in (trial.run, trial.result) if path.exists()]
    if changed:
        raise RunError(
            f"the study changed since these were trained: {'; '.join(changed)}. Give the variant"
            " another name or the study another folder (--out), or delete what is to be trained"
            f" anew: {shlex.join(paths)}"
        )


def _trained_config(
    trial: Trial, result: TrialResult | None
) -> tuple[Config | None, Mapping[str, int]]:
    """Returns a trial's config and rows by split; None for the config if it may be trained anew."""
    if result is not None and result.error is None:
        return check_table(Config, result.config, trial.name), result.metrics.splits
    if not trial.begun:
        return None, {}
    run = load_run(trial.run, unfinished=True)
    failed = result is not None and not run.finished
    # A failed trial may be tried with other settings.
    return None if failed else run.config, run.data["rows"]


def delete_finished_runs(
    plan: StudyPlan, finished: Sequence[Trial], waiting: Sequence[Trial]
) -> None:
    """Deletes the runs of finished trials if the plan keeps only results.

    A run that a waiting trial still has to measure stays.
    """
    if plan.keep == "results":
        needed = {trial.run for trial in waiting}
        for trial in finished:
            if trial.run not in needed:
                shutil.rmtree(trial.run, ignore_errors=True)
