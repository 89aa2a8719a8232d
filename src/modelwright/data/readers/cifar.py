"""CIFAR-10 and CIFAR-100 in their official python version: a folder of pickled batches.

The pickles are taken apart by ``pickles.py`` and never executed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import SplitName, UInt8Array
from modelwright.data.readers.pickles import parse_pickle
from modelwright.data.records import Records

_SIDE = 32
_ROW = 3 * _SIDE * _SIDE
# (file of label names, key of label names, key of a batch's labels)
_CIFAR10 = ("batches.meta", "label_names", "labels")
_CIFAR100 = ("meta", "fine_label_names", "fine_labels")


def is_cifar(folder: Path) -> bool:
    """Whether a folder looks like one of the two sets."""
    return bool(_batches(folder))


def read_cifar(folder: Path) -> Records:
    """The batches of one folder, train and test kept apart.

    Raises:
        DataError: a file is no such batch, or asks for code to be run.
    """
    batches = _batches(folder)
    meta, names_key, labels_key = _CIFAR100 if (folder / "meta").is_file() else _CIFAR10
    order = _names(folder / meta, names_key) if (folder / meta).is_file() else None
    pixels: list[UInt8Array] = []
    labels: list[str] = []
    splits: list[SplitName | None] = []
    starts: list[int] = []
    for path, split in batches:
        data, positions = _batch(path, labels_key)
        starts.append(len(labels))
        pixels.append(data)
        labels += [_label(position, order, path) for position in positions]
        splits += [split] * len(positions)

    def origin(row: int) -> str:
        at = int(np.searchsorted(starts, row, side="right")) - 1
        return f"{batches[at][0].name} row {row - starts[at] + 1}"

    return Records(
        task="image",
        values=np.concatenate(pixels),
        labels=labels,
        splits=splits,
        origin=origin,
        source=str(folder),
        label_order=order,
    )


def _batches(folder: Path) -> list[tuple[Path, SplitName]]:
    train = sorted(folder.glob("data_batch_*"))
    found: list[tuple[Path, SplitName]] = [(path, "train") for path in train if path.is_file()]
    if (folder / "test_batch").is_file():
        found.append((folder / "test_batch", "test"))
    if not found and all((folder / name).is_file() for name in ("meta", "train")):
        found.append((folder / "train", "train"))
        if (folder / "test").is_file():
            found.append((folder / "test", "test"))
    return found


def _batch(path: Path, labels_key: str) -> tuple[UInt8Array, list[int]]:
    batch = parse_pickle(path.read_bytes(), path.name)
    data, labels = batch.get("data"), batch.get(labels_key)
    if not isinstance(data, np.ndarray) or not isinstance(labels, list):
        raise DataError(
            f"{path.name} is not a CIFAR batch: it has the keys "
            f"{', '.join(str(key)[:30] for key in batch)[:200]}; expected data and {labels_key}"
        )
    if data.shape != (len(labels), _ROW):
        raise DataError(
            f"{path.name} is not a CIFAR batch: its data has the shape {data.shape} with "
            f"{len(labels)} labels; expected ({len(labels)}, {_ROW})"
        )
    # Stored as three planes of 32x32, red first.
    planes = data.reshape(-1, 3, _SIDE, _SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


def _names(path: Path, key: str) -> tuple[str, ...]:
    names = parse_pickle(path.read_bytes(), path.name).get(key)
    if not isinstance(names, list):
        raise DataError(f"{path.name} has no list {key}; expected the official python version")
    return tuple(
        name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names
    )


def _label(position: Any, order: tuple[str, ...] | None, path: Path) -> str:
    if not isinstance(position, int) or position < 0:
        raise DataError(f"{path.name} has a label that is no whole number; expected 0 and above")
    if order is None:
        return str(position)
    if position >= len(order):
        raise DataError(
            f"{path.name} has the label {position}; the folder names {len(order)} classes"
        )
    return order[position]
