"""Turns a source into checked splits: reads, cleans, decodes, numbers the labels, splits.

The rows of every reader go through the same steps here. No file is read here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.files import write_bytes
from modelwright.core.nearest import nearest
from modelwright.core.types import (
    SPLITS,
    Dataset,
    ImageShape,
    IntArray,
    Progress,
    Rejected,
    Split,
    SplitName,
    Task,
)
from modelwright.data.digests import Digests, fingerprint_rows
from modelwright.data.dispatch import read_sources
from modelwright.data.dropped_rows import drop_rows
from modelwright.data.kept_data import load_once
from modelwright.data.label_checks import check_labels
from modelwright.data.label_names import fold_label
from modelwright.data.prepare import Prepared, prepare
from modelwright.data.readers.split_column import NO_SPLITS
from modelwright.data.records import Records
from modelwright.data.splits import NO_SPLIT, Sides, count_leaked, limit_rows, split_rows
from modelwright.data.unlabeled import load_unlabeled

_SHOWN = 3


@dataclass(frozen=True)
class LoadedRows:
    """Rows to measure a trained model on.

    Attributes:
        split: The rows, with the model's labels.
        rejected: The rejected rows.
        notes: Decisions made while the rows were read.
    """

    split: Split
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class LoadedRecords:
    """Checked and split rows.

    Attributes:
        data: The rows.
        positions: Position of each row of a split among the records, ``[n]``.
    """

    data: Dataset
    positions: Mapping[SplitName, IntArray]


def load_data(source: DataConfig | str | Path, *, progress: Progress | None = None) -> Dataset:
    """Reads, checks and splits labeled images or texts.

    In ``core.kept.kept_between_trainings``, unchanged files are not read again.

    Args:
        source: A config, or only its ``source``: a path or the name of a named set.
        progress: Called during downloads and decoding.

    Raises:
        DataError: The source cannot be read, has fewer than two classes, leaves a class
            without training rows, or has rejected rows while ``strict`` is set.

    Example:
        ``load_data("reviews.csv").counts()``
    """
    config = source if isinstance(source, DataConfig) else DataConfig(source=str(source))
    return load_once(
        config, lambda: load_records(read_sources(config, progress), config, progress).data
    )


def load_records(
    records: Records, config: DataConfig, progress: Progress | None = None
) -> LoadedRecords:
    """Checks and splits rows that a reader returned, as ``load_data`` does.

    Raises:
        DataError: As for ``load_data``.
    """
    prepared = prepare(records, config, size="auto", progress=progress)
    _check_rejected(prepared, config)
    names = order_labels(prepared.names, records.label_order)
    labels = _positions(prepared, names)
    label_notes = check_labels(names, np.bincount(labels, minlength=len(names)), prepared.source)
    _check_classes(prepared, names, labels, config)

    sides = split_rows(prepared.digests, labels, prepared.source_sides, config.val, config.test)
    dropped = drop_rows(config.drop, prepared, names, labels, sides)
    sides = dropped.sides
    used = np.full(len(sides), NO_SPLIT, np.int8)
    splits: dict[SplitName, Split] = {}
    positions: dict[SplitName, IntArray] = {}
    for side, name in enumerate(SPLITS):
        rows = limit_rows(prepared.digests, labels, np.flatnonzero(sides == side), config.limit)
        if len(rows):
            used[rows] = side
            splits[name] = Split(prepared.rows(rows), labels[rows], prepared.digests[rows])
            positions[name] = prepared.positions[rows]
    _check_train(prepared.source, names, labels, used)
    split_notes = _split_notes(prepared, config, used)
    data = Dataset(
        task=prepared.task,
        labels=names,
        splits=splits,
        fingerprint=fingerprint_rows(prepared.digests, labels, used, names),
        source=prepared.source,
        rejected=prepared.rejected,
        shape=prepared.shape,
        notes=(*prepared.notes, *label_notes, *split_notes, *dropped.notes),
        dropped=dropped.record or None,
    )
    if config.unlabelled:
        data = _add_unlabeled(data, config, prepared.digests[sides > 0], progress)
    _release()
    return LoadedRecords(data, positions)


def load_split(
    config: DataConfig,
    *,
    labels: Sequence[str],
    shape: ImageShape | None,
    task: Task,
    progress: Progress | None = None,
) -> LoadedRows:
    """Returns all rows of a source as one split, to evaluate a trained model on.

    Args:
        config: The source of the rows; its splits and their shares are ignored.
        labels: The model's labels, in its order.
        shape: Shape of the model's images, to which images are resized; None for texts.
        task: The model's task.
        progress: Called during downloads and decoding.

    Raises:
        DataError: The rows are of the other task, have a label that the model does not know, or
            none is usable.
    """
    records = read_sources(config.model_copy(update={"split": NO_SPLITS}), progress)
    if records.task != task:
        kinds = {"image": "images", "text": "texts"}
        raise DataError(
            f"{records.source} holds {kinds[records.task]} and the model takes {kinds[task]}; "
            "give data of the model's kind"
        )
    prepared = prepare(records, config, size=shape or "auto", known=labels, progress=progress)
    _check_rejected(prepared, config)
    unknown = [name for name in prepared.names if name not in labels]
    if unknown:
        raise _unknown_label(unknown[0], labels, prepared.source)
    positions = _positions(prepared, labels)
    all_rows = np.arange(len(positions), dtype=np.int64)
    rows = limit_rows(prepared.digests, positions, all_rows, config.limit)
    _release()
    split = Split(prepared.rows(rows), positions[rows], prepared.digests[rows])
    return LoadedRows(split, prepared.rejected, prepared.notes)


def order_labels(found: Sequence[str], known: Sequence[str] | None) -> tuple[str, ...]:
    """Returns the classes in the source's order, by number if all are numbers, or by name."""
    if known is not None and set(found) <= set(known):
        # A class without rows is left out: it could not be learned.
        return tuple(name for name in known if name in set(found))
    numbers = all(name.removeprefix("-").isdecimal() and name.isascii() for name in found)
    return tuple(sorted(found, key=(lambda name: (int(name), name)) if numbers else None))


def write_rejected(path: Path, rejected: Sequence[Rejected]) -> None:
    """Writes the rejected rows as CSV: ``origin,reason``."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["origin", "reason"])
    writer.writerows([row.origin, row.reason] for row in rejected)
    write_bytes(path, file.getvalue().encode("utf-8", "replace"))


def _add_unlabeled(
    data: Dataset, config: DataConfig, held_out: Digests, progress: Progress | None
) -> Dataset:
    texts = load_unlabeled(config, held_out, progress)
    return replace(
        data,
        fingerprint=sha256(f"{data.fingerprint} {texts.fingerprint}".encode()).hexdigest(),
        rejected=(*data.rejected, *texts.rejected),
        notes=(*data.notes, *texts.notes),
        unlabelled=texts.rows,
    )


def _unknown_label(name: str, labels: Sequence[str], source: str) -> DataError:
    alike = next((one for one in labels if fold_label(one) == fold_label(name)), None)
    hint = nearest(name, labels)
    if alike is not None:
        hint = (
            f" It differs from '{alike}' only in case, width, spaces or as 1 and 1.0; train with "
            'data.labels = "fold" to read both as one, or write it alike.'
        )
    return DataError(
        f"{source} has the label '{name}', which the model does not know.{hint} It knows "
        f"{_listed(labels)}"
    )


def _release() -> None:
    """Returns to the system the memory that pyarrow keeps of deleted tables, as large as they."""
    pa.default_memory_pool().release_unused()


def _positions(prepared: Prepared, names: Sequence[str]) -> IntArray:
    positions = {name: position for position, name in enumerate(names)}
    lookup = np.array([positions[name] for name in prepared.names], np.int64)
    return lookup[prepared.codes]


def _check_rejected(prepared: Prepared, config: DataConfig) -> None:
    first = "; ".join(f"{row.origin} {row.reason}" for row in prepared.rejected[:_SHOWN])
    if not len(prepared.codes):
        why = f" All {len(prepared.rejected)} were rejected: {first}" if first else ""
        raise DataError(f"{prepared.source} has no usable rows.{why}")
    if config.strict and prepared.rejected:
        raise DataError(
            f"{prepared.source} has {len(prepared.rejected)} rejected rows and data.strict is set: "
            f"{first}{'; ...' if len(prepared.rejected) > _SHOWN else ''}"
        )


def _check_classes(
    prepared: Prepared, names: Sequence[str], labels: IntArray, config: DataConfig
) -> None:
    if len(names) < 2:
        raise DataError(
            f"{prepared.source} has one class, '{names[0]}'; expected at least two to tell apart"
            f"{_rejected_hint(prepared.rejected)}"
        )
    if len(labels) <= len(names):
        raise DataError(
            f"{prepared.source} has {len(labels)} rows for {len(names)} classes; expected several "
            "rows a class. Is it the right column of labels (data.label)?"
        )
    if config.limit is not None and config.limit < len(names):
        raise DataError(
            f"data.limit is {config.limit}, fewer than the {len(names)} classes of "
            f"{prepared.source}; expected at least one row a class"
        )


def _rejected_hint(rejected: Sequence[Rejected]) -> str:
    """Returns which rows were left out, since other classes may be among them."""
    if not rejected:
        return ""
    first = f"{rejected[0].origin} {rejected[0].reason}"
    return f". Rejected rows: {len(rejected):,}, such as {first}"


def _check_train(
    source: str, names: Sequence[str], labels: IntArray, sides: npt.NDArray[np.int8]
) -> None:
    counts = np.bincount(labels[sides == 0], minlength=len(names))
    missing = [name for name, count in zip(names, counts, strict=True) if count == 0]
    if missing:
        alike = {fold_label(name): name for name, count in zip(names, counts, strict=True) if count}
        hint = "; add some, or take the class out of the other splits"
        if other := alike.get(fold_label(missing[0])):
            hint = (
                f"; '{missing[0]}' differs from '{other}' only in case, width or spaces, or as 1 "
                'and 1.0: data.labels = "fold" makes them one class'
            )
        raise DataError(f"{source} has no training rows of {_listed(missing)}{hint}")


def _split_notes(prepared: Prepared, config: DataConfig, sides: Sides) -> list[str]:
    notes = []
    shares: dict[SplitName, float] = {"val": config.val, "test": config.test}
    for name, share in shares.items():
        side = SPLITS.index(name)
        if (prepared.source_sides == side).any():
            count = count_leaked(prepared.digests, sides, name)
            if count:
                notes.append(
                    f"{count:,} rows of the {name} split have the same content as a training "
                    "row; the split is kept as it was given"
                )
        elif share > 0:
            count = int((sides == side).sum())
            content = f"{count:,} rows by their content" if count else "nothing: too few rows"
            notes.append(f"the {name} split holds {content}")
    return notes


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown
