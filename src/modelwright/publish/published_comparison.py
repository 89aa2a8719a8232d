"""Measured accuracies next to published ones, in two languages, from the record of a study.

The published numbers are those of the study's plan today. Loads no framework.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from modelwright.core.statistics import Estimate
from modelwright.studies.plan import StudyPlan
from modelwright.studies.study_record import SeedRecord, StudyRecord, VariantRecord
from modelwright.studies.tables import (
    EMPTY,
    TableHeaders,
    TextRows,
    describe_machine,
    format_minutes,
    format_points,
    format_seeds,
    format_share,
)
from modelwright.studies.translations import PageLanguage, say

_METHODS = {
    "t over seeds": "Student's t over the seeds",
    "Wilson over rows": "Wilson's score over the rows",
}


def with_current_claims(study: StudyRecord, plan: StudyPlan) -> StudyRecord:
    """Returns the record with the published numbers, title and source of the plan."""
    today = {variant.name: variant for variant in plan.variants}
    variants = tuple(
        variant.model_copy(
            update={
                "claimed": today[variant.name].claimed,
                "rerun": today[variant.name].rerun,
            }
        )
        if variant.name in today
        else variant
        for variant in study.variants
    )
    texts = {"title": dict(plan.title), "source": dict(plan.source)}
    return study.model_copy(update={**texts, "variants": variants})


def comparison_table(
    study: StudyRecord,
    language: PageLanguage = "en",
    *,
    page: bool = False,
    quick: bool = False,
) -> tuple[TableHeaders, TextRows]:
    """Returns headers and rows.

    Args:
        study: with the published numbers to compare with.
        language: of the headers and cells.
        page: adds a column for which a terminal has no room.
        quick: leaves out whether a number was reached; a quick run cannot say.
    """
    claims = any(variant.claimed is not None for variant in study.variants)
    reruns = any(variant.rerun is not None for variant in study.variants)
    keys = (
        "variant",
        *(["published"] if claims else []),
        *(["its own code"] if reruns else []),
        *("here", "95 %", "seeds"),
        *(["points", "reached"] if claims else []),
        *(["macro-F1"] if page else []),
        *("gap", "minutes"),
    )
    planned = len(study.seeds)
    cells = [_cells(variant, planned, language, quick=quick) for variant in study.variants]
    headers = tuple(say(key, language) for key in keys)
    return headers, [tuple(row[key] for key in keys) for row in cells]


def _cells(
    variant: VariantRecord, planned: int, language: PageLanguage, *, quick: bool
) -> dict[str, str]:
    accuracy, finished, claimed = variant.accuracy, len(variant.runs), variant.claimed
    points = reached = EMPTY
    if accuracy is not None and claimed is not None and not quick:
        points = format_points(accuracy.value - claimed)
        reached = say("yes" if claim_reached(variant) else "no", language)
    macro_f1 = statistics.fmean(run.macro_f1 for run in variant.runs) if finished else None
    return {
        "variant": variant.name,
        "published": format_share(claimed),
        "its own code": format_share(variant.rerun),
        "here": format_share(accuracy.value if accuracy else None),
        "95 %": _interval(accuracy, language) if accuracy else EMPTY,
        "seeds": str(finished) if finished == planned else f"{finished}/{planned}",
        "points": points,
        "reached": reached,
        "macro-F1": EMPTY if macro_f1 is None else f"{macro_f1:.4f}",
        "gap": format_points(variant.gap.value) if variant.gap else EMPTY,
        "minutes": format_minutes(variant.minutes),
    }


def claim_reached(variant: VariantRecord) -> bool:
    """Whether the mean accuracy is at least the published one, if there are both."""
    if variant.accuracy is None or variant.claimed is None:
        return False
    return variant.accuracy.value >= variant.claimed


def missed_claims(study: StudyRecord, language: PageLanguage = "en") -> list[str]:
    """Returns one line for each accuracy below the published one."""
    lines = []
    for variant in study.variants:
        accuracy, claimed = variant.accuracy, variant.claimed
        if accuracy is None or claimed is None or claim_reached(variant):
            continue
        line = say(
            "{study}, {variant}: {here}, {points} points below the published {claimed}",
            language,
            study=study.name,
            variant=variant.name,
            here=format_share(accuracy.value),
            points=f"{100 * (claimed - accuracy.value):.2f}",
            claimed=format_share(claimed),
        )
        inside = accuracy.low <= claimed <= accuracy.high
        lines.append(line + (say("; it lies within the interval", language) if inside else ""))
    return lines


def comparison_notes(study: StudyRecord, language: PageLanguage = "en") -> list[str]:
    """Returns what a reader must know to read the table: rows, sources, seeds, machines."""
    runs = [run for variant in study.variants for run in variant.runs]
    lines = []
    if any(variant.claimed is not None for variant in study.variants):
        lines.append(
            say("points: here minus published; gap: training accuracy minus this one", language)
        )
        if source := study.source.get(language):
            lines.append(say("published: {source}", language, source=source))
    if runs:
        lines += _run_notes(study, runs, language)
    if augmented := [variant.name for variant in study.variants if variant.tta]:
        names = ", ".join(augmented)
        lines.append(say("with test-time augmentation: {names}", language, names=names))
    lines += [
        say("failed: {what}", language, what=f"{one.variant}, {one.seed}: {one.error}")
        for one in study.failures
    ]
    return lines


def _run_notes(study: StudyRecord, runs: Sequence[SeedRecord], language: PageLanguage) -> list[str]:
    rows = say(
        "{rows} {split} rows, {share} of them in the most common class",
        language,
        rows=f"{runs[0].rows:,}",
        split=study.split,
        share=format_share(runs[0].majority_accuracy),
    )
    used = {variant.accuracy.method for variant in study.variants if variant.accuracy}
    methods = ", ".join(say(text, language) for name, text in _METHODS.items() if name in used)
    seeds = format_seeds(sorted({run.seed for run in runs}))
    lines = [rows, say("seeds {seeds}; 95 %: {methods}", language, seeds=seeds, methods=methods)]
    precisions = ", ".join(dict.fromkeys(run.precision.partition(" (")[0] for run in runs))
    return lines + [
        say(
            "{date}, {machine}, trained in {precision}",
            language,
            date=study.date,
            machine=describe_machine(machine),
            precision=precisions,
        )
        for machine in study.machines
    ]


def _interval(estimate: Estimate, language: PageLanguage) -> str:
    low, high = (f"{100 * end:.2f}" for end in (estimate.low, estimate.high))
    return say("{low} to {high}", language, low=low, high=high)
