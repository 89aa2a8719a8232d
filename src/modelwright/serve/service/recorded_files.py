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


class RecordedRows(NamedTuple):
    """Some rows of one request."""

    task: Task
    version: int
    labels: tuple[str, ...]
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
    groups = groupby(recorded, key=lambda one: (one.task, one.version, one.labels))
    return pa.concat_tables([_group_table(model, *key, list(group)) for key, group in groups])


def _group_table(
    model: str,
    task: Task,
    version: int,
    labels: tuple[str, ...],
    recorded: Sequence[RecordedRows],
) -> Any:
    """Returns the rows of one version."""
    name, kind = _VALUES[task]
    values = pa.array([value for one in recorded for value in one.values], pa.binary())
    probabilities = np.concatenate([one.probabilities for one in recorded]).astype(np.float32)
    count, classes = probabilities.shape
    names = pa.array(labels, pa.string())
    lengths = [len(one.values) for one in recorded]
    times = np.repeat([one.nanoseconds // 1_000 for one in recorded], lengths)
    each = pa.MapArray.from_arrays(
        pa.array(np.arange(count + 1, dtype=np.int32) * classes),
        names.take(pa.array(np.tile(np.arange(classes), count))),
        pa.array(probabilities.reshape(-1)),
    )
    columns = {
        name: values.cast(kind),
        "label": pa.nulls(count, pa.string()),
        "predicted": names.take(pa.array(probabilities.argmax(axis=1))),
        "confidence": pa.array(probabilities.max(axis=1)),
        "probabilities": each,
        "model": pa.array([model] * count, pa.string()),
        "version": pa.array(np.full(count, version, np.int64)),
        "time": pa.array(times, pa.int64()).cast(pa.timestamp("us", "UTC")),
    }
    return pa.table(columns)
