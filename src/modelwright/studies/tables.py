"""The tables of a study, for a terminal and for the page ``study.md``. Loads no framework."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core import markdown
from modelwright.core.blocks import Block, Note, Table
from modelwright.core.statistics import Estimate, PairedTest
from modelwright.core.terminal import percent, shorten
from modelwright.studies.study_record import (
    ComparisonRecord,
    StudyRecord,
    VariantRecord,
)
from modelwright.trials.trial_result import MachineRecord

TableHeaders = tuple[str, ...]
TextRows = list[tuple[str, ...]]
EMPTY = "—"
NAME_WIDTH = 32
"""Columns of a terminal that a variant's name may take."""
_VERSIONS = ("python", "modelwright", "tensorflow", "keras")
_METHODS = {
    "t over seeds": "Student's t over the seeds",
    "Wilson over rows": "Wilson's score over the rows, where seeds show no spread",
    "Newcombe over rows": "Newcombe's over the rows, where seeds show no spread",
}


def study_blocks(study: StudyRecord) -> list[Block]:
    """Returns the tables and notes of a study, with short names."""
    tables = [
        Table(headers, [(shorten(row[0], NAME_WIDTH), *row[1:]) for row in rows])
        for headers, rows in _sections(study)
    ]
    return [*tables, Note("\n".join(_notes(study))), Note(f"files: {study.folder}")]


def study_page(study: StudyRecord) -> str:
    """Returns a study as the page ``study.md``."""
    seeds = format_seeds(study.seeds)
    parts = [
        f"# {study.name}",
        f"{study.data.source}, {study.split} rows; seeds {seeds}.",
        "![Accuracy of each variant: a point for each seed, the mean with its interval](study.png)",
        *(markdown.table(headers, rows) for headers, rows in _sections(study)),
        "\n".join(f"- {line}" for line in _notes(study)),
        "The command that trains the first seed of each variant:",
        "\n".join(["```sh", *(variant.command for variant in study.variants), "```"]),
    ]
    return "\n\n".join(parts) + "\n"


def _sections(study: StudyRecord) -> list[tuple[TableHeaders, TextRows]]:
    """Returns headers and rows of each table: accuracies, gaps, differences."""
    sections = [_accuracies(study.variants, len(study.seeds))]
    if any(variant.gap for variant in study.variants):
        sections.append(_gaps(study.variants))
    if study.comparisons:
        sections.append(_differences(study.comparisons))
    return sections


def _notes(study: StudyRecord) -> list[str]:
    """Returns what a reader must know to read the tables."""
    rows = study.data.rows.get(study.split)
    estimates = [(variant.accuracy, variant.gap) for variant in study.variants]
    methods = dict.fromkeys(
        estimate.method for kind in zip(*estimates, strict=True) for estimate in kind if estimate
    )
    lines = [
        f"{rows:,} {study.split} rows of {study.data.source}" if rows else "no run yet",
        *_augmentation_notes(study.variants),
        *(f"95 %: {_METHODS[method]}" for method in methods),
        *_comparison_notes(len(study.comparisons)),
    ]
    runs = [run for variant in study.variants for run in variant.runs]
    lines += [f"trained in {name}" for name in dict.fromkeys(run.precision for run in runs)]
    lines += map(describe_machine, study.machines)
    lines += [f"failed: {one.variant}, seed {one.seed}: {one.error}" for one in study.failures]
    if study.missing:
        lines.append(
            f"trainings still to come: {len(study.missing)}; the same command goes on with them"
        )
    return lines


def _comparison_notes(count: int) -> list[str]:
    if not count:
        return []
    corrected = f", corrected by Holm's method for {count} comparisons; the intervals are not"
    return [
        "difference in points; 95 % and p over seeds: paired t-test, what another training"
        " would change",
        "95 % and p over rows: exact randomization test, what other rows would change",
        f"p is two-sided{corrected if count > 1 else ''}",
    ]


def _augmentation_notes(variants: Sequence[VariantRecord]) -> list[str]:
    names = [variant.name for variant in variants if variant.tta]
    if not names:
        return []
    which = "" if len(names) == len(variants) else f": {', '.join(names)}"
    return [f"measured with test-time augmentation{which}"]


def _accuracies(variants: Sequence[VariantRecord], planned: int) -> tuple[TableHeaders, TextRows]:
    claims = any(variant.claimed is not None for variant in variants)
    reruns = any(variant.rerun is not None for variant in variants)
    headers = ("variant", "seeds", *(["claimed"] if claims else []),
               *(["its own code"] if reruns else []), "accuracy", "95 %", "minutes",
               "parameters")  # fmt: skip
    rows: TextRows = []
    for variant in variants:
        finished, accuracy = len(variant.runs), variant.accuracy
        rows.append(
            (
                variant.name,
                str(finished) if finished == planned else f"{finished} of {planned}",
                *([format_share(variant.claimed)] if claims else []),
                *([format_share(variant.rerun)] if reruns else []),
                format_share(accuracy.value if accuracy else None),
                format_interval(accuracy),
                format_minutes(variant.minutes),
                EMPTY if variant.parameters is None else f"{variant.parameters:,}",
            )
        )
    return headers, rows


def _gaps(variants: Sequence[VariantRecord]) -> tuple[TableHeaders, TextRows]:
    claims = any(variant.claimed_gap is not None for variant in variants)
    headers = ("variant", "training accuracy", "gap in points", "95 %")
    rows: TextRows = []
    for variant in variants:
        gap, claimed = variant.gap, variant.claimed_gap
        extra = [EMPTY if claimed is None else format_points(claimed)] if claims else []
        rows.append(
            (
                variant.name,
                format_share(variant.train_accuracy),
                format_points(gap.value) if gap else EMPTY,
                _signed_interval(gap),
                *extra,
            )
        )
    return (*headers, *(["claimed gap"] if claims else [])), rows


def _differences(comparisons: Sequence[ComparisonRecord]) -> tuple[TableHeaders, TextRows]:
    headers = ("variant", "against", "difference", "95 % over seeds", "p", "95 % over rows", "p")
    rows: TextRows = []
    for one in comparisons:
        rows.append(
            (
                one.variant,
                shorten(one.reference, NAME_WIDTH),
                format_points(one.difference),
                *(_signed_interval(one.over_seeds), _p_value(one.over_seeds)),
                *(_signed_interval(one.over_rows), _p_value(one.over_rows)),
            )
        )
    return headers, rows


def format_share(value: float | None) -> str:
    """Returns ``78.50 %``, or a dash for None."""
    return EMPTY if value is None else percent(value)


def format_points(value: float) -> str:
    """Returns ``+2.42`` for a difference of two shares."""
    return f"{100 * value:+.2f}"


def format_interval(estimate: Estimate | None) -> str:
    """Returns ``84.63 to 86.02``, or a dash for None."""
    if estimate is None:
        return EMPTY
    return f"{100 * estimate.low:.2f} to {100 * estimate.high:.2f}"


def format_minutes(value: float | None) -> str:
    """Returns ``13.4``, or a dash for None."""
    return EMPTY if value is None else f"{value:.1f}"


def format_seeds(values: Sequence[int]) -> str:
    """Returns ``0, 1, 2``."""
    return ", ".join(map(str, values))


def describe_machine(machine: MachineRecord) -> str:
    """Returns the name of a machine and the versions that decide a result."""
    shown = (f"{key} {value}" for key, value in machine.versions.items() if key in _VERSIONS)
    return f"{machine.name}; {', '.join(shown)}"


def _signed_interval(interval: Estimate | PairedTest | None) -> str:
    if interval is None:
        return EMPTY
    return f"{format_points(interval.low)} to {format_points(interval.high)}"


def _p_value(test: PairedTest | None) -> str:
    if test is None:
        return EMPTY
    return "<0.0001" if test.corrected < 1e-4 else f"{test.corrected:.4f}"
