"""The rows that ``data.drop`` leaves out of training, such as the suspects of an audit.

A listed row is found by its content and its label, or by its origin where the list has no content
hash. Test rows are never left out: without its hardest rows, a test would flatter every model.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.files import sha256_file
from modelwright.core.spreadsheet import original_cell
from modelwright.core.types import BoolArray, IntArray
from modelwright.data.digests import Digests
from modelwright.data.prepare import Prepared
from modelwright.data.splits import NO_SPLIT, TEST, Sides

_DELIMITERS = (",", ";", "\t")
_LARGEST_CELL = 64 * 2**20
_EXPECTED = (
    "expected a CSV file with the column 'digest' or 'origin', such as the suspects.csv that"
    " 'modelwright audit' writes"
)


@dataclass(frozen=True)
class Dropped:
    """What a list of rows did to a source.

    Attributes:
        sides: The side of every row; ``NO_SPLIT`` for those left out.
        record: What a run records: files with their sha256, and counts.
        notes: The counts in words.
    """

    sides: Sides
    record: Mapping[str, Any]
    notes: tuple[str, ...]


@dataclass
class _Listed:
    """The listed rows: by content and by origin, each with the given label or None."""

    contents: set[tuple[str, str | None]] = field(default_factory=set)
    origins: set[tuple[str, str | None]] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self.contents) + len(self.origins)


def drop_rows(
    files: str | Sequence[str],
    prepared: Prepared,
    names: Sequence[str],
    labels: IntArray,
    sides: Sides,
) -> Dropped:
    """Leaves listed rows out of the training and validation rows.

    Args:
        files: The lists, CSV files; without one, all rows stay.
        prepared: All rows, ``n`` of them.
        names: The names of the classes.
        labels: Class of each row, ``[n]``.
        sides: Side of each row, ``[n]``.

    Raises:
        DataError: A file cannot be read or is no such list, or none of its rows is in the source.
    """
    given = [files] if isinstance(files, str) else files
    paths = [Path(file).expanduser() for file in given if file.strip()]
    if not paths:
        return Dropped(sides, {}, ())
    source = prepared.source
    listed = _Listed()
    for path in paths:
        _read(path, listed)
    found, met = _find(listed, prepared, names, labels)
    shown = ", ".join(path.name for path in paths)
    if len(listed) and not met:
        raise DataError(
            f"none of the {len(listed):,} rows listed in {shown} is in {source} with that label; "
            "the list is of other data, or labels were changed since. Audit this data again, or "
            "leave data.drop (--drop) out"
        )
    tested = found & (sides == TEST)
    dropped = found & (sides != TEST) & (sides != NO_SPLIT)
    counts = {
        "listed": len(listed),
        "dropped": int(dropped.sum()),
        "kept_test_rows": int(tested.sum()),
        "not_found": len(listed) - met,
    }
    record = {
        "files": [{"file": path.name, "sha256": sha256_file(path)} for path in paths],
        **counts,
    }
    changed = np.where(dropped, NO_SPLIT, sides).astype(np.int8)
    return Dropped(changed, record, _notes(shown, counts, source))


def hex_digests(digests: Digests) -> list[str]:
    """Returns content hashes as they are written in lists of rows: 32 hexadecimal digits."""
    content = np.ascontiguousarray(digests.astype(">u8")).tobytes().hex()
    return [content[start : start + 32] for start in range(0, len(content), 32)]


def _find(
    listed: _Listed, prepared: Prepared, names: Sequence[str], labels: IntArray
) -> tuple[BoolArray, int]:
    """Returns which rows are listed, and how many entries of the list were met."""
    found = np.zeros(len(labels), bool)
    met: set[tuple[str, str, str | None]] = set()
    if listed.contents:
        wanted = {content for content, _ in listed.contents}
        for row, content in enumerate(hex_digests(prepared.digests)):
            if content in wanted:
                for key in ((content, names[labels[row]]), (content, None)):
                    if key in listed.contents:
                        found[row] = True
                        met.add(("content", *key))
    if listed.origins:
        every = prepared.rows(np.arange(len(labels), dtype=np.int64))
        for row in range(len(labels)):
            place = every.origin(row)
            for key in ((place, names[labels[row]]), (place, None)):
                if key in listed.origins:
                    found[row] = True
                    met.add(("origin", *key))
    return found, len(met)


def _read(path: Path, listed: _Listed) -> None:
    try:
        text = path.read_text("utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"there is no file {path}, given as data.drop; {_EXPECTED}") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise DataError(f"{path}, given as data.drop, cannot be read: {reason}") from None
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_LARGEST_CELL)
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        columns = [name.strip().lower() for name in reader.fieldnames or ()]
        if "digest" not in columns and "origin" not in columns:
            given = ", ".join(columns) or "none"
            raise DataError(f"{path}, given as data.drop, has the columns {given}; {_EXPECTED}")
        reader.fieldnames = columns
        for row in reader:
            _add(path, reader.line_num, row, listed)
    except csv.Error as error:
        raise DataError(f"{path}, given as data.drop, is not CSV: {error}; {_EXPECTED}") from None


def _add(path: Path, line: int, row: Mapping[str, str | None], listed: _Listed) -> None:
    cells = {name: original_cell(row.get(name) or "") for name in ("digest", "origin", "label")}
    label = cells["label"].strip() or None
    content, place = cells["digest"].strip().lower(), cells["origin"].strip()
    if content:
        if len(content) != 32 or not set(content) <= set("0123456789abcdef"):
            raise DataError(
                f"{path} line {line} has the digest '{content[:40]}'; expected 32 hexadecimal "
                "digits, as 'modelwright audit' writes them. Leave the cell empty to find the row "
                "by its origin"
            )
        listed.contents.add((content, label))
    elif place:
        listed.origins.add((place, label))
    elif any(cells.values()):
        raise DataError(f"{path} line {line} names no row: its digest and origin are empty")


def _notes(shown: str, counts: Mapping[str, int], source: str) -> tuple[str, ...]:
    notes = [
        f"{counts['dropped']:,} training and validation rows are left out, as {shown} lists them"
    ]
    if kept := counts["kept_test_rows"]:
        notes.append(
            f"{kept:,} listed rows are test rows and stay: without its hardest rows, a test would"
            " flatter the model"
        )
    if missing := counts["not_found"]:
        notes.append(f"{missing:,} rows listed in {shown} are not in {source}")
    return tuple(notes)
