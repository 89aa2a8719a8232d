"""The named data sets as rows: the names a user may type, and what to call with one.

Where a set is looked for and how it is checked is said in ``fetch.py``. Rows are neither cleaned
nor split here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.types import Progress, SplitName
from modelwright.data.named.definitions import CATALOGUE
from modelwright.data.named.fetch import NAMES, obtain
from modelwright.data.records import Records

__all__ = ["NAMES", "read_named"]


def read_named(name: str, folder: Path | None, progress: Progress | None) -> Records:
    """The rows of a named set, fetched first where they are not on this machine.

    Args:
        name: One of ``NAMES``.
        folder: Where to look first; None for ``MODELWRIGHT_DATA``.
        progress: Told about downloads.

    Raises:
        DataError: an unknown name, a set that is in no place, or one whose sum is wrong.
    """
    report, content = obtain(name, folder=folder, progress=progress)
    known = CATALOGUE[name]
    parts = list(content.items())
    starts = np.cumsum([0, *(len(rows) for _, rows in parts)])
    labels: list[str] = []
    splits: list[SplitName | None] = []
    for part, rows in parts:
        labels += rows.labels
        splits += [None if part == "all" else part] * len(rows)

    def origin(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        part = "" if parts[at][0] == "all" else f" {parts[at][0]}"
        return f"{name}{part} {row - int(starts[at])}"

    values: Any
    if known.task == "image":
        values = np.concatenate([np.asarray(rows.values) for _, rows in parts])
    else:
        values = [text for _, rows in parts for text in rows.values]
    return Records(
        task=known.task,
        values=values,
        labels=labels,
        splits=splits if any(splits) else None,
        origin=origin,
        source=f"{name} (from {report.origin})",
        label_order=known.labels,
        notes=report.notes,
    )
