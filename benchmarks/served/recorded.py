"""Checks what a server recorded in a soak: each row against the version that it names."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from served.rows import Row
from served.store import Store

_SHOWN = 5


def check_recorded(folder: Path, store: Store) -> dict[str, Any]:
    """Counts the recorded rows and those that are wrong, with the reasons of the first of them."""
    import pyarrow.parquet as paparquet

    rows = 0
    wrong: list[str] = []
    known: dict[tuple[str, int], dict[str | bytes, Row]] = {}
    for path in sorted(folder.rglob("*.parquet")):
        for row in paparquet.read_table(path).to_pylist():
            rows += 1
            place = path.parent.name, row["version"]
            if place not in known:
                known[place] = {_content(one): one for one in store.rows(*place) or ()}
            if problem := _problem(row, known[place]):
                wrong.append(f"{path.name}: {problem}")
    files = len(list(folder.rglob("*.parquet")))
    left = [path.name for path in folder.rglob(".*")]
    return {
        "recorded": rows,
        "recorded_files": files,
        "recorded_partial": len(left),
        "recorded_wrong": len(wrong),
        "recorded_examples": wrong[:_SHOWN],
    }


def _problem(row: dict[str, Any], expected: dict[str | bytes, Row]) -> str | None:
    content = row.get("text", row.get("image"))
    if content not in expected:
        return f"version {row['version']} was never asked about {str(content)[:80]!r}"
    best = max(range(len(row["classes"])), key=lambda at: row["probabilities"][at])
    if row["classes"][best] != row["predicted"]:
        return f"{row['predicted']} is not the most probable of {row['probabilities']}"
    given = {"label": row["predicted"], "probabilities": row["probabilities"]}
    return expected[content].wrong(given)


def _content(row: Row) -> str | bytes:
    (value,) = row.instance.values()
    return base64.b64decode(value["b64"]) if isinstance(value, dict) else str(value)
