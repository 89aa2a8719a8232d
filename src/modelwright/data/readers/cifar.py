"""Reads CIFAR-10 and CIFAR-100 in the official python version: a folder of pickled batches.

The pickles are parsed by ``pickles.py`` and never executed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import SplitName, UInt8Array
from modelwright.data.readers.pickles import parse_pickle
from modelwright.data.records import Records, find_part

_SIDE = 32
_ROW = 3 * _SIDE * _SIDE
# File of the label names, key of the label names, key of a batch's labels.
_CIFAR10 = ("batches.meta", "label_names", "labels")
_CIFAR100 = ("meta", "fine_label_names", "fine_labels")


def is_cifar(folder: Path) -> bool:
    """Returns whether a folder looks like one of the two sets."""
    return bool(_batches(folder))


def read_cifar(folder: Path) -> Records:
    """Returns the batches of one folder, with their train and test split.

    Raises:
        DataError: A file is not such a batch, or would run code.
    """
    batches = _batches(folder)
    meta, names_key, labels_key = _CIFAR100 if (folder / "meta").is_file() else _CIFAR10
    order = _names(folder / meta, names_key) if (folder / meta).is_file() else None
    pixels: list[UInt8Array] = []
    labels: list[str] = []
    splits: list[SplitName | None] = []
    for path, split in batches:
        data, positions = parse_batch(path.read_bytes(), path.name, labels_key)
        pixels.append(data)
        labels += [_label(position, order, path) for position in positions]
        splits += [split] * len(positions)

    def origin(row: int) -> str:
        batch, position = find_part([len(part) for part in pixels], row)
        return f"{batches[batch][0].name} row {position + 1}"

    return Records(
        task="image",
        values=np.concatenate(pixels),
        labels=labels,
        splits=splits,
        origin=origin,
        source=str(folder),
        label_order=order,
    )


def parse_batch(content: bytes, name: str, labels_key: str) -> tuple[UInt8Array, list[int]]:
    """Returns the images, uint8 ``[n, 32, 32, 3]``, and the labels of one batch.

    Args:
        content: The bytes of the file.
        name: Name of the file, for messages.
        labels_key: Key of the labels.

    Raises:
        DataError: The file is not a batch of CIFAR, or would run code.
    """
    batch = parse_pickle(content, name)
    data, labels = batch.get("data"), batch.get(labels_key)
    if not isinstance(data, np.ndarray) or not isinstance(labels, list):
        raise DataError(
            f"{name} is not a CIFAR batch: it has the keys "
            f"{', '.join(str(key)[:30] for key in batch)[:200]}; expected data and {labels_key}"
        )
    if data.shape != (len(labels), _ROW):
        raise DataError(
            f"{name} is not a CIFAR batch: its data has the shape {data.shape} with "
            f"{len(labels)} labels; expected ({len(labels)}, {_ROW})"
        )
    # Stored as three planes of 32x32, red first.
    planes = data.reshape(-1, 3, _SIDE, _SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), labels


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


def _names(path: Path, key: str) -> tuple[str, ...]:
    names = parse_pickle(path.read_bytes(), path.name).get(key)
    if not isinstance(names, list):
        raise DataError(f"{path.name} has no list {key}; expected the official python version")
    return tuple(
        name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in names
    )


def _label(position: Any, order: tuple[str, ...] | None, path: Path) -> str:
    if not isinstance(position, int) or position < 0:
        raise DataError(f"{path.name} has a label that is not an integer; expected 0 and above")
    if order is None:
        return str(position)
    if position >= len(order):
        raise DataError(
            f"{path.name} has the label {position}; the folder names {len(order)} classes"
        )
    return order[position]
