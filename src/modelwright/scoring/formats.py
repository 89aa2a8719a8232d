"""Writes scored rows as CSV, TSV, JSON Lines or Parquet.

A format turns the rows of a chunk into bytes that are appended to one file. So a stop can cut that
file at a chunk, and going on appends to it.
"""

from __future__ import annotations

import base64
import datetime
import json
import math
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as paparquet

from modelwright.core.files import move_into_place
from modelwright.scoring.chunks import as_array, is_bytes, is_text
from modelwright.scoring.json_source import parse_object

_GROUP_ROWS = 2**16
_GROUP_BYTES = 64 * 2**20
_LENGTH = struct.Struct("<Q")


class Format(ABC):
    """The output of one run."""

    def __init__(self, names: Sequence[str], added: Sequence[str]) -> None:
        """Takes the names of the input's columns and of the added ones."""
        self.names, self.added = list(names), list(added)

    def header(self) -> bytes:
        """Returns what the file begins with."""
        return b""

    @abstractmethod
    def rows(self, table: Any, added: Any) -> bytes:
        """Returns the rows of a chunk: its input columns by position, and the added ones."""

    def finish(self, part: Path, output: Path) -> None:
        """Makes the output of the file to which all rows were appended."""
        move_into_place(part, output)


class CsvFormat(Format):
    """CSV or TSV. A cell is quoted only if it must be; a missing value is an empty cell."""

    def __init__(self, names: Sequence[str], added: Sequence[str], delimiter: str) -> None:
        """Takes the names and the delimiter."""
        super().__init__(names, added)
        self._delimiter = delimiter

    def header(self) -> bytes:
        """Returns the line with the names."""
        return self._lines([pa.array([name]) for name in (*self.names, *self.added)])

    def rows(self, table: Any, added: Any) -> bytes:
        """Returns a line for each row."""
        return self._lines([as_array(column) for column in (*table.columns, *added.columns)])

    def _lines(self, columns: list[Any]) -> bytes:
        cells = [
            _as_strings(column) if _is_plain(column.type) else self._quoted(_as_strings(column))
            for column in columns
        ]
        lines = pc.binary_join_element_wise(*cells, self._delimiter)
        return _joined(pc.binary_join_element_wise(lines, "", "\n"))

    def _quoted(self, column: Any) -> Any:
        special = _rows_with(column, f'"\r\n{self._delimiter}')
        if special is None:
            return column
        doubled = pc.replace_substring(column, '"', '""')
        quoted = pc.binary_join_element_wise('"', doubled, '"', "")
        return pc.if_else(special, quoted, column)


class JsonFormat(Format):
    """JSON Lines from columns."""

    def rows(self, table: Any, added: Any) -> bytes:
        """Returns an object for each row."""
        columns = [*table.columns, *added.columns]
        names = [*self.names, *self.added]
        values = [_json_values(column) for column in columns]
        rows = (dict(zip(names, row, strict=True)) for row in zip(*values, strict=True))
        return "".join(_dump(row) + "\n" for row in rows).encode()


class SplicedJsonFormat(Format):
    """JSON Lines from JSON Lines: each line stays as it is, and the new keys are added to it."""

    def rows(self, table: Any, added: Any) -> bytes:
        """Returns each line with the added keys."""
        lines = as_array(table.column(0))
        errors = added.column(len(self.added) - 1)
        body = pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(lines, 0, -1))
        comma = pc.if_else(pc.equal(body, "{"), "", ", ")
        pieces = [body, comma]
        for at, name in enumerate(self.added[:-1]):
            pieces += [f"{', ' if at else ''}{json.dumps(name, ensure_ascii=False)}: "]
            pieces.append(_as_json(added.column(at)))
        pieces.append(f', "{self.added[-1]}": null}}\n')
        joined = pc.binary_join_element_wise(*pieces, "")
        if errors.null_count == len(errors):
            return _joined(joined)
        texts = joined.to_pylist()
        for at, fault in enumerate(errors.to_pylist()):
            if fault is not None:
                texts[at] = self._faulty(lines[at].as_py(), fault)
        return "".join(texts).encode()

    def _faulty(self, line: str, fault: str) -> str:
        keys: dict[str, Any] = {**dict.fromkeys(self.added[:-1]), self.added[-1]: fault}
        if isinstance(parse_object(line), dict):
            body = line[:-1].rstrip()
            return body + ("" if body == "{" else ", ") + _dump(keys)[1:] + "\n"
        return _dump({"line": line, **keys}) + "\n"


class ParquetFormat(Format):
    """Parquet. Rows are appended as Arrow streams, because a Parquet file cannot be appended to."""

    def __init__(self, names: Sequence[str], added: Sequence[str], schema: Any) -> None:
        """Takes the names, and the schema of the file."""
        super().__init__(names, added)
        self._schema = schema

    def rows(self, table: Any, added: Any) -> bytes:
        """Returns the rows as one Arrow stream with its length before it."""
        columns = [*table.columns, *added.columns]
        whole = pa.Table.from_arrays(columns, schema=self._schema)
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_stream(sink, self._schema, options=options) as writer:
            writer.write_table(whole)
        stream = sink.getvalue()
        content: bytes = stream.to_pybytes()
        return _LENGTH.pack(len(content)) + content

    def finish(self, part: Path, output: Path) -> None:
        """Writes the Parquet file with large row groups."""
        written = part.with_name("rows.parquet")
        with paparquet.ParquetWriter(written, self._schema) as writer:
            waiting: list[Any] = []
            for table in self._tables(part):
                waiting.append(table)
                sizes = sum(map(len, waiting)), sum(one.nbytes for one in waiting)
                if sizes[0] >= _GROUP_ROWS or sizes[1] >= _GROUP_BYTES:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting = []
            if waiting:
                writer.write_table(pa.concat_tables(waiting))
        move_into_place(written, output)
        part.unlink()

    def _tables(self, part: Path) -> Iterator[Any]:
        with part.open("rb") as file:
            while length := file.read(_LENGTH.size):
                content = file.read(_LENGTH.unpack(length)[0])
                yield pa.ipc.open_stream(content).read_all()


def _joined(strings: Any) -> bytes:
    """Returns all values of an array of strings, one after the other."""
    offsets, content = _buffers(strings)
    joined: bytes = content[offsets[0] : offsets[-1]].tobytes()
    return joined


def _rows_with(column: Any, letters: str) -> Any:
    """Returns a mask of the strings with one of some ASCII letters; None if there is none."""
    wanted = np.zeros(256, bool)
    wanted[list(letters.encode())] = True
    offsets, content = _buffers(column)
    found = offsets[0] + np.flatnonzero(wanted[content[offsets[0] : offsets[-1]]])
    if not len(found):
        return None
    mask = np.zeros(len(column), bool)
    mask[np.searchsorted(offsets, found, side="right") - 1] = True
    return pa.array(mask)


def _buffers(strings: Any) -> tuple[Any, Any]:
    """Returns the offsets ``[n + 1]`` and the bytes of an array of strings."""
    _, offsets, content = strings.buffers()
    if not len(strings):
        return np.zeros(1, np.int32), np.zeros(0, np.uint8)
    starts = np.frombuffer(offsets, np.int32)[strings.offset : strings.offset + len(strings) + 1]
    return starts, np.frombuffer(content or b"", np.uint8)


def _is_plain(kind: Any) -> bool:
    """Returns whether values of a type are written without any letter that must be quoted."""
    return bool(
        pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    )


def _as_strings(column: Any) -> Any:
    """Returns a column as strings; nested values as JSON, bytes as base64."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        column, kind = column.cast(kind.value_type), kind.value_type
    if pa.types.is_null(kind):
        return pa.array([""] * len(column), pa.string())
    if pa.types.is_nested(kind) or is_bytes(kind) or isinstance(kind, pa.BaseExtensionType):
        values = [_json_value(value) for value in column.to_pylist()]
        texts = [v if v is None or isinstance(v, str) else _dump(v) for v in values]
        column = pa.array(texts, pa.string())
    elif not pa.types.is_string(kind):
        column = column.cast(pa.string())
    return pc.fill_null(column, "")


def _as_json(column: Any) -> Any:
    """Returns an added column as JSON: labels in quotes, probabilities as they are."""
    if not pa.types.is_string(column.type):
        return column.cast(pa.string())
    encoded = column.dictionary_encode()
    texts = [json.dumps(value, ensure_ascii=False) for value in encoded.dictionary.to_pylist()]
    return pa.array(texts, pa.string()).take(encoded.indices)


def _json_values(column: Any) -> list[Any]:
    """Returns a column as values that JSON can hold. Probabilities keep their 32 bits."""
    if column.type == pa.float32():
        texts = column.cast(pa.string()).to_pylist()
        return [None if text is None else _json_value(float(text)) for text in texts]
    if is_text(column.type) or pa.types.is_integer(column.type):
        return list(column.to_pylist())
    try:
        return [_json_value(value) for value in column.to_pylist()]
    except (ValueError, OverflowError):  # times that Python cannot hold
        return list(column.cast(pa.string()).to_pylist())


def _json_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _json_value(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(one) for one in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    plain = value is None or isinstance(value, (str, int, float, bool))
    return value if plain else str(value)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
