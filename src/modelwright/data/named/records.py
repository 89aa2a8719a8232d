"""The rows of a named set, as the other readers return theirs.

``fetch.py`` says where a set is searched and how it is checked. Rows are neither cleaned nor split
here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.types import Progress, SplitName
from modelwright.data.named.definitions import NAMED_SETS
from modelwright.data.named.fetch import obtain_set
from modelwright.data.records import Records, find_part


def read_named(name: str, folder: Path | None, progress: Progress | None) -> Records:
    """Returns the rows of a named set, and fetches them first if necessary.

    Args:
        name: One of ``SET_NAMES``.
        folder: Folder to search first; None for ``MODELWRIGHT_DATA``.
        progress: Called during downloads.

    Raises:
        DataError: The name is unknown, the set was not found, or its checksum is wrong.
    """
    report, content = obtain_set(name, folder=folder, progress=progress)
    definition = NAMED_SETS[name]
    parts = list(content.items())
    lengths = [len(rows) for _, rows in parts]
    labels: list[str] = []
    splits: list[SplitName | None] = []
    for part, rows in parts:
        labels += rows.labels
        splits += [None if part == "all" else part] * len(rows)

    def origin(row: int) -> str:
        part, position = find_part(lengths, row)
        split = "" if parts[part][0] == "all" else f" {parts[part][0]}"
        return f"{name}{split} {position}"

    values: Any
    if definition.task == "image":
        values = np.concatenate([np.asarray(rows.values) for _, rows in parts])
    else:
        values = [text for _, rows in parts for text in rows.values]
    return Records(
        task=definition.task,
        values=values,
        labels=labels,
        splits=splits if any(splits) else None,
        origin=origin,
        source=f"{name} (from {report.origin})",
        label_order=definition.labels,
        notes=report.notes,
    )
