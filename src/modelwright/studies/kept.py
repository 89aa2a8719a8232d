"""Studies whose ``study.json`` was kept, ``benchmarks/results/STUDY.json``, and what they prove.

It reads what is there and compares; it trains nothing and writes nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.core.errors import RunError
from modelwright.core.render import percent
from modelwright.recipes.measured import Measured
from modelwright.studies import tables
from modelwright.studies.tables import Rows

_HEADERS = (
    *("variant", "study", "seeds", "claimed", "accuracy", "95 %"),
    *("gap in points", "minutes", "machine"),
)


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
        name = f"{study['data']['source']}, {study['split']} rows"
        name += ", with test-time augmentation" if study["tta"] else ""
        rows = found.setdefault(name, [])
        rows += [
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
            for variant in study["variants"]
            if variant["accuracy"] is not None
        ]
    parts = [
        f"## {name}\n\n{tables.markdown_table(_HEADERS, rows)}" for name, rows in found.items()
    ]
    return "\n\n".join(parts)


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
        "test-time augmentation": ("test-time augmentation" in entry.note, study["tta"]),
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
