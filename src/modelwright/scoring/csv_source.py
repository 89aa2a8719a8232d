"""Reads a CSV or TSV file of any size in chunks. Every cell is a string and stays one."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from modelwright.core.errors import DataError
from modelwright.data.readers.columns import has_usual_name
from modelwright.data.readers.csv_layout import (
    CsvLayout,
    data_in_header,
    delimiter_name,
    guess_delimiter,
    split_rows,
    without_separator_line,
)
from modelwright.scoring import csv_records
from modelwright.scoring.chunks import FAULT, as_array, regroup
from modelwright.scoring.text_stream import MARK, MARK_BYTES, TextStream

_HEADER = 2**16
_ROWS_LOOKED_AT = 100
NOT_DECODED = "has bytes that are not in the file's encoding"


class CsvSource:
    """The rows of one file. The header is row 1."""

    first_row = 2

    def __init__(self, path: Path, encoding: str) -> None:
        """Reads the header.

        Raises:
            DataError: The file is empty, has no header, or is in another encoding.
        """
        self._path, self._encoding = path, encoding
        start = b"".join(_take(TextStream(path, encoding).blocks(), _HEADER))
        content = start.lstrip(b"\r\n")
        if not content.strip():
            raise DataError(f"{path.name} is empty; expected a header and rows")
        tabs = Path(path.name.lower().removesuffix(".gz")).suffix in (".tsv", ".tab")
        content, written = without_separator_line(content)
        usual = "\t" if tabs else ","
        delimiter = written or guess_delimiter(content, usual)
        self._delimiter = delimiter.encode()
        self._header_end = len(start) - len(content)
        self._header_end += csv_records.first_row_end(content, self._delimiter)
        self.names, self.data_in_header = self._read_header(content, delimiter)
        """The columns, and why the row with their names looks like data, if it does."""
        self.notes = []
        if delimiter != usual:
            self.notes.append(f"the columns are separated by {delimiter_name(delimiter)}")
        self._wide = len(self.names) > 1
        self.schema = pa.schema([(str(at), pa.string()) for at in range(len(self.names))])
        self.literal_quotes = 0
        """Rows of a tab-separated file in which a quote was read as a character."""
        self.blank_at_end = 0
        """Blank lines at the end of the file. They are not rows."""

    def _read_header(self, start: bytes, delimiter: str) -> tuple[list[str], str]:
        try:
            rows = split_rows(start, CsvLayout(start, delimiter, quoted=True), _ROWS_LOOKED_AT)
        except csv.Error as error:
            raise DataError(f"{self._path.name} has no header that can be read ({error})") from None
        return rows[0], "" if has_usual_name(rows[0]) else data_in_header(rows)

    def tables(self, rows: int) -> Iterator[tuple[Any, float]]:
        """Yields tables of ``rows`` rows, and the part of the file that has been read.

        A table's columns are named by position, because a header may have a name twice; the last
        one is ``FAULT``.
        """
        stream = TextStream(self._path, self._encoding)
        self.literal_quotes = self.blank_at_end = 0
        for table in regroup(self._parsed(stream), rows):
            yield table, stream.fraction

    def _parsed(self, stream: TextStream) -> Iterator[Any]:
        rest, skip = b"", self._header_end
        for block in stream.blocks():
            data = rest + block[skip:]
            skip = max(skip - len(block), 0)
            table, used = self._parse(data, last=False)
            rest = data[used:]
            if table is not None:
                yield table
        if self._wide:
            kept = rest.rstrip(b"\r\n")
            ends = rest[len(kept) :].count(b"\n")
            self.blank_at_end, rest = max(ends - bool(kept), 0), kept
        while rest:
            data = rest if rest.endswith(b"\n") else rest + b"\n"
            table, used = self._parse(data, last=True)
            rest = data[used:]
            if table is not None:
                yield table

    def _parse(self, data: bytes, *, last: bool) -> tuple[Any, int]:
        """Returns the complete rows of a block as a table, and how many bytes they take."""
        end = csv_records.well_formed_end(data, self._delimiter)
        if end and not last:
            # Blank lines stay for the next block, because at the end of a file they are no rows.
            end = self._without_blank_end(data, end)
        if end:
            table = self._parse_fast(data[:end])
            if table is not None:
                return table, end
        elif not last and data.endswith((b"\n", b"\r")):
            end = self._without_blank_end(data, len(data))
            if not end:
                return None, 0
        walked = csv_records.walk(data[: end or None], self._delimiter, len(self.names), last=last)
        self.literal_quotes += walked.literal
        if not walked.rows:
            return None, walked.end
        columns = [
            pa.array([cell.decode() for cell in column], pa.string())
            for column in zip(*walked.rows, strict=True)
        ]
        faults = pa.array(walked.faults, pa.string())
        return self._marked(columns, faults, data), walked.end

    def _without_blank_end(self, data: bytes, end: int) -> int:
        if not self._wide:
            return end
        kept = len(data[:end].rstrip(b"\r\n"))
        line = data[kept:end]
        return kept + (2 if line.startswith(b"\r\n") else min(len(line), 1)) if kept else 0

    def _parse_fast(self, data: bytes) -> Any:
        """Returns a table, or None if a row has another number of cells."""
        odd: list[Any] = []

        def skip(row: Any) -> str:
            odd.append(row)
            return "skip"

        try:
            table = pacsv.read_csv(
                pa.BufferReader(data),
                read_options=pacsv.ReadOptions(
                    column_names=self.schema.names, block_size=len(data) + 1, use_threads=False
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=chr(self._delimiter[0]),
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=skip,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types=self.schema, strings_can_be_null=False, check_utf8=False
                ),
            )
        except pa.ArrowInvalid:
            return None
        if odd:
            return None
        columns = [as_array(column) for column in table.columns]
        return self._marked(columns, pa.nulls(len(table), pa.string()), data)

    def _marked(self, columns: list[Any], faults: Any, data: bytes) -> Any:
        """Returns a table. Rows with bytes that were not decoded get a fault."""
        if MARK_BYTES in data:
            marks = [pc.match_substring(column, MARK) for column in columns]
            marked = marks[0]
            for other in marks[1:]:
                marked = pc.or_(marked, other)
            faults = pc.if_else(pc.and_(marked, pc.is_null(faults)), NOT_DECODED, faults)
            columns = [pc.replace_substring(column, MARK, "") for column in columns]
        return pa.table([*columns, faults], names=[*self.schema.names, FAULT])


def _take(blocks: Iterator[bytes], least: int) -> Iterator[bytes]:
    """Yields blocks until they have ``least`` bytes."""
    count = 0
    for block in blocks:
        yield block
        count += len(block)
        if count >= least:
            return
