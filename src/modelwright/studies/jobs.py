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
from modelwright.models import builders
from modelwright.recipes.resolve import flat
from modelwright.runs import run as runs
from modelwright.studies import results
from modelwright.studies.plan import NO_MATTER, Plan, Variant
from modelwright.studies.results import Result

_ELSEWHERE = ("name", "data.source", *NO_MATTER)
"""Keys that may change: which rows there are is said by the fingerprint."""


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
            folder / "runs" / variant.file(seed),
            folder / "results" / f"{variant.file(seed)}.{plan.measured}.json",
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
        if difference := _difference(before, job.config):
            changed.append(f"{job.name} ({difference})")
            paths += [str(path) for path in (job.run, job.result) if path.exists()]
    if changed:
        raise RunError(
            f"the study changed since these were trained: {'; '.join(changed)}. Give the variant"
            " another name or the study another folder (--out), or delete what is to be trained"
            f" anew: {shlex.join(paths)}"
        )


def _difference(before: Config, now: Config) -> str:
    """``train.epochs 3 is now 5``; empty where both give the same network."""
    # Checked again, an old config has the defaults of settings that are younger than it.
    old, new = (
        {**dict(flat(config.model_dump())), **dict(flat(_options(config), "model.options."))}
        for config in (before, now)
    )
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return ", ".join(
        f"{key} {old.get(key)} is now {new.get(key)}" for key in differing if key not in _ELSEWHERE
    )


def _options(config: Config) -> dict[str, Any]:
    return builders.options_of(config.model).model_dump()  # type: ignore[no-any-return]


def clear(job: Job) -> None:
    """Delete what nothing can go on from: a failed training of other settings, or a run that
    was cut off before it was one.
    """
    if job.begun:
        run = runs.load(job.run, unfinished=True)
        useless = bool(_difference(run.config, job.config))
    else:
        there = {path.name for path in job.run.glob("*")}
        useless = all(name == "config.toml" or name.startswith(".") for name in there)
    if useless:
        shutil.rmtree(job.run, ignore_errors=True)


def tidy(plan: Plan, finished: list[Job]) -> None:
    """Delete the runs of finished trainings, where only results are to be kept."""
    if plan.keep == "results":
        for job in finished:
            shutil.rmtree(job.run, ignore_errors=True)


def trained_on(job: Job) -> Mapping[str, Any] | None:
    """The machine of a finished run, where it was measured on other rows before."""
    ways = ("test", "val", "test-tta", "val-tta")
    found = (results.read(job.result.with_name(f"{job.run.name}.{way}.json")) for way in ways)
    return next((one.machine for one in found if one and one.error is None), None)
