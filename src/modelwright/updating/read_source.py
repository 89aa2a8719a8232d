"""Reads a user's rows as the model's own rows were read, with labels that it may not know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.config import DataConfig, check_table
from modelwright.core.errors import DataError
from modelwright.core.types import SPLITS, IntArray, Progress, Split
from modelwright.data.dispatch import read_sources
from modelwright.data.image_size import image_size
from modelwright.data.images import read_encoded
from modelwright.data.load import order_labels
from modelwright.data.prepare import Prepared, prepare
from modelwright.data.readers.split_column import NO_SPLITS
from modelwright.data.records import Records
from modelwright.data.splits import Sides, split_rows
from modelwright.updating.base_model import BaseModel

_KINDS = {"image": "images", "text": "texts"}
_KEPT_SIZE = "images keep the size they share"
_SAMPLE, _SHOWN = 64, 3
_OF_THE_TRAINING = ("train_folder", "val_folder", "test_folder", "skip", "unlabelled", "drop")


@dataclass(frozen=True)
class SourceRows:
    """The usable rows of one source.

    Attributes:
        prepared: the rows, cleaned, decoded and hashed.
        names: the model's labels, then those that it does not know, in their order.
        labels: positions in ``names``, ``[n]``.
        notes: decisions made while the rows were read.
    """

    prepared: Prepared
    names: tuple[str, ...]
    labels: IntArray
    notes: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """The name of the source, for messages."""
        return self.prepared.source

    def sides(self, val: float, test: float) -> Sides:
        """Returns the side of each row: the source's, or by the hash of its content."""
        return split_rows(self.prepared.digests, self.labels, self.prepared.source_sides, val, test)

    def splits(self, sides: Sides) -> Mapping[str, Split]:
        """Returns the rows of each side by the name of the split."""
        found = {}
        for side, name in enumerate(SPLITS):
            rows = np.flatnonzero(sides == side)
            found[str(name)] = Split(
                self.prepared.rows(rows), self.labels[rows], self.prepared.digests[rows]
            )
        return found


def read_source(
    base: BaseModel, source: str, settings: Mapping[str, Any], progress: Progress | None = None
) -> SourceRows:
    """Returns all usable rows of a source.

    Args:
        base: the model, whose settings say how rows are read.
        source: a path, or the name of a set.
        settings: keys of ``[data]`` that differ from the model's.
        progress: called during downloads and decoding.

    Raises:
        ConfigError: a setting cannot be used.
        DataError: the source cannot be read, has no usable rows, or rows of another kind or shape.
    """
    config = reading_config(base, source, settings)
    records = read_sources(config, progress)
    if records.task != base.task:
        raise DataError(
            f"{records.source} holds {_KINDS[records.task]}, and {base.path} classifies"
            f" {_KINDS[base.task]}; give data of the model's kind."
        )
    _check_shape(base, records, config)
    prepared = prepare(
        records, config, size=base.shape or "auto", known=base.labels, progress=progress
    )
    first = "; ".join(f"{row.origin} {row.reason}" for row in prepared.rejected[:3])
    if not len(prepared.codes):
        raise DataError(f"{prepared.source} has no usable rows. {first}")
    if config.strict and prepared.rejected:
        raise DataError(
            f"{prepared.source} has {len(prepared.rejected)} rejected rows and data.strict is set:"
            f" {first}."
        )
    unknown = [name for name in prepared.names if name not in base.labels]
    names = (*base.labels, *order_labels(unknown, records.label_order))
    positions = {name: position for position, name in enumerate(names)}
    lookup = np.array([positions[name] for name in prepared.names], np.int64)
    notes = (*prepared.notes, *_size_notes(base, records))
    return SourceRows(prepared, names, lookup[prepared.codes], notes)


def reading_config(base: BaseModel, source: str, settings: Mapping[str, Any]) -> DataConfig:
    """Returns how a source is read: as the rows of the first training were."""
    known = base.reading
    changes: dict[str, Any] = {
        "source": source,
        "limit": None,
        "split": NO_SPLITS if known.split == NO_SPLITS else None,
        **{key: [] for key in _OF_THE_TRAINING},
    }
    return check_table(DataConfig, {**known.model_dump(), **changes, **settings}, "data")


def _size_notes(base: BaseModel, records: Records) -> list[str]:
    """Returns a note if image files have another size than those that the training kept."""
    kept = any(_KEPT_SIZE in note for note in base.data.get("notes", ()))
    if base.shape is None or not kept or isinstance(records.values, np.ndarray):
        return []
    headers = [read_encoded(one) for one in records.values[:_SAMPLE]]
    sizes = {size for one in headers if (size := image_size(one)) is not None}
    height, width, _ = base.shape
    if not sizes or sizes == {(width, height)}:
        return []
    shown = ", ".join(f"{one}x{other}" for one, other in sorted(sizes)[:_SHOWN])
    return [
        f"warning: the new images have other sizes ({shown}) than those of the training,"
        f" {width}x{height}, to which they are resized"
    ]


def _check_shape(base: BaseModel, records: Records, config: DataConfig) -> None:
    """Refuses arrays of another shape, unless the training resized its images as well.

    Image files have any size, in training and in serving; arrays have one on purpose.
    """
    if base.shape is None or not isinstance(records.values, np.ndarray):
        return
    shape = tuple(int(side) for side in records.values.shape[1:])
    if shape == base.shape or (config.image_size != "auto" and shape[2] == base.shape[2]):
        return
    shown = "x".join(map(str, shape))
    raise DataError(
        f"{records.source} holds images of {shown}, and {base.path} classifies images of"
        f" {'x'.join(map(str, base.shape))} (height, width, channels); give images of that shape."
    )
