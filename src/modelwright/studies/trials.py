"""The trainings of a study, and what lies in its folder of each: what to keep, refuse, delete.

It trains and measures nothing.
"""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.config import Config, check_table
from modelwright.core.errors import RunError
from modelwright.runs import run as runs
from modelwright.studies import trial_results
from modelwright.studies.plan import Plan, Variant
from modelwright.studies.settings_difference import difference
from modelwright.studies.trial_results import Result


@dataclass(frozen=True)
class Job:
    """One training of a study."""

    variant: Variant
    seed: int
    config: Config
    run: Path
    result: Path

    @property
    def name(self) -> str:
        """For a person."""
        return f"{self.variant.name}, seed {self.seed}"

    @property
    def settings(self) -> dict[str, Any]:
        """The config as a result keeps it."""
        return self.config.model_dump(mode="json")

    @property
    def begun(self) -> bool:
        """Whether a training has left something to go on from."""
        return (self.run / "run.json").exists()


def list_jobs(plan: Plan, folder: Path) -> list[Job]:
    """Seed by seed, so that a stopped study has all variants with some seeds."""
    return [
        Job(
            variant,
            seed,
            variant.config(plan.name, seed),
            folder / "runs" / variant.run(seed),
            folder / "results" / f"{variant.file(seed)}.{variant.measured(plan.split)}.json",
        )
        for seed in plan.seeds
        for variant in plan.variants
    ]


def refuse_changed(jobs: list[Job], known: Mapping[str, Result | None]) -> None:
    """A result of other settings would stand under a name that says something else now."""
    changed, paths = [], []
    for job in jobs:
        found = known[job.name]
        if found is not None and found.error is None:
            before = check_table(Config, found.config, job.name)
        elif job.begun:
            run = runs.load(job.run, unfinished=True)
            if found is not None and not run.finished:
                continue  # it failed, and may be tried again with other settings
            before = run.config
        else:
            continue
        if found_change := difference(before, job.config):
            changed.append(f"{job.name} ({found_change})")
            paths += [str(path) for path in (job.run, job.result) if path.exists()]
    if changed:
        raise RunError(
            f"the study changed since these were trained: {'; '.join(changed)}. Give the variant"
            " another name or the study another folder (--out), or delete what is to be trained"
            f" anew: {shlex.join(paths)}"
        )


def clear(job: Job) -> None:
    """Delete what nothing can go on from: a failed training of other settings, or a run that
    was cut off before it was one.
    """
    if job.begun:
        run = runs.load(job.run, unfinished=True)
        useless = bool(difference(run.config, job.config))
    else:
        there = {path.name for path in job.run.glob("*")}
        useless = all(name == "config.toml" or name.startswith(".") for name in there)
    if useless:
        shutil.rmtree(job.run, ignore_errors=True)


def tidy(plan: Plan, finished: list[Job], waiting: list[Job]) -> None:
    """Delete the runs of finished trainings, where only results are to be kept, but for those
    that are still to be measured otherwise.
    """
    if plan.keep == "results":
        needed = {job.run for job in waiting}
        for job in finished:
            if job.run not in needed:
                shutil.rmtree(job.run, ignore_errors=True)


def trained_on(job: Job) -> Mapping[str, Any] | None:
    """The machine of a finished run, where it was measured on other rows before."""
    ways = ("test", "val", "test-tta", "val-tta")
    found = (trial_results.read(job.result.with_name(f"{job.run.name}.{way}.json")) for way in ways)
    return next((one.machine for one in found if one and one.error is None), None)
