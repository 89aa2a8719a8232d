"""CSV files that are safe to open in a spreadsheet.

A spreadsheet runs a cell that begins like a formula. Such a cell gets an apostrophe in front, the
mark of a spreadsheet for text (OWASP, "CSV Injection").
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from modelwright.core.files import write_bytes

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_MARK = "'"
_BOM = "\N{BYTE ORDER MARK}"


def safe_cell(text: str) -> str:
    """Returns a text that no spreadsheet runs as a formula.

    Example:
        ``safe_cell("=1+1")`` is ``"'=1+1"``; ``original_cell`` returns ``"=1+1"`` for it.
    """
    return _MARK + text if _is_formula(text) or _is_marked(text) else text


def original_cell(text: str) -> str:
    """Returns the text that ``safe_cell`` was given."""
    return text[1:] if _is_marked(text) else text


def write_safe_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a CSV file in UTF-8, with the mark that spreadsheets know it by, atomically.

    Texts go through ``safe_cell``; other values are written as they are.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow([safe_cell(cell) if isinstance(cell, str) else cell for cell in row])
    write_bytes(path, (_BOM + file.getvalue()).encode("utf-8", "replace"))


def _is_formula(text: str) -> bool:
    # Spaces and line ends in front of a formula do not keep every program from running it.
    return text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA)


def _is_marked(text: str) -> bool:
    rest = text.lstrip(_MARK)
    return rest != text and _is_formula(rest)
