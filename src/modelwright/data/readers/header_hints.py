"""Explains a text table whose first row does not name the columns that are looked for.

Nothing is decided here: the user is told what the table looks like, and which setting reads it so.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core.terminal import shorten
from modelwright.data.readers.columns import Role, roles_named

_LOOKED_AT = 20
"""Rows among which the header may lie, below a title or comments."""
_SETTABLE = {
    ",": ",",
    ";": ";",
    "\t": "tab",
    "|": "|",
    ":": ":",
    "^": "^",
    "~": "~",
    "\x01": "\\u0001",
}
"""Delimiters, as a setting spells them."""
_NOT_SETTABLE = ("，", "；", "、", " ")


def why_not_found(rows: Sequence[Sequence[str]], role: Role) -> str:
    """Returns a sentence about a table in which no column was found, or an empty text.

    Args:
        rows: The first rows.
        role: What no column was found for.
    """
    for number, row in enumerate(rows[1:_LOOKED_AT], 2):
        if looks_like_header(row):
            shown = shorten(", ".join(row), 60)
            return (
                f". Row {number} looks like the header ('{shown}'); delete the rows above it, so "
                "that the names of the columns come first"
            )
    if len(rows[0]) == 1 and (advice := _one_column(rows[0][0])):
        return f". It was read as one column; {advice}"
    flags = _flags(rows) if role == "label" else []
    if len(flags) > 1:
        return (
            f". The columns {', '.join(flags[:5])} hold only 0 and 1, as if each was a class; make "
            "one column with the name of the class, or choose one column to learn it alone"
        )
    return ""


def looks_like_header(row: Sequence[str]) -> bool:
    """Returns whether a row has usual names of a column of labels and of one of values."""
    named = roles_named(row)
    return named["label"] and (named["text"] or named["image"])


def _flags(rows: Sequence[Sequence[str]]) -> list[str]:
    """Returns the names of the columns that hold only 0 and 1."""
    whole = [row for row in rows[1:] if len(row) == len(rows[0])]
    return [
        name
        for at, name in enumerate(rows[0])
        if whole and {row[at].strip() for row in whole} <= {"0", "1", "0.0", "1.0"}
    ]


def _one_column(header: str) -> str:
    """Returns what to do about a header that was read as one name, if several stand in it."""
    if mark := next((mark for mark in _SETTABLE if mark in header), ""):
        return f'if {mark!a} separates the columns, set data.delimiter = "{_SETTABLE[mark]}"'
    if mark := next((mark for mark in _NOT_SETTABLE if mark in header.strip()), ""):
        which = f"if {mark!r} separates" if mark.strip() else "if spaces separate"
        return f"{which} the columns, write commas or tabs between them"
    return ""
