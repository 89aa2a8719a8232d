"""The Parquet files of recorded answers: their columns, their names, and which are deleted.

``FOLDER/MODEL/20261126T163005123456Z-4711-500rows.parquet`` has the time, the process and the
number of rows in its name, so that files sort by age and their rows can be counted unopened.
Training and scoring read such a folder as one table: it has a usual column of texts or images,
and an empty column ``label`` to fill.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as paparquet

from modelwright.core.files import write_bytes
from modelwright.core.types import FloatArray, Task

_NAME = re.compile(r"\d{8}T\d{12}Z-\d+-(\d+)rows\.parquet")
_PARTIAL = re.compile(rf"\.{_NAME.pattern}\..+")
_PARTIAL_SECONDS = 3600.0
"""Age after which a partial file is that of a killed server."""
_LONGEST_NAME = 200
_VALUES: dict[Task, tuple[str, Any]] = {
    "text": ("text", pa.string()),
    "image": ("image", pa.binary()),
}
_FLOAT = pa.float32()
_OTHERS = [
    pa.field("label", pa.string()),
    pa.field("predicted", pa.string()),
    pa.field("confidence", _FLOAT),
    pa.field("probabilities", pa.list_(_FLOAT)),
    pa.field("classes", pa.list_(pa.string())),
    pa.field("model", pa.string()),
    pa.field("version", pa.int64()),
    pa.field("time", pa.timestamp("us", "UTC")),
]


class RecordedRows(NamedTuple):
    """Some rows of one request."""

    task: Task
    version: int
    labels: Sequence[str]
    """Those of the version, always the same object."""
    values: list[bytes]
    """``[n]``, texts in UTF-8 or image files."""
    probabilities: FloatArray
    """``[n, labels]``."""
    nanoseconds: int
    """Time of the answer, since 1970."""

    @property
    def size(self) -> int:
        """The bytes of the texts or images."""
        return sum(map(len, self.values))

    def cut(self, rows: int, size: int) -> tuple[RecordedRows, RecordedRows | None]:
        """Returns at most ``rows`` rows with the one that reaches ``size`` bytes, and the rest."""
        if len(self.values) == 1:
            return self, None
        end = total = 0
        while end < min(rows, len(self.values)) and total < size:
            total += len(self.values[end])
            end += 1
        if end == len(self.values):
            return self, None
        first, rest = (
            self._replace(values=self.values[part], probabilities=self.probabilities[part])
            for part in (slice(end), slice(end, None))
        )
        return first, rest


class RecordedFiles:
    """The files of one model, which all workers write to."""

    def __init__(self, folder: Path, model: str, *, rows: int, size: int, files: int) -> None:
        """Takes the folder of all models, the model's name, and the bounds on all its files."""
        self._folder = folder / folder_name(model)
        self._model = model
        self._rows, self._size, self._files = rows, size, files

    def write(self, recorded: Sequence[RecordedRows]) -> int:
        """Writes one file, and returns how many old ones were deleted to make room for it.

        Raises:
            OSError: the system refuses it.
        """
        table = _table(self._model, recorded)
        sink = pa.BufferOutputStream()
        paparquet.write_table(table, sink, compression="zstd")
        content = sink.getvalue().to_pybytes()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        deleted = self._make_room(len(table), len(content))
        moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        name = f"{moment}Z-{os.getpid()}-{len(table)}rows.parquet"
        write_bytes(self._folder / name, content)
        return deleted

    def _make_room(self, rows: int, size: int) -> int:
        """Deletes the oldest files that are too many, and what killed servers left half written."""
        found = []
        for entry in sorted(os.scandir(self._folder), key=lambda entry: entry.name):
            with suppress(FileNotFoundError):  # another worker deletes files, too
                if named := _NAME.fullmatch(entry.name):
                    found.append((entry.path, int(named[1]), entry.stat().st_size))
                elif _PARTIAL.fullmatch(entry.name) and _is_old(entry.stat().st_mtime):
                    Path(entry.path).unlink()
        rows += sum(one for _, one, _ in found)
        size += sum(one for _, _, one in found)
        files, deleted = len(found) + 1, 0
        for path, its_rows, its_size in found:
            if files <= self._files and rows <= self._rows and size <= self._size:
                break
            with suppress(FileNotFoundError):
                Path(path).unlink()
                deleted += 1
            files, rows, size = files - 1, rows - its_rows, size - its_size
        return deleted


def folder_name(model: str) -> str:
    """Returns the folder of a model's files, which never leads out of that of all models."""
    name = re.sub(r"^\.|\\", lambda found: quote(found[0], safe="").replace(".", "%2E"), model)
    if len(os.fsencode(name)) > _LONGEST_NAME:
        name = f"{name[:40]}-{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    return name


def _is_old(modified: float) -> bool:
    return time.time() - modified > _PARTIAL_SECONDS


def _table(model: str, recorded: Sequence[RecordedRows]) -> Any:
    """Returns rows as a table; the columns are the same for all versions of a model."""
    groups = groupby(recorded, key=lambda one: (one.version, id(one.labels)))
    return pa.concat_tables([_group_table(model, list(group)) for _, group in groups])


def _group_table(model: str, recorded: Sequence[RecordedRows]) -> Any:
    """Returns the rows of one version.

    Arrays are made from buffers: from lists, pyarrow would make them far slower, and load pandas.
    """
    task, version, labels = recorded[0].task, recorded[0].version, recorded[0].labels
    name, kind = _VALUES[task]
    values = [value for one in recorded for value in one.values]
    probabilities = np.concatenate([one.probabilities for one in recorded]).astype(np.float32)
    count, classes = probabilities.shape
    names = _strings([label.encode() for label in labels])
    times = [one.nanoseconds // 1_000 for one in recorded]
    lengths = [len(one.values) for one in recorded]
    ends = _numbers(np.arange(count + 1, dtype=np.int32) * classes, pa.int32())
    best = probabilities.argmax(axis=1)
    arrays = [
        _strings(values, kind),
        pa.nulls(count, pa.string()),
        names.take(_numbers(best, pa.int64())),
        _numbers(probabilities.max(axis=1), _FLOAT),
        pa.ListArray.from_arrays(ends, _numbers(probabilities.reshape(-1), _FLOAT)),
        pa.ListArray.from_arrays(
            ends, names.take(_numbers(np.tile(np.arange(classes), count), pa.int64()))
        ),
        _strings([model.encode()] * count),
        _numbers(np.full(count, version), pa.int64()),
        _numbers(np.repeat(times, lengths), pa.timestamp("us", "UTC")),
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema([pa.field(name, kind), *_OTHERS]))


def _strings(values: Sequence[bytes], kind: Any = None) -> Any:
    """Returns an array of strings in UTF-8, or of bytes."""
    ends = np.zeros(len(values) + 1, np.int32)
    np.cumsum([len(value) for value in values], out=ends[1:])
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(values))]
    return pa.Array.from_buffers(kind or pa.string(), len(values), buffers)


def _numbers(values: npt.NDArray[Any], kind: Any) -> Any:
    """Returns an array of numbers; ``values`` have the size of ``kind``."""
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
