"""Makes rows usable: rejects bad ones, decodes images, hashes the content.

It decides nothing about classes or splits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.types import (
    SPLITS,
    ImageShape,
    IntArray,
    Progress,
    Rejected,
    Rows,
    SplitName,
    Task,
    UInt8Array,
)
from modelwright.data import clean, images
from modelwright.data.decoding import AUTO_SHARED, Size, decode_all
from modelwright.data.digests import Digests, hash_images, hash_texts
from modelwright.data.label_names import name_labels
from modelwright.data.records import Records, as_strings
from modelwright.data.rows import ImageArray, ImageFiles, Texts
from modelwright.data.splits import NO_SPLIT, Sides
from modelwright.data.unused_settings import unused_settings

FILE_CHANNELS = 3
"""Image files are read as RGB, in any format."""


@dataclass(frozen=True)
class Prepared:
    """Usable rows, ``n`` of them.

    Attributes:
        task: The kind of rows.
        rows: Maps positions, int64, to their inputs.
        names: Labels in the order in which they first appear.
        codes: Positions in ``names``, ``[n]``.
        source_sides: Sides that the source gives, ``[n]``.
        digests: Content hashes, ``[n, 2]``.
        positions: Position of each row among the records, ``[n]``.
        rejected: Rows that any step left out.
        shape: Shape of every image; None for texts.
        notes: Decisions, for messages.
        source: Name of the source, for messages.
    """

    task: Task
    rows: Callable[[IntArray], Rows]
    names: tuple[str, ...]
    codes: IntArray
    source_sides: Sides
    digests: Digests
    positions: IntArray
    rejected: tuple[Rejected, ...]
    shape: ImageShape | None
    notes: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class _Inputs:
    rows: Callable[[IntArray], Rows]
    digests: Digests
    readable: IntArray
    shape: ImageShape | None = None
    rejected: tuple[Rejected, ...] = ()
    notes: tuple[str, ...] = ()


def prepare(
    records: Records,
    config: DataConfig,
    *,
    size: ImageShape | Literal["auto"],
    known: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Prepared:
    """Cleans, decodes and hashes rows.

    Args:
        records: Rows from a reader.
        config: Limits, and the size of images.
        size: Shape of the images afterward; auto for the size in ``config.image_size``.
        known: Labels of a trained model; see ``name_labels``.
        progress: Called during decoding.

    Raises:
        DataError: The channels of an array of images cannot be converted to those of ``size``.
    """
    named = name_labels(clean.trim_labels(as_strings(records.labels)), config, known)
    labels = named.labels
    problems = clean.bad_labels(labels)
    texts = as_strings(records.values) if records.task == "text" else None
    if texts is not None:
        problems += clean.bad_texts(texts, config.max_characters)
    mask, rejected = clean.reject_rows(problems, records.origin, len(labels))
    usable = np.flatnonzero(mask)
    if texts is None:
        inputs = _images(records, usable, size, config, progress)
    else:
        inputs = _texts(texts, usable, records.origin, config)
    readable = usable[inputs.readable]
    encoded = labels.take(pa.array(readable)).dictionary_encode()
    lost = _lost_classes(labels, encoded.dictionary) if len(readable) < len(labels) else []
    return Prepared(
        task=records.task,
        rows=inputs.rows,
        names=tuple(encoded.dictionary.to_pylist()),
        codes=encoded.indices.to_numpy().astype(np.int64),
        source_sides=_sides(records.splits, len(labels))[readable],
        digests=inputs.digests,
        positions=readable,
        rejected=_ordered((*records.rejected, *rejected, *inputs.rejected)),
        shape=inputs.shape,
        notes=(*records.notes, *named.notes, *inputs.notes, *lost),
        source=records.source,
    )


def _lost_classes(labels: Any, used: Any) -> list[str]:
    """Returns a note about labels of which every row was rejected."""
    names = [str(name) for name in labels.drop_null().unique().to_pylist() if name]
    known = set(used.to_pylist())
    lost = sorted(name for name in names if name not in known)
    if not lost:
        return []
    shown = ", ".join(f"'{name[:40]}'" for name in lost[:5])
    more = f" and {len(lost) - 5} more" if len(lost) > 5 else ""
    return [f"every row of {shown}{more} was rejected, so the model does not learn it"]


def _texts(
    texts: Any, usable: IntArray, origin: Callable[[int], str], config: DataConfig
) -> _Inputs:
    if len(usable) < len(texts):
        texts = texts.take(pa.array(usable))

    def rows(positions: IntArray) -> Rows:
        return Texts(positions, _through(origin, usable), texts)

    notes = tuple(unused_settings(config, "texts"))
    return _Inputs(rows, hash_texts(texts), np.arange(len(usable)), notes=notes)


def _images(
    records: Records,
    usable: IntArray,
    size: ImageShape | Literal["auto"],
    config: DataConfig,
    progress: Progress | None,
) -> _Inputs:
    if isinstance(records.values, np.ndarray):
        inputs = _arrays(records.values, records.origin, usable, size, config)
    else:
        inputs = _files(records, usable, size, config, progress)
    return replace(inputs, notes=(*unused_settings(config, "images"), *inputs.notes))


def _arrays(
    pixels: UInt8Array,
    origin: Callable[[int], str],
    usable: IntArray,
    size: ImageShape | Literal["auto"],
    config: DataConfig,
) -> _Inputs:
    pixels = pixels if len(usable) == len(pixels) else pixels[usable]
    digests = hash_images(pixels)
    target = _target(size, config)
    notes: tuple[str, ...] = ()
    if isinstance(target, int) and max(pixels.shape[1:3]) > AUTO_SHARED:
        target = (target, target)
        notes = (_resized(target, f"all are {pixels.shape[2]}x{pixels.shape[1]}"),)
    if not isinstance(size, str):
        pixels = images.convert_channels(pixels, size[2])
    if not isinstance(target, int) and pixels.shape[1:3] != target and len(pixels):
        pixels = np.stack([images.resize_image(image, target) for image in pixels])
    final = pixels

    def rows(positions: IntArray) -> Rows:
        return ImageArray(positions, _through(origin, usable), final)

    height, width, channels = pixels.shape[1:]
    return _Inputs(rows, digests, np.arange(len(usable)), (height, width, channels), (), notes)


def _files(
    records: Records,
    usable: IntArray,
    size: ImageShape | Literal["auto"],
    config: DataConfig,
    progress: Progress | None,
) -> _Inputs:
    encoded = [records.values[position] for position in usable]
    target = _target(size, config)
    channels = FILE_CHANNELS if isinstance(size, str) else size[2]
    decoded = decode_all(
        encoded,
        _through(records.origin, usable),
        size=target,
        channels=channels,
        memory_mib=config.memory_mib,
        orient=config.orientation,
        progress=progress,
    )
    shape: ImageShape = (*decoded.size, channels)
    origin = _through(records.origin, usable[decoded.readable])
    files = [encoded[position] for position in decoded.readable]
    notes = [*decoded.notes]
    if isinstance(target, int) and len(files):
        if decoded.shared:
            notes.append(f"images keep the size they share, {decoded.size[1]}x{decoded.size[0]}")
        else:
            why = f"they have several sizes, or one above {AUTO_SHARED}"
            notes.append(_resized(decoded.size, why))
    if decoded.pixels is None:
        notes.append(
            f"the images take more than data.memory_mib = {config.memory_mib} MiB and are "
            "read from their files as they are needed"
        )

    def rows(positions: IntArray) -> Rows:
        if decoded.pixels is None:
            return ImageFiles(positions, origin, files, shape, config.orientation)
        return ImageArray(positions, origin, decoded.pixels, files)

    return _Inputs(rows, decoded.digests, decoded.readable, shape, decoded.rejected, tuple(notes))


def _target(size: ImageShape | Literal["auto"], config: DataConfig) -> Size | int:
    """Returns the size of the images, or the side where they share no size."""
    if not isinstance(size, str):
        return size[:2]
    return (
        config.auto_side if config.image_size == "auto" else (config.image_size, config.image_size)
    )


def _resized(size: Size, why: str) -> str:
    return f"images are resized to {size[1]}x{size[0]} ({why}); data.image_size sets another side"


def _through(origin: Callable[[int], str], positions: IntArray) -> Callable[[int], str]:
    return lambda row: origin(int(positions[row]))


def _ordered(rejected: Sequence[Rejected]) -> tuple[Rejected, ...]:
    """Sorts rows by where they came from, row 9 before row 10."""

    def sort_key(row: Rejected) -> list[tuple[int, str]]:
        parts = re.split(r"(\d+)", row.origin)
        return [(int(part), "") if part.isdecimal() else (0, part) for part in parts]

    return tuple(sorted(rejected, key=sort_key))


def _sides(splits: Sequence[SplitName | None] | None, total: int) -> Sides:
    if splits is None:
        return np.full(total, NO_SPLIT, np.int8)
    sides: dict[SplitName | None, int] = {name: side for side, name in enumerate(SPLITS)}
    return np.fromiter((sides.get(split, NO_SPLIT) for split in splits), np.int8, total)
