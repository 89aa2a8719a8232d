"""A study's figures beside what was published, in two languages, from its kept JSON.

What a row claims is shown as the study's file has it today. Loads no framework.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from modelwright.studies import tables
from modelwright.studies.plan import Plan
from modelwright.studies.tables import Rows
from modelwright.studies.translations import Language, say

Study = Mapping[str, Any]
_NONE = "—"
_VERSIONS = ("python", "modelwright", "tensorflow", "keras")
_METHODS = {
    "t over seeds": "Student's t over the seeds",
    "Wilson over rows": "Wilson's score over the rows",
}


def claiming(study: Study, plan: Plan) -> dict[str, Any]:
    """The study with what its file says of the published figures today."""
    today = {variant.name: variant for variant in plan.variants}
    variants = [
        {
            **variant,
            "claimed": today[variant["name"]].claimed,
            "rerun": today[variant["name"]].rerun,
        }
        if variant["name"] in today
        else variant
        for variant in study["variants"]
    ]
    return {**study, "title": plan.title, "source": plan.source, "variants": variants}


def rows(
    study: Study, language: Language = "en", *, page: bool = False
) -> tuple[tuple[str, ...], Rows]:
    """Headers and rows; a page has room for a column more."""
    variants = study["variants"]
    claims = any(variant["claimed"] is not None for variant in variants)
    reruns = any(variant["rerun"] is not None for variant in variants)
    keys = (
        "variant",
        *(["published"] if claims else []),
        *(["its own code"] if reruns else []),
        *("here", "95 %", "seeds"),
        *(["points", "reached"] if claims else []),
        *(["macro-F1"] if page else []),
        *("gap", "minutes"),
    )
    cells = [_cells(variant, study, language) for variant in variants]
    return tuple(say(key, language) for key in keys), [
        tuple(row[key] for key in keys) for row in cells
    ]


def _cells(variant: Study, study: Study, language: Language) -> dict[str, str]:
    found, done, claimed = variant["accuracy"], len(variant["runs"]), variant["claimed"]
    planned = len(study["seeds"])
    # Of a quick try nothing can be said to have been reached or not.
    beside = found is not None and claimed is not None and not study.get("quick")
    return {
        "variant": variant["name"],
        "published": tables.share(claimed),
        "its own code": tables.share(variant["rerun"]),
        "here": tables.share(found and found["value"]),
        "95 %": interval(found, language) if found else _NONE,
        "seeds": str(done) if done == planned else f"{done}/{planned}",
        "points": tables.points(found["value"] - claimed) if beside else _NONE,
        "reached": say("yes" if reached(variant) else "no", language) if beside else _NONE,
        "macro-F1": f"{statistics.fmean(run['macro_f1'] for run in variant['runs']):.4f}"
        if done
        else _NONE,
        "gap": tables.points(variant["gap"]["value"]) if variant["gap"] else _NONE,
        "minutes": tables.minutes(variant["minutes"]),
    }


def reached(variant: Study) -> bool:
    """Whether the mean is at least what was published."""
    return bool(variant["accuracy"]["value"] >= variant["claimed"])


def short(study: Study, language: Language = "en") -> list[str]:
    """One line for each figure that stays below the published one."""
    lines = []
    for variant in study["variants"]:
        found, claimed = variant["accuracy"], variant["claimed"]
        if found is None or claimed is None or reached(variant):
            continue
        line = say(
            "{study}, {variant}: {here}, {points} points below the published {claimed}",
            language,
            study=study["name"],
            variant=variant["name"],
            here=tables.share(found["value"]),
            points=f"{100 * (claimed - found['value']):.2f}",
            claimed=tables.share(claimed),
        )
        inside = found["low"] <= claimed <= found["high"]
        lines.append(line + (say("; it lies within the interval", language) if inside else ""))
    return lines


def notes(study: Study, language: Language = "en") -> list[str]:
    """What a reader must know beside the table: rows, sources, seeds, machine, what failed."""
    variants = study["variants"]
    runs = [run for variant in variants for run in variant["runs"]]
    lines = []
    if any(variant["claimed"] is not None for variant in variants):
        lines.append(
            say("points: here less published; gap: training accuracy less this one", language)
        )
        if source := study["source"].get(language):
            lines.append(say("published: {source}", language, source=source))
    if runs:
        lines += _of_runs(study, runs, language)
    if augmented := [variant["name"] for variant in variants if variant["tta"]]:
        names = ", ".join(augmented)
        lines.append(say("with test-time augmentation: {names}", language, names=names))
    lines += [
        say("failed: {what}", language, what=f"{one['variant']}, {one['seed']}: {one['error']}")
        for one in study["failures"]
    ]
    return lines


def _of_runs(study: Study, runs: list[Study], language: Language) -> list[str]:
    about = say(
        "{rows} {split} rows, {share} of them in the commonest class",
        language,
        rows=f"{runs[0]['rows']:,}",
        split=study["split"],
        share=tables.share(runs[0]["majority_accuracy"]),
    )
    used = {variant["accuracy"]["method"] for variant in study["variants"] if variant["accuracy"]}
    methods = ", ".join(say(text, language) for name, text in _METHODS.items() if name in used)
    seeds = tables.seeds(sorted({run["seed"] for run in runs}))
    lines = [about, say("seeds {seeds}; 95 %: {methods}", language, seeds=seeds, methods=methods)]
    precisions = ", ".join(dict.fromkeys(run["precision"].partition(" (")[0] for run in runs))
    return lines + [
        say(
            "{date}, {machine}, trained in {precision}",
            language,
            date=study["date"],
            machine=described(machine),
            precision=precisions,
        )
        for machine in study["machines"]
    ]


def described(machine: Study) -> str:
    """A machine's name and the versions that decide a figure."""
    versions = (f"{key} {value}" for key, value in machine["versions"].items() if key in _VERSIONS)
    return f"{machine['name']}; {', '.join(versions)}"


def interval(estimate: Study, language: Language = "en") -> str:
    """``84.63 to 86.02``."""
    low, high = (f"{100 * estimate[key]:.2f}" for key in ("low", "high"))
    return say("{low} to {high}", language, low=low, high=high)
