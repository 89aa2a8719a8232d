"""Recognizes labels that are no classes: quantities to estimate, and several labels in one cell.

Both would be trained on without an error, as classes of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from modelwright.core.errors import DataError
from modelwright.core.terminal import shorten
from modelwright.core.types import IntArray

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_AROUND_NUMBERS = " \t$€£¥￥元%"
_LIST = re.compile(r"[\[({].*[\])}]", re.DOTALL)
_LISTS = (";", "|", ",", "，", "、", "；")
"""Between labels. A name may hold one too: "Washington, DC"."""
_IN_NAMES = ("/", "+", "&")
"""Between labels, and as often inside a name."""
_MISSING = frozenset(
    {"nan", "none", "null", "na", "n/a", "<na>", "nil", "#n/a", "-", "--", "?", "无", "空", "缺失"}
)
_YES = ("1", "true", "yes", "是")
_NO = ("0", "false", "no", "否")
_DATE = re.compile(r"\d{4}[-/.年]\d{1,2}[-/.月]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4}")
_MANY = 20
_ROWS_A_NUMBER = 5
_PURPOSE = "Modelwright learns one label a row, out of a list of classes"


def check_labels(names: Sequence[str], counts: IntArray, source: str) -> list[str]:
    """Returns notes about labels that may not be classes.

    Args:
        names: The labels.
        counts: Rows of each label.
        source: Name of the source, for messages.

    Raises:
        DataError: The labels are quantities, nearly all different; or cells hold several labels.
    """
    rows = int(counts.sum())
    notes = [
        *_check_numbers(names, rows, source),
        *_check_lists(names, counts, source),
        *_missing_values(names, counts),
        *_mixed_answers(names),
        *_dates(names),
    ]
    if len(names) > _MANY and rows < 2 * len(names):
        notes.append(
            f"warning: {len(names):,} classes for {rows:,} rows, so most have a single row; is it "
            "the right column of labels (data.label)?"
        )
    return notes


def _check_numbers(names: Sequence[str], rows: int, source: str) -> list[str]:
    names = [name for name in names if name.casefold() not in _MISSING]
    values = [value for name in names if (value := _number(name)) is not None]
    if len(values) < len(names):
        return []
    fractions = [name for name, value in zip(names, values, strict=True) if not value.is_integer()]
    few_rows = rows < (_ROWS_A_NUMBER if fractions else 2) * len(names)
    shown = ", ".join((fractions or list(names))[:3])
    if len(names) > _MANY and few_rows:
        raise DataError(
            f"{source} has {len(names):,} different numbers such as {shown} as the labels of "
            f"{rows:,} rows: quantities to estimate (regression), it seems. {_PURPOSE}; group the "
            "numbers into classes, such as low, middle and high, or choose another column "
            "(data.label)"
        )
    if not fractions:
        return []
    return [
        f"warning: the labels are numbers with fractions, such as {shown}. Each of the "
        f"{len(names):,} is a class by itself, without an order; {_PURPOSE}"
    ]


def _missing_values(names: Sequence[str], counts: IntArray) -> list[str]:
    """Returns a note about labels that programs write for a missing value."""
    found = [at for at, name in enumerate(names) if name.casefold() in _MISSING]
    if "+" in names:
        found = [at for at in found if names[at] != "-"]
    if not found:
        return []
    shown = ", ".join(f"'{names[at]}' ({counts[at]:,} rows)" for at in found)
    return [
        f"warning: labels that often stand for a missing one are classes like any other: {shown}. "
        f'data.labels = {{"{names[found[0]]}" = ""}} rejects the rows of one'
    ]


def _mixed_answers(names: Sequence[str]) -> list[str]:
    """Returns a note about labels that say yes in several words: ``1``, ``True``, ``yes``."""
    for words in (_YES, _NO):
        found = {name.casefold().removesuffix(".0"): name for name in names}
        alike = [found[word] for word in words if word in found]
        if len(alike) > 1:
            return [
                f"warning: the labels {', '.join(repr(name) for name in alike)} may mean the same "
                "and are separate classes. If they do, "
                f'data.labels = {{"{alike[1]}" = "{alike[0]}"}} makes them one'
            ]
    return []


def _dates(names: Sequence[str]) -> list[str]:
    if not all(_DATE.match(name) for name in names):
        return []
    return [
        f"warning: the labels are dates, such as {names[0]}, and each is a class by itself; is it "
        "the right column of labels (data.label)?"
    ]


def _number(name: str) -> float | None:
    text = name.strip(_AROUND_NUMBERS)
    text = text.replace(",", "" if _THOUSANDS.fullmatch(text) else ".")
    return float(text) if _NUMBER.fullmatch(text) else None


def _check_lists(names: Sequence[str], counts: IntArray, source: str) -> list[str]:
    known = {_bare(name) for name in names}
    if all(_LIST.fullmatch(name) and not _parts(name, ",") for name in names):
        return [
            f"warning: the labels are written as lists of one, such as {names[0]}, and their names "
            'keep the brackets; data.labels = {"' + names[0].replace('"', '\\"') + '" = "'
            f'{_bare(names[0])}"}} renames them'
        ]
    for mark in (*_LISTS, *_IN_NAMES):
        several = {at: parts for at, name in enumerate(names) if (parts := _parts(name, mark))}
        certain = [at for at, parts in several.items() if set(parts) <= known]
        if certain and mark in _LISTS:
            raise _several_labels(names[certain[0]], mark, int(counts[certain].sum()), source)
        if certain or _share_parts(list(several.values()), mark in _LISTS):
            example = shorten(names[certain[0] if certain else next(iter(several))], 60)
            return [
                f"warning: labels such as '{example}' may be several in one cell, with '{mark}' "
                f"between them. Each whole cell is a class by itself; {_PURPOSE}"
            ]
    return []


def _several_labels(name: str, mark: str, rows: int, source: str) -> DataError:
    renamed = " ".join(name.replace(mark, " ").split())
    return DataError(
        f"{source} has several labels in one cell, as in '{shorten(name, 60)}': in {rows:,} rows "
        f"the parts between '{mark}' are labels too. {_PURPOSE}; keep one label a row, or make a "
        "table for each label with yes and no. If it is one name, rename it: data.labels = "
        f"{{{json.dumps(name, ensure_ascii=False)} = {json.dumps(renamed, ensure_ascii=False)}}}"
    )


def _parts(name: str, mark: str) -> tuple[str, ...]:
    """Returns the labels in a name, or none if it is a single one."""
    parts = tuple(_bare(part) for part in name.split(mark))
    return parts if len(parts) > 1 and all(parts) else ()


def _bare(name: str) -> str:
    """Returns a label without the brackets and quotes of a list: ``['food']``."""
    return name.strip(" \t[](){}'\"")


def _share_parts(cells: Sequence[tuple[str, ...]], anywhere: bool) -> bool:
    """Returns whether cells have parts in common: ``anywhere``, or in different places."""
    if anywhere:
        parts = [part for cell in cells for part in set(cell)]
        return len(set(parts)) < len(parts)
    first = {cell[0] for cell in cells}
    return bool(first & {part for cell in cells for part in cell[1:]})
