"""The tables of studies, from the JSON they leave: for a terminal, and as Markdown.

Everything is read from ``study.json``'s structure, so that a table can be made again from kept
files alone, on any machine. Loads no framework.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from modelwright.core.terminal import percent, shorten, table

Study = Mapping[str, Any]
Rows = list[tuple[str, ...]]
_NONE = "—"
_NAME = 32
_VERSIONS = ("python", "modelwright", "tensorflow", "keras")
_METHODS = {
    "t over seeds": "Student's t over the seeds",
    "Wilson over rows": "Wilson's score over the rows, where seeds show no spread",
    "Newcombe over rows": "Newcombe's over the rows, where seeds show no spread",
}


def render(study: Study) -> str:
    """A study for a person at a terminal."""
    parts = [
        table(headers, [(shorten(row[0], _NAME), *row[1:]) for row in rows])
        for headers, rows in sections(study)
    ]
    return "\n\n".join([*parts, "\n".join(notes(study)), f"files: {study['folder']}"])


def markdown(study: Study) -> str:
    """A study as a page, ``study.md``."""
    about = f"{study['data']['source']}, {study['split']} rows; seeds {seeds(study['seeds'])}."
    commands = [variant["command"] for variant in study["variants"]]
    parts = [
        f"# {study['name']}",
        about,
        "![Accuracy of each variant: a point for each seed, the mean with its interval](study.png)",
        *(markdown_table(headers, rows) for headers, rows in sections(study)),
        "\n".join(f"- {line}" for line in notes(study)),
        "The first seed of each variant by itself:",
        "\n".join(["```sh", *commands, "```"]),
    ]
    return "\n\n".join(parts) + "\n"


def sections(study: Study) -> list[tuple[tuple[str, ...], Rows]]:
    """Headers and rows of each table: accuracy, training against held-out rows, differences."""
    variants = study["variants"]
    found = [_accuracies(variants, len(study["seeds"]))]
    if any(variant["gap"] for variant in variants):
        found.append(_gaps(variants))
    if study["comparisons"]:
        found.append(_differences(study["comparisons"]))
    return found


def notes(study: Study) -> list[str]:
    """What a reader must know beside the figures."""
    rows = study["data"]["rows"].get(study["split"])
    variants = study["variants"]
    methods = dict.fromkeys(
        variant[key]["method"]
        for key in ("accuracy", "gap")
        for variant in variants
        if variant[key]
    )
    lines = [
        f"{rows:,} {study['split']} rows of {study['data']['source']}" if rows else "no run yet",
        *_augmented(variants),
        *(f"95 %: {_METHODS[method]}" for method in methods),
    ]
    if study["comparisons"]:
        count = len(study["comparisons"])
        corrected = f", corrected by Holm's method for {count} comparisons; the intervals are not"
        lines += [
            "difference in points; 95 % and p over seeds: paired t-test, what another training"
            " would change",
            "95 % and p over rows: exact randomisation test, what other rows would change",
            f"p is two-sided{corrected if count > 1 else ''}",
        ]
    runs = [run for variant in variants for run in variant["runs"]]
    lines += [f"trained in {name}" for name in dict.fromkeys(run["precision"] for run in runs)]
    for machine in study["machines"]:
        shown = (f"{k} {v}" for k, v in machine["versions"].items() if k in _VERSIONS)
        lines.append(f"{machine['name']}; {', '.join(shown)}")
    lines += [
        f"failed: {entry['variant']}, seed {entry['seed']}: {entry['error']}"
        for entry in study["failures"]
    ]
    if study["missing"]:
        count = len(study["missing"])
        lines.append(f"trainings still to come: {count}; the same command goes on with them")
    return lines


def _augmented(variants: Sequence[Study]) -> list[str]:
    names = [variant["name"] for variant in variants if variant["tta"]]
    if not names:
        return []
    which = "" if len(names) == len(variants) else f": {', '.join(names)}"
    return [f"measured with test-time augmentation{which}"]


def markdown_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = [headers, ["---"] * len(headers), *escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _accuracies(variants: Sequence[Study], planned: int) -> tuple[tuple[str, ...], Rows]:
    claims = any(variant["claimed"] is not None for variant in variants)
    reruns = any(variant["rerun"] is not None for variant in variants)
    headers = ("variant", "seeds", *(["claimed"] if claims else []),
               *(["its own code"] if reruns else []), "accuracy", "95 %", "minutes",
               "parameters")  # fmt: skip
    rows: Rows = []
    for variant in variants:
        done, found = len(variant["runs"]), variant["accuracy"]
        rows.append(
            (
                variant["name"],
                str(done) if done == planned else f"{done} of {planned}",
                *([share(variant["claimed"])] if claims else []),
                *([share(variant["rerun"])] if reruns else []),
                share(found and found["value"]),
                between(found),
                minutes(variant["minutes"]),
                f"{variant['parameters']:,}" if found else _NONE,
            )
        )
    return headers, rows


def _gaps(variants: Sequence[Study]) -> tuple[tuple[str, ...], Rows]:
    claims = any(variant["claimed_gap"] is not None for variant in variants)
    headers = ("variant", "training accuracy", "gap in points", "95 %")
    rows: Rows = []
    for variant in variants:
        gap, claimed = variant["gap"], variant["claimed_gap"]
        extra = [_NONE if claimed is None else points(claimed)] if claims else []
        rows.append(
            (
                variant["name"],
                share(variant["train_accuracy"]),
                points(gap["value"]) if gap else _NONE,
                _signed(gap),
                *extra,
            )
        )
    return (*headers, *(["claimed gap"] if claims else [])), rows


def _differences(comparisons: Sequence[Study]) -> tuple[tuple[str, ...], Rows]:
    headers = ("variant", "against", "difference", "95 % over seeds", "p", "95 % over rows", "p")
    rows: Rows = []
    for one in comparisons:
        first, second = one["over_seeds"], one["over_rows"]
        rows.append(
            (
                one["variant"],
                shorten(one["reference"], _NAME),
                points(one["difference"]),
                *(_signed(first), _chance(first)),
                *(_signed(second), _chance(second)),
            )
        )
    return headers, rows


def share(value: float | None) -> str:
    """``78.50 %``."""
    return _NONE if value is None else percent(value)


def points(value: float) -> str:
    """``+2.42``, of a difference of shares."""
    return f"{100 * value:+.2f}"


def between(estimate: Study | None) -> str:
    """``84.63 to 86.02``."""
    if estimate is None:
        return _NONE
    return f"{100 * estimate['low']:.2f} to {100 * estimate['high']:.2f}"


def _signed(found: Study | None) -> str:
    return f"{points(found['low'])} to {points(found['high'])}" if found else _NONE


def _chance(test: Study | None) -> str:
    if test is None:
        return _NONE
    return "<0.0001" if test["corrected"] < 1e-4 else f"{test['corrected']:.4f}"


def minutes(value: float | None) -> str:
    """``13.4``."""
    return _NONE if value is None else f"{value:.1f}"


def seeds(values: Sequence[int]) -> str:
    """``0, 1, 2``."""
    return ", ".join(map(str, values))
