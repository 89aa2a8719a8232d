"""From a source to checked splits: read, clean, decode, number the labels, split.

Every reader's rows go through the same steps here. It reads no file itself.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
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
from modelwright.data.digests import Digests, fingerprint
from modelwright.data.dispatch import read_sources
from modelwright.data.prepare import Prepared, prepare
from modelwright.data.splits import NONE, Sides, leaked, limit_rows, split_rows
from modelwright.data.unlabeled import load_unlabelled

_SHOWN = 3


def load_data(source: DataConfig | str | Path, *, progress: Progress | None = None) -> Dataset:
    """Read, check and split labelled pictures or texts.

    Args:
        source: A config, or only its ``source``: a path or the name of a known set.
        progress: Told about downloads and decoding.

    Raises:
        DataError: the source cannot be read, has fewer than two classes, leaves a class
            without training rows, or has rejected rows while ``strict`` is set.

    Example:
        ``load_data("reviews.csv").counts()``
    """
    config = source if isinstance(source, DataConfig) else DataConfig(source=str(source))
    records = read_sources(config, progress)
    ready = prepare(records, config, size="auto", progress=progress)
    _check_rejected(ready, config)
    names = order_labels(ready.names, records.label_order)
    labels = _positions(ready, names)
    _check_classes(ready, names, labels, config)

    sides = split_rows(ready.digests, labels, ready.given, config.val, config.test)
    used = np.full(len(sides), NONE, np.int8)
    splits: dict[SplitName, Split] = {}
    for side, name in enumerate(SPLITS):
        rows = limit_rows(ready.digests, labels, np.flatnonzero(sides == side), config.limit)
        if len(rows):
            used[rows] = side
            splits[name] = Split(ready.rows(rows), labels[rows])
    _check_train(ready.source, names, labels, used)
    data = Dataset(
        task=ready.task,
        labels=names,
        splits=splits,
        fingerprint=fingerprint(ready.digests, labels, used, names),
        source=ready.source,
        rejected=ready.rejected,
        shape=ready.shape,
        notes=(*ready.notes, *_split_notes(ready, config, used)),
    )
    if config.unlabelled:
        data = _with_unlabelled(data, config, ready.digests[sides > 0], progress)
    _release()
    return data


def load_split(
    config: DataConfig,
    *,
    labels: Sequence[str],
    shape: ImageShape | None,
    task: Task,
    progress: Progress | None = None,
) -> tuple[Split, tuple[Rejected, ...]]:
    """Every row of a source as one split, to evaluate a trained model on.

    Args:
        config: Where the rows are; its shares of splits play no part.
        labels: Those of the model, in its order.
        shape: Of the model's pictures, which the rows are resized to; None for texts.
        task: Of the model.
        progress: Told about downloads and decoding.

    Raises:
        DataError: rows of the other task, a label the model does not know, or no rows.
    """
    records = read_sources(config, progress)
    if records.task != task:
        words = {"image": "pictures", "text": "texts"}
        raise DataError(
            f"{records.source} holds {words[records.task]} and the model takes {words[task]}; "
            "give data of the model's kind"
        )
    ready = prepare(records, config, size=shape or "auto", progress=progress)
    _check_rejected(ready, config)
    unknown = [name for name in ready.names if name not in labels]
    if unknown:
        raise DataError(
            f"{ready.source} has the label '{unknown[0]}', which the model does not know."
            f"{nearest(unknown[0], labels)} It knows {_listed(labels)}"
        )
    positions = _positions(ready, labels)
    everything = np.arange(len(positions), dtype=np.int64)
    rows = limit_rows(ready.digests, positions, everything, config.limit)
    _release()
    return Split(ready.rows(rows), positions[rows]), ready.rejected


def order_labels(found: Sequence[str], known: Sequence[str] | None) -> tuple[str, ...]:
    """The order of classes: the source's own, or by number where all are, or by name."""
    if known is not None and set(found) <= set(known):
        # A class of the source without any row is left out: it could never be learned.
        return tuple(name for name in known if name in set(found))
    numbers = all(name.removeprefix("-").isdecimal() and name.isascii() for name in found)
    return tuple(sorted(found, key=(lambda name: (int(name), name)) if numbers else None))


def write_rejected(path: Path, rejected: Sequence[Rejected]) -> None:
    """Write the rows that were left out as CSV: ``origin,reason``."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["origin", "reason"])
    writer.writerows([row.origin, row.reason] for row in rejected)
    write_bytes(path, file.getvalue().encode("utf-8", "replace"))


def _with_unlabelled(
    data: Dataset, config: DataConfig, held_out: Digests, progress: Progress | None
) -> Dataset:
    found = load_unlabelled(config, held_out, progress)
    return replace(
        data,
        fingerprint=sha256(f"{data.fingerprint} {found.fingerprint}".encode()).hexdigest(),
        rejected=(*data.rejected, *found.rejected),
        notes=(*data.notes, *found.notes),
        unlabelled=found.rows,
    )


def _release() -> None:
    """Give back to the system what pyarrow keeps of tables that are gone: as much as they took."""
    pa.default_memory_pool().release_unused()


def _positions(ready: Prepared, names: Sequence[str]) -> IntArray:
    place = {name: at for at, name in enumerate(names)}
    lookup = np.array([place[name] for name in ready.names], np.int64)
    return lookup[ready.codes]


def _check_rejected(ready: Prepared, config: DataConfig) -> None:
    first = "; ".join(f"{row.origin} {row.reason}" for row in ready.rejected[:_SHOWN])
    if not len(ready.codes):
        why = f" All {len(ready.rejected)} were rejected: {first}" if first else ""
        raise DataError(f"{ready.source} has no usable rows.{why}")
    if config.strict and ready.rejected:
        raise DataError(
            f"{ready.source} has {len(ready.rejected)} rejected rows and data.strict is set: "
            f"{first}{'; ...' if len(ready.rejected) > _SHOWN else ''}"
        )


def _check_classes(
    ready: Prepared, names: Sequence[str], labels: IntArray, config: DataConfig
) -> None:
    if len(names) < 2:
        raise DataError(
            f"{ready.source} has one class, '{names[0]}'; expected at least two to tell apart"
        )
    if len(labels) <= len(names):
        raise DataError(
            f"{ready.source} has {len(labels)} rows for {len(names)} classes; expected several "
            "rows a class. Is it the right column of labels (data.label)?"
        )
    if config.limit is not None and config.limit < len(names):
        raise DataError(
            f"data.limit is {config.limit}, fewer than the {len(names)} classes of "
            f"{ready.source}; expected at least one row a class"
        )


def _check_train(
    source: str, names: Sequence[str], labels: IntArray, sides: npt.NDArray[np.int8]
) -> None:
    counts = np.bincount(labels[sides == 0], minlength=len(names))
    lacking = [name for name, count in zip(names, counts, strict=True) if count == 0]
    if lacking:
        raise DataError(
            f"{source} has no training rows of {_listed(lacking)}; add some, or take the "
            "class out of the other splits"
        )


def _split_notes(ready: Prepared, config: DataConfig, sides: Sides) -> list[str]:
    notes = []
    shares: dict[SplitName, float] = {"val": config.val, "test": config.test}
    for name, share in shares.items():
        side = SPLITS.index(name)
        if (ready.given == side).any():
            count = leaked(ready.digests, sides, name)
            if count:
                notes.append(
                    f"{count:,} rows of the {name} split have the same content as a training "
                    "row; the split is kept as it was given"
                )
        elif share > 0:
            count = int((sides == side).sum())
            made = f"{count:,} rows by their content" if count else "nothing: too few rows"
            notes.append(f"the {name} split holds {made}")
    return notes


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"'{name}'" for name in names[:10])
    return f"{shown} and {len(names) - 10} more" if len(names) > 10 else shown
