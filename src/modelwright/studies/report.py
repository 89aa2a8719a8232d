"""Builds the report of a study from the results that are there."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.blocks import Block
from modelwright.core.report import Report
from modelwright.core.statistics import (
    PairedTest,
    estimate_accuracy,
    estimate_gap,
    holm_correction,
    paired_randomization_test,
    paired_t_test,
)
from modelwright.studies.plan import StudyPlan, StudyVariant
from modelwright.studies.study_record import (
    ComparisonRecord,
    DataRecord,
    FailedTrial,
    MissingTrial,
    SeedRecord,
    StudyRecord,
    VariantRecord,
)
from modelwright.studies.tables import study_blocks
from modelwright.trials.trial_result import TrialResult

Results = Mapping[tuple[str, int], TrialResult]
"""Results by variant and seed."""


class StudyReport(StudyRecord, Report):
    """What ``modelwright.compare`` returns: the record of a study, and its tables."""

    def blocks(self) -> Sequence[Block]:
        """Returns the tables and notes of the study."""
        return study_blocks(self)


def build_study_report(
    plan: StudyPlan, folder: Path, results: Results, command: str
) -> StudyReport:
    """Builds the report of a study, finished or not.

    Args:
        plan: what the study compares.
        folder: the study's folder.
        results: the results that are there, those of failed trials too.
        command: the command that runs or continues the study.
    """
    succeeded = {key: result for key, result in results.items() if result.error is None}
    failures = tuple(
        FailedTrial(variant=variant, seed=seed, error=result.error)
        for (variant, seed), result in results.items()
        if result.error is not None
    )
    missing = tuple(
        MissingTrial(variant=variant.name, seed=seed)
        for variant in plan.variants
        for seed in plan.seeds
        if (variant.name, seed) not in results
    )
    comparisons = [_compare(variant, plan, succeeded) for variant in plan.variants]
    machines = {str(result.machine): result.machine for result in succeeded.values()}
    return StudyReport(
        name=plan.name,
        folder=folder,
        status="stopped" if missing else "failed" if failures else "finished",
        split=plan.split,
        tta=plan.tta,
        title=dict(plan.title),
        source=dict(plan.source),
        seeds=plan.seeds,
        data=_data(plan, succeeded),
        machines=tuple(machines.values()),
        date=max((result.date for result in succeeded.values()), default=""),
        command=command,
        variants=tuple(_variant(one, plan, folder, succeeded) for one in plan.variants),
        comparisons=_corrected([one for one in comparisons if one is not None]),
        failures=failures,
        missing=missing,
    )


def _data(plan: StudyPlan, results: Results) -> DataRecord:
    source = plan.variants[0].tables["data"]["source"]
    first = next(iter(results.values()), None)
    return DataRecord(
        source=source if isinstance(source, str) else " + ".join(source),
        fingerprint=first.fingerprint if first else None,
        rows=first.metrics.splits if first else {},
    )


def _variant(
    variant: StudyVariant, plan: StudyPlan, folder: Path, results: Results
) -> VariantRecord:
    seed = plan.seeds[0]
    found = [results[key] for seed in plan.seeds if (key := (variant.name, seed)) in results]
    return VariantRecord(
        name=variant.name,
        reference=variant.reference,
        recipe=variant.tables["model"]["recipe"],
        tta=variant.tta,
        config=variant.config(plan.name, seed).model_dump(mode="json"),
        settings=dict(variant.settings),
        changed=variant.changed_settings(),
        command=variant.command(seed, folder / "runs" / variant.run_name(seed)),
        claimed=variant.claimed,
        claimed_gap=variant.claimed_gap,
        rerun=variant.rerun,
        runs=tuple(
            SeedRecord(
                seed=one.seed,
                date=one.date,
                machine=one.machine.name,
                **one.metrics.model_dump(),
            )
            for one in found
        ),
        **(_summary(found) if found else {}),
    )


def _summary(results: Sequence[TrialResult]) -> dict[str, Any]:
    """Returns the fields of a variant that summarize its seeds."""
    metrics = [result.metrics for result in results]
    first = metrics[0]
    right = [one.right for one in metrics]
    train = [one.train_accuracy for one in metrics]
    return {
        "accuracy": estimate_accuracy(right, first.rows),
        "train_accuracy": statistics.fmean(train),
        "gap": estimate_gap(train, first.splits["train"], right, first.rows),
        "minutes": statistics.median(one.minutes for one in metrics),
        "parameters": first.parameters,
    }


def _compare(variant: StudyVariant, plan: StudyPlan, results: Results) -> ComparisonRecord | None:
    """Compares a variant with its reference, or returns None if there is nothing to compare."""
    if variant.reference is None:
        return None
    pairs = [
        (results[own], results[reference])
        for seed in plan.seeds
        if (own := (variant.name, seed)) in results
        and (reference := (variant.reference, seed)) in results
    ]
    if not pairs:
        return None
    sides = list(zip(*pairs, strict=True))
    first, second = ([result.metrics.accuracy for result in side] for side in sides)
    return ComparisonRecord(
        variant=variant.name,
        reference=variant.reference,
        seeds=tuple(result.seed for result, _ in pairs),
        difference=statistics.fmean(first) - statistics.fmean(second),
        over_seeds=paired_t_test(first, second),
        over_rows=_compare_rows(*sides),
    )


def _compare_rows(
    own: Sequence[TrialResult], reference: Sequence[TrialResult]
) -> PairedTest | None:
    """Compares the answers row by row, or returns None if their rows are in another order."""
    if len({result.order for result in (*own, *reference)}) > 1:
        return None
    first, second = (np.stack([result.hits for result in side]) for side in (own, reference))
    return paired_randomization_test(first, second)


def _corrected(comparisons: Sequence[ComparisonRecord]) -> tuple[ComparisonRecord, ...]:
    """Corrects the tests over seeds for their number, and the tests over rows for theirs."""
    over_seeds = _corrected_tests([one.over_seeds for one in comparisons])
    over_rows = _corrected_tests([one.over_rows for one in comparisons])
    return tuple(
        one.model_copy(update={"over_seeds": seeds, "over_rows": rows})
        for one, seeds, rows in zip(comparisons, over_seeds, over_rows, strict=True)
    )


def _corrected_tests(tests: Sequence[PairedTest | None]) -> list[PairedTest | None]:
    corrected = iter(holm_correction([test.p for test in tests if test is not None]))
    return [None if test is None else replace(test, corrected=next(corrected)) for test in tests]
