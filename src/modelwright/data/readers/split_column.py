"""Reads the column that says to which split each row belongs.

Its values are the usual names of splits, yes and no in a column such as ``is_test``, or words that
the user maps. A column that seems to hold splits and cannot be read is an error: its test rows
would be trained on.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import SplitName
from modelwright.data.split_names import expected_split_names, read_split_names

NO_SPLITS = "none"
"""Value of ``data.split`` with which no column of splits is read."""

_YES_NO = (
    "is_train", "is_training", "is_test", "is_testing", "is_val", "is_valid", "is_validation",
    "is_dev", "istrain", "istraining", "istest", "istesting", "isval", "isvalid", "isvalidation",
    "isdev", "is train", "is test", "is val", "is validation",
)  # fmt: skip
"""The usual names of columns of yes and no."""
_YES_NO_NAME = re.compile(r"(?:is[ _]?|in[ _])(.+)", re.IGNORECASE)

_OFTEN_SOMETHING_ELSE = frozenset({"fold", "phase", "dataset", "usage", "数据集"})
"""Names that often mean something else: they are read only if a value names a split."""

SPLIT_COLUMNS = (
    "split", "set", "subset", "partition", "data_split", "dataset_split", "train_test",
    "train_test_split", "划分", "数据划分", *_YES_NO, "usage", "fold", "phase", "dataset", "数据集",
)  # fmt: skip
"""The usual names of the column."""

_ANSWERS = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "1.0", "是"), True),
    **dict.fromkeys(("false", "no", "n", "f", "0", "0.0", "否"), False),
}
_NO_VALUE = frozenset({"", "nan", "none", "null", "na", "n/a", "<na>", "nil", "-"})
"""Values that programs write for an empty cell, in lower case."""
_KAGGLE: Mapping[str, SplitName] = {"publictest": "val", "privatetest": "test"}
"""Values of Kaggle's column ``Usage``, next to Training."""
_MOST_SPLITS = 12
"""A column with more values than this, found by its name, holds something else."""


@dataclass(frozen=True)
class SplitColumn:
    """The split of each row, None where a cell is empty; and how the values were read."""

    splits: list[SplitName | None] | None
    note: str


def read_split_column(column: Any, header: str, name: str, config: DataConfig) -> SplitColumn:
    """Returns the splits of a column, or None for a column that holds something else.

    Args:
        column: A pyarrow array of strings.
        header: Name of the column.
        name: Name of the table, for messages.
        config: ``split`` names the column if the user chose it; ``split_names`` maps its values.

    Raises:
        DataError: The column seems to hold splits, and a value names none.
    """
    encoded = column.fill_null("").dictionary_encode()
    values = [value.strip() for value in encoded.dictionary.to_pylist()]
    codes = encoded.indices.to_pylist()
    counts: Counter[str] = Counter()
    for code, count in Counter(codes).items():
        counts[values[code]] += count
    empty = sum(counts.pop(value) for value in list(counts) if _is_empty(value, config))
    known = _read_values(list(counts), header, config)
    unknown = [value for value in counts if value not in known]
    if not unknown:
        splits = [known.get(value) for value in values]
        return SplitColumn([splits[code] for code in codes], _note(header, counts, known, empty))
    found_by_name = config.split is None and not config.split_names
    unlikely = header.strip().lower() in _OFTEN_SOMETHING_ELSE and not known
    if found_by_name and (unlikely or (len(counts) > _MOST_SPLITS and not known)):
        shown = ", ".join(f"'{value[:20]}'" for value in list(counts)[:3])
        return SplitColumn(
            None,
            f"the column '{header}' is not read as the split: no value, such as {shown}, names one",
        )
    raise DataError(
        f"{name} has '{unknown[0][:40]}' in the column '{header}', which seems to hold the split; "
        f"expected {expected_split_names()}. Map its values, such as data.split_names = "
        f"{{{_example(unknown, counts, known)}}}, name another column with data.split "
        f'(--split-column), or ignore it with data.split = "{NO_SPLITS}" (--split-column '
        f"{NO_SPLITS})"
    )


def _is_empty(value: str, config: DataConfig) -> bool:
    return value.lower() in _NO_VALUE and value not in config.split_names


def _yes_no(header: str) -> tuple[SplitName, SplitName] | None:
    """Returns the splits that yes and no mean in a column such as ``is_test`` or ``in_test_set``.

    A column named after a split alone, such as ``test``, is one too.
    """
    name = header.strip()
    match = _YES_NO_NAME.fullmatch(name)
    split = next(iter(read_split_names([match[1] if match else name]).values()), None)
    return split and (split, "test" if split == "train" else "train")


def _example(unknown: list[str], counts: Counter[str], known: Mapping[str, SplitName]) -> str:
    """Returns a table in which the most frequent value is train, if no other is."""
    names = sorted(unknown, key=lambda value: -counts[value])[:3]
    splits = ["test"] * len(names) if "train" in known.values() else ["train", "test", "test"]
    return ", ".join(
        f'"{name[:40]}" = "{split}"' for name, split in zip(names, splits, strict=False)
    )


def unread_split(names: Sequence[str], rows: Sequence[Sequence[str]], read: Sequence[int]) -> str:
    """Returns a note about a column that is not read and whose values all name splits.

    Args:
        names: Names of the columns.
        rows: Some rows of the table.
        read: Positions of the columns that are read.
    """
    for at, name in enumerate(names):
        values = {row[at].strip() for row in rows if len(row) == len(names)} - {""}
        if at in read or not 1 < len(values) <= _MOST_SPLITS:
            continue
        if _yes_no(name) and {value.lower() for value in values} <= set(_ANSWERS):
            return (
                f"warning: the column '{name}' may say to which split a row belongs and is not "
                "read; data.split (--split-column) reads it"
            )
        found = read_split_names(values)
        if set(found) == values and "train" in found.values() and len(set(found.values())) > 1:
            return (
                f"warning: the column '{name}' has the names of splits and is not read; data.split "
                "(--split-column) reads it"
            )
    return ""


def _read_values(values: list[str], header: str, config: DataConfig) -> dict[str, SplitName]:
    """Returns the split of each value that means one."""
    answer = _yes_no(header)
    if answer and any(value.lower() in _ANSWERS for value in values):
        found = {
            value: answer[0] if _ANSWERS[value.lower()] else answer[1]
            for value in values
            if value.lower() in _ANSWERS
        }
    else:
        found = read_split_names([value for value in values if value not in config.split_names])
        for value in values:
            folded = value.lower().replace("_", "").replace(" ", "")
            if folded in _KAGGLE:
                found[value] = _KAGGLE[folded]
    mapped = {value: config.split_names[value] for value in values if value in config.split_names}
    return {**found, **mapped}


def _note(header: str, counts: Counter[str], known: Mapping[str, SplitName], empty: int) -> str:
    parts = [f"{value} is {known[value]} ({count:,} rows)" for value, count in counts.items()]
    if empty:
        parts.append(f"{empty:,} rows have none")
    return f"split from '{header}': {', '.join(parts)}" if parts else ""
