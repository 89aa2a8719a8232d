"""What a study found so far, from the results there are."""

from __future__ import annotations

import statistics as plain
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from modelwright.studies import statistics, tables
from modelwright.studies.plan import Plan, Variant
from modelwright.studies.statistics import Estimate, PairedTest
from modelwright.studies.translations import Language
from modelwright.studies.trial_results import Result

KIND = "study"
FORMAT = 1
Status = Literal["finished", "failed", "stopped"]


@dataclass(frozen=True)
class VariantReport:
    """One variant over the seeds that have finished; the figures are None where none has.

    ``settings`` is what differs from the study's base and ``changed`` what differs from the
    recipe; ``config`` is the whole, with the first seed. ``minutes`` is the median of training,
    ``claimed`` and ``claimed_gap`` what was published, ``rerun`` what the published code gives.
    """

    name: str
    reference: str | None
    recipe: str
    tta: bool
    config: Mapping[str, Any]
    settings: Mapping[str, Any]
    changed: Mapping[str, Any]
    command: str
    claimed: float | None
    claimed_gap: float | None
    rerun: float | None
    runs: tuple[Result, ...]
    accuracy: Estimate | None = None
    train_accuracy: float | None = None
    gap: Estimate | None = None
    minutes: float | None = None
    parameters: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """For a machine; shares from 0 to 1."""
        figures = [
            {"seed": run.seed, **run.figures, "date": run.date, "machine": run.machine["name"]}
            for run in self.runs
        ]
        estimates = {
            name: None if value is None else asdict(value)
            for name, value in (("accuracy", self.accuracy), ("gap", self.gap))
        }
        return {
            **vars(self),
            "settings": dict(self.settings),
            "changed": dict(self.changed),
            "config": dict(self.config),
            **estimates,
            "runs": figures,
        }


@dataclass(frozen=True)
class Comparison:
    """A variant less its reference, over the seeds that both have."""

    variant: str
    reference: str
    seeds: tuple[int, ...]
    difference: float
    over_seeds: PairedTest | None
    over_rows: PairedTest | None

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {**asdict(self), "seeds": list(self.seeds)}


@dataclass(frozen=True)
class StudyReport:
    """A study's table. ``failures`` and ``missing`` name variant and seed."""

    name: str
    folder: Path
    status: Status
    split: str
    tta: bool
    title: Mapping[Language, str]
    source: Mapping[Language, str]
    seeds: tuple[int, ...]
    data: Mapping[str, Any]
    machines: tuple[Mapping[str, Any], ...]
    date: str
    command: str
    variants: tuple[VariantReport, ...]
    comparisons: tuple[Comparison, ...]
    failures: tuple[Mapping[str, Any], ...]
    missing: tuple[Mapping[str, Any], ...]

    def to_dict(self) -> dict[str, Any]:
        """For a machine; what ``study.json`` holds."""
        return {
            "kind": KIND,
            "format": FORMAT,
            **vars(self),
            "folder": str(self.folder),
            "title": dict(self.title),
            "source": dict(self.source),
            "seeds": list(self.seeds),
            "machines": list(self.machines),
            "variants": [variant.to_dict() for variant in self.variants],
            "comparisons": [comparison.to_dict() for comparison in self.comparisons],
            "failures": list(self.failures),
            "missing": list(self.missing),
        }

    def render(self) -> str:
        """For a person."""
        return tables.render(self.to_dict())


def build(
    plan: Plan, folder: Path, results: Mapping[tuple[str, int], Result], command: str
) -> StudyReport:
    """The report of the results there are, by variant and seed."""
    good = {key: result for key, result in results.items() if result.error is None}
    failures = [
        {"variant": variant, "seed": seed, "error": result.error}
        for (variant, seed), result in results.items()
        if result.error is not None
    ]
    missing = [
        {"variant": variant.name, "seed": seed}
        for variant in plan.variants
        for seed in plan.seeds
        if (variant.name, seed) not in results
    ]
    variants = tuple(_variant(variant, plan, folder, good) for variant in plan.variants)
    machines = {str(result.machine): result.machine for result in good.values()}
    return StudyReport(
        name=plan.name,
        folder=folder,
        status="stopped" if missing else "failed" if failures else "finished",
        split=plan.split,
        tta=plan.tta,
        title=plan.title,
        source=plan.source,
        seeds=plan.seeds,
        data=_data(plan, good),
        machines=tuple(machines.values()),
        date=max((result.date for result in good.values()), default=""),
        command=command,
        variants=variants,
        comparisons=_corrected([_compare(variant, plan, good) for variant in plan.variants]),
        failures=tuple(failures),
        missing=tuple(missing),
    )


def _data(plan: Plan, good: Mapping[tuple[str, int], Result]) -> dict[str, Any]:
    source = plan.variants[0].tables["data"]["source"]
    one = next(iter(good.values()), None)
    return {
        "source": source if isinstance(source, str) else " + ".join(source),
        "fingerprint": one.fingerprint if one else None,
        "rows": dict(one.figures["splits"]) if one else {},
    }


def _variant(
    variant: Variant, plan: Plan, folder: Path, good: Mapping[tuple[str, int], Result]
) -> VariantReport:
    runs = [good[key] for seed in plan.seeds if (key := (variant.name, seed)) in good]
    seed = plan.seeds[0]
    empty = VariantReport(
        name=variant.name,
        reference=variant.reference,
        recipe=variant.tables["model"]["recipe"],
        tta=variant.tta,
        config=variant.config(plan.name, seed).model_dump(mode="json"),
        settings=variant.settings,
        changed=variant.changed(),
        command=variant.command(seed, folder / "runs" / variant.run(seed)),
        claimed=variant.claimed,
        claimed_gap=variant.claimed_gap,
        rerun=variant.rerun,
        runs=tuple(runs),
    )
    if not runs:
        return empty
    figures = [run.figures for run in runs]
    rows, right = figures[0]["rows"], [figure["right"] for figure in figures]
    train = [figure["train_accuracy"] for figure in figures]
    return replace(
        empty,
        accuracy=statistics.accuracy(right, rows),
        train_accuracy=plain.fmean(train),
        gap=statistics.gap(train, figures[0]["splits"]["train"], right, rows),
        minutes=plain.median(figure["minutes"] for figure in figures),
        parameters=figures[0]["parameters"],
    )


def _compare(
    variant: Variant, plan: Plan, good: Mapping[tuple[str, int], Result]
) -> Comparison | None:
    if variant.reference is None:
        return None
    pairs = [
        (one, other)
        for seed in plan.seeds
        if (one := good.get((variant.name, seed)))
        and (other := good.get((variant.reference, seed)))
    ]
    if not pairs:
        return None
    ours, theirs = (
        [result.figures["accuracy"] for result in side] for side in zip(*pairs, strict=True)
    )
    paired = len({result.order for pair in pairs for result in pair}) == 1
    hits = [np.stack([result.hits for result in side]) for side in zip(*pairs, strict=True)]
    return Comparison(
        variant=variant.name,
        reference=variant.reference,
        seeds=tuple(one.seed for one, _ in pairs),
        difference=plain.fmean(ours) - plain.fmean(theirs),
        over_seeds=statistics.over_seeds(ours, theirs),
        over_rows=statistics.over_rows(hits[0], hits[1]) if paired else None,
    )


def _corrected(found: list[Comparison | None]) -> tuple[Comparison, ...]:
    """The comparisons there are, each kind of test corrected for its number."""
    comparisons = [comparison for comparison in found if comparison is not None]
    for kind in ("over_seeds", "over_rows"):
        places = [i for i, one in enumerate(comparisons) if getattr(one, kind) is not None]
        values = statistics.holm([getattr(comparisons[i], kind).p for i in places])
        for place, value in zip(places, values, strict=True):
            test = replace(getattr(comparisons[place], kind), corrected=value)
            comparisons[place] = replace(comparisons[place], **{kind: test})
    return tuple(comparisons)
