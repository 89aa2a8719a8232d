"""Rows with labels, held in memory or in a Parquet file: what an update keeps, learns and measures.

A text is stored as it was given, an image as a PNG of the pixels that the network reads. Which
rows to keep is not decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modelwright.core.errors import DataError
from modelwright.core.types import FloatArray, ImageShape, IntArray, Rows, Split, Task
from modelwright.data.digests import Digests
from modelwright.data.images import decode_image, encode_png
from modelwright.data.rows import ImageArray, ImageFiles, Texts
from modelwright.data.splits import TEST, TRAIN, VAL, Sides

ROLES = {TRAIN: "exemplar", VAL: "val", TEST: "test"}
"""What a stored row is for, by its side: an example that trains, or a held-out row."""
_SIDES = {role: side for side, role in ROLES.items()}
_DECODED_BYTES = 2**29
"""Decoded images that take more are decoded when they are needed."""
_BATCH = 1024


@dataclass(frozen=True)
class StoredRows:
    """Rows of one task, ``n`` of them.

    Attributes:
        task: the kind of rows.
        contents: a pyarrow array: large_string, or large_binary with PNG files.
        labels: class of each row, int64 ``[n]``.
        sides: ``TRAIN``, ``VAL`` or ``TEST`` of each row, ``[n]``.
        versions: the version of the model that brought each row, int64 ``[n]``.
        digests: content hashes, ``[n, 2]``.
        outputs: probabilities right after a row was learned, float32 ``[n, classes]``; NaN for
            classes that came later, and where nobody kept them.
    """

    task: Task
    contents: Any
    labels: IntArray
    sides: Sides
    versions: IntArray
    digests: Digests
    outputs: FloatArray

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def nbytes(self) -> int:
        """Bytes of the contents."""
        return int(pc.sum(pc.binary_length(self.contents)).as_py() or 0)

    def take(self, positions: IntArray) -> StoredRows:
        """Returns the rows at ``positions``."""
        return StoredRows(
            self.task,
            self.contents.take(pa.array(positions)),
            self.labels[positions],
            self.sides[positions],
            self.versions[positions],
            self.digests[positions],
            self.outputs[positions],
        )

    def of_side(self, side: int) -> StoredRows:
        """Returns the rows of one side."""
        return self.take(np.flatnonzero(self.sides == side))

    def with_outputs(self, outputs: FloatArray) -> StoredRows:
        """Returns the rows with other recorded probabilities."""
        return replace(self, outputs=np.asarray(outputs, np.float32))

    def rows(self, shape: ImageShape | None) -> Rows:
        """Returns the inputs. ``shape`` is that of the images; None for texts."""
        positions = np.arange(len(self), dtype=np.int64)
        if shape is None:
            return Texts(positions, self._origin, self.contents)
        encoded = self.contents.to_pylist()
        if len(self) * int(np.prod(shape)) > _DECODED_BYTES:
            return ImageFiles(positions, self._origin, encoded, shape, orient=False)
        pixels = np.empty((len(self), *shape), np.uint8)
        for row, data in enumerate(encoded):
            found = decode_image(data, channels=shape[2], orient=False)
            if found.shape != shape:
                raise DataError(f"row {row} is an image of {found.shape}; expected {shape}")
            pixels[row] = found
        return ImageArray(positions, self._origin, pixels)

    def _origin(self, row: int) -> str:
        return f"row {row + 1} of version {int(self.versions[row])}"


def store_split(
    task: Task, split: Split, positions: IntArray, side: int, version: int
) -> StoredRows:
    """Returns rows of a split that was read from data.

    Args:
        task: the kind of rows.
        split: the rows, with digests.
        positions: which of them.
        side: the side that they get.
        version: the version of the model that brings them.
    """
    if split.digests is None:
        raise ValueError("rows that were not read from data have no digests")
    count = len(positions)
    parts: list[Any] = []
    for start in range(0, count, _BATCH):
        taken = split.inputs.take(positions[start : start + _BATCH])
        parts += taken if task == "text" else [encode_png(one) for one in taken]
    return StoredRows(
        task,
        pa.array(parts, kind_of_content(task)),
        split.labels[positions],
        np.full(count, side, np.int8),
        np.full(count, version, np.int64),
        split.digests[positions],
        np.full((count, 1), np.nan, np.float32),
    )


def join_rows(parts: Sequence[StoredRows]) -> StoredRows:
    """Returns several stores of one task as one, in their order."""
    width = max(part.outputs.shape[1] for part in parts)
    return StoredRows(
        parts[0].task,
        pa.concat_arrays([part.contents for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.sides for part in parts]),
        np.concatenate([part.versions for part in parts]),
        np.concatenate([part.digests for part in parts]),
        np.concatenate([_widened(part.outputs, width) for part in parts]),
    )


def to_table(rows: StoredRows, labels: Sequence[str]) -> Any:
    """Returns a pyarrow table of rows, with the names of their labels."""
    known = np.isfinite(rows.outputs)
    outputs = [
        values[given].tolist() if given.any() else None
        for values, given in zip(rows.outputs, known, strict=True)
    ]
    return pa.table(
        {
            "content": rows.contents,
            "label": pa.array(labels).take(pa.array(rows.labels)),
            "role": pa.array([ROLES[int(side)] for side in rows.sides]),
            "version": pa.array(rows.versions),
            "digest": pa.array(
                [row.astype(">u8").tobytes() for row in rows.digests], pa.binary(16)
            ),
            "outputs": pa.array(outputs, pa.list_(pa.float32())),
        }
    )


def from_table(table: Any, labels: Sequence[str], task: Task) -> StoredRows:
    """Returns the rows of a table that ``to_table`` wrote.

    Raises:
        KeyError: a label or a role is unknown, or a column is missing.
        ValueError: a column has another type.
    """
    positions = {name: position for position, name in enumerate(labels)}
    column = {name: table.column(name).combine_chunks() for name in table.column_names}
    listed = column["outputs"].to_pylist()
    width = max((len(one) for one in listed if one is not None), default=1)
    outputs = np.full((len(listed), width), np.nan, np.float32)
    for row, one in enumerate(listed):
        if one is not None:
            outputs[row, : len(one)] = one
    packed = b"".join(column["digest"].to_pylist())
    return StoredRows(
        task,
        column["content"].cast(kind_of_content(task)),
        np.array([positions[name] for name in column["label"].to_pylist()], np.int64),
        np.array([_SIDES[role] for role in column["role"].to_pylist()], np.int8),
        np.asarray(column["version"].to_numpy(), np.int64),
        np.frombuffer(packed, ">u8").astype(np.uint64).reshape(-1, 2),
        outputs,
    )


def kind_of_content(task: Task) -> Any:
    """Returns the pyarrow type of the contents."""
    return pa.large_string() if task == "text" else pa.large_binary()


def seen_among(digests: Digests, others: npt.NDArray[np.uint64]) -> npt.NDArray[np.bool_]:
    """Returns whether the content of each row is among others, given by their first numbers."""
    return np.isin(digests[:, 0], others)


def _widened(outputs: FloatArray, width: int) -> FloatArray:
    """Returns probabilities with more columns, without values."""
    more = np.full((len(outputs), width - outputs.shape[1]), np.nan, np.float32)
    return np.concatenate([outputs, more], axis=1)
