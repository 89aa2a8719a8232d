"""Studies whose ``study.json`` was kept, ``benchmarks/results/STUDY.json``, and what they prove.

It reads what is there and compares; it trains nothing and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.config import Config, check_table
from modelwright.core.errors import RunError
from modelwright.core.terminal import percent
from modelwright.recipes.measured import Measured
from modelwright.studies import tables
from modelwright.studies.plan import Plan
from modelwright.studies.settings_difference import difference
from modelwright.studies.tables import Rows

_HEADERS = (
    *("variant", "study", "seeds", "claimed", "accuracy", "95 %"),
    *("gap in points", "minutes", "machine"),
)
_SHARES = {"accuracy": "value", "low": "low", "high": "high"}


def read(path: Path) -> dict[str, Any] | None:
    """A study's JSON; None where the file holds something else.

    Raises:
        RunError: it cannot be read, or has another format.
    """
    try:
        record = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read as a study's JSON: {error}.") from None
    if not isinstance(record, dict) or record.get("kind") != "study":
        return None
    if record["format"] != 1:
        raise RunError(f"{path} has format {record['format']}; this version reads 1.")
    return record


def merge(paths: Sequence[Path]) -> str:
    """Kept studies as one Markdown table for each set of rows; other JSON is passed over.

    Raises:
        RunError: a file cannot be read.
    """
    found: dict[str, Rows] = {}
    for study in filter(None, map(read, paths)):
        for variant in study["variants"]:
            if variant["accuracy"] is None:
                continue
            name = f"{study['data']['source']}, {study['split']} rows"
            name += ", with test-time augmentation" if variant["tta"] else ""
            found.setdefault(name, []).append(
                (
                    variant["name"],
                    study["name"],
                    tables.seeds([run["seed"] for run in variant["runs"]]),
                    tables.share(variant["claimed"]),
                    percent(variant["accuracy"]["value"]),
                    tables.between(variant["accuracy"]),
                    tables.points(variant["gap"]["value"]),
                    tables.minutes(variant["minutes"]),
                    _machines(variant),
                )
            )
    parts = [
        f"## {name}\n\n{tables.markdown_table(_HEADERS, rows)}" for name, rows in found.items()
    ]
    return "\n\n".join(parts)


def portable(study: Mapping[str, Any], plan: Plan) -> dict[str, Any]:
    """The study as it is kept: without the place where it was run."""
    folder = Path("studies") / plan.name
    known = {variant.name: variant for variant in plan.variants}
    variants = [
        {
            **variant,
            "command": known[variant["name"]].command(
                plan.seeds[0], folder / "runs" / known[variant["name"]].run(plan.seeds[0])
            ),
        }
        for variant in study["variants"]
    ]
    return {**study, "folder": folder.as_posix(), "variants": variants}


def outdated(study: Mapping[str, Any], plan: Plan) -> list[str]:
    """In what the study is not what the plan would measure; nothing where it is."""
    pairs = {
        "study": (study["name"], plan.name),
        "seeds": (list(study["seeds"]), list(plan.seeds)),
        "split": (study["split"], plan.split),
        "status": (study["status"], "finished"),
    }
    found = [f"{key}: {one} and {other}" for key, (one, other) in pairs.items() if one != other]
    known = {variant["name"]: variant for variant in study["variants"]}
    for variant in plan.variants:
        before = known.get(variant.name)
        if before is None:
            found.append(f"{variant.name} is missing")
            continue
        now = variant.config(plan.name, plan.seeds[0])
        old = check_table(Config, before["config"], variant.name)
        if before["tta"] != variant.tta:
            found.append(f"{variant.name}: test-time augmentation")
        if old.data.source != now.data.source:
            found.append(f"{variant.name}: data.source {old.data.source} is now {now.data.source}")
        if changed := difference(old, now):
            found.append(f"{variant.name}: {changed}")
    return found


def entries(study: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Recipe and table ``[[measured]]`` of each variant that trains as its recipe says.

    One with other settings of training says nothing of the recipe and is left out.
    """
    found = []
    for variant in study["variants"]:
        accuracy, changed = variant["accuracy"], variant["changed"]
        if accuracy is None or study["split"] != "test":
            continue
        if any(key.startswith("train.") for key in changed):
            continue
        entry: dict[str, Any] = {
            "data": study["data"]["source"],
            **{key: round(accuracy[name], 4) for key, name in _SHARES.items()},
            "interval": "seeds" if "seeds" in accuracy["method"] else "rows",
            "rows": variant["runs"][0]["rows"],
            "seeds": [run["seed"] for run in variant["runs"]],
            "minutes": round(variant["minutes"], 1),
            "machine": _machines(variant),
        }
        if variant["tta"]:
            entry["note"] = "test-time augmentation"
        if changed:
            entry["settings"] = dict(changed)
        found.append((variant["recipe"], {**entry, "study": study["name"],
                                          "variant": variant["name"]}))  # fmt: skip
    return found


def disagreements(recipe: str, entry: Measured, study: dict[str, Any]) -> list[str]:
    """What a recipe's ``[[measured]]`` says otherwise than the study it names; none is good."""
    named = [variant for variant in study["variants"] if variant["name"] == entry.variant]
    if study["name"] != entry.study or not named or named[0]["accuracy"] is None:
        return [f"{study['name']} has no measured variant '{entry.variant}'"]
    [variant] = named
    accuracy, runs = variant["accuracy"], variant["runs"]
    pairs = {
        "recipe": (recipe, variant["recipe"]),
        "data": (entry.data, study["data"]["source"]),
        "split": ("test", study["split"]),
        "test-time augmentation": ("test-time augmentation" in entry.note, variant["tta"]),
        "rows": (entry.rows, runs[0]["rows"]),
        "seeds": (entry.seeds, [run["seed"] for run in runs]),
        "interval": (entry.interval, "seeds" if "seeds" in accuracy["method"] else "rows"),
        "machine": (entry.machine, _machines(variant)),
        # As far as the file gives them: a hundredth of a point, a tenth of a minute.
        "accuracy": (round(entry.accuracy, 4), round(accuracy["value"], 4)),
        "low": (round(entry.low, 4), round(accuracy["low"], 4)),
        "high": (round(entry.high, 4), round(accuracy["high"], 4)),
        "minutes": (round(entry.minutes, 1), round(variant["minutes"], 1)),
        "settings": (entry.settings, variant["changed"]),
    }
    return [f"{key}: {one} and {other}" for key, (one, other) in pairs.items() if one != other]


def _machines(variant: dict[str, Any]) -> str:
    return "; ".join(dict.fromkeys(run["machine"] for run in variant["runs"]))
