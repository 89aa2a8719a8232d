"""Reads images in a ``.npz`` file: the layout of keras.datasets, or one pair of arrays.

Object arrays, which are pickles, are rejected. Nothing is scaled or converted by a guess.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import SplitName, UInt8Array
from modelwright.data.records import Records, find_part

MAX_BYTES = 64 * 2**30
"""A file that unpacks to more is rejected as a compression bomb."""

_PAIRS: tuple[tuple[str, str, SplitName | None], ...] = (
    ("x_train", "y_train", "train"),
    ("x_val", "y_val", "val"),
    ("x_valid", "y_valid", "val"),
    ("x_test", "y_test", "test"),
    ("train_images", "train_labels", "train"),
    ("val_images", "val_labels", "val"),
    ("test_images", "test_labels", "test"),
    ("x", "y", None),
    ("images", "labels", None),
    ("data", "labels", None),
    ("data", "target", None),
)
_NAMES = ("label_names", "classes", "class_names")


def read_npz(path: Path) -> Records:
    """Returns the arrays of one file: uint8 images ``[n, h, w]`` or ``[n, h, w, 1 or 3]``.

    Labels are integers or texts, ``[n]`` or ``[n, 1]``. An array ``label_names`` or ``classes``
    names the classes.

    Raises:
        DataError: The file has other arrays or other types, or is not readable.
    """
    arrays = _load(path)
    keys = {key.lower(): key for key in arrays}
    pairs = [(keys[x], keys[y], split) for x, y, split in _PAIRS if x in keys and y in keys]
    if not pairs:
        raise DataError(
            f"{path.name} has the arrays {', '.join(arrays) or 'none'}; expected x_train and "
            "y_train (x_test, y_test), or x and y"
        )
    order = next((_label_names(arrays[keys[key]], path) for key in _NAMES if key in keys), None)
    parts = [_check_images(arrays[x], f"{x} in {path.name}") for x, _, _ in pairs]
    if len({part.shape[1:] for part in parts}) > 1:
        shapes = ", ".join(str(part.shape[1:]) for part in parts)
        raise DataError(f"the images in {path.name} have the shapes {shapes}; expected one")
    labels: list[str] = []
    splits: list[SplitName | None] = []
    for (x, y, split), part in zip(pairs, parts, strict=True):
        names = _labels(arrays[y], f"{y} in {path.name}", order)
        if len(names) != len(part):
            raise DataError(f"{path.name} has {len(part)} rows in {x} and {len(names)} in {y}")
        labels += names
        splits += [split] * len(part)

    def origin(row: int) -> str:
        part, position = find_part([len(images) for images in parts], row)
        return f"{path.name} {pairs[part][0]}[{position}]"

    return Records(
        task="image",
        values=parts[0] if len(parts) == 1 else np.concatenate(parts),
        labels=labels,
        splits=splits if any(splits) else None,
        origin=origin,
        source=str(path),
        label_order=order,
    )


def _load(path: Path) -> Mapping[str, Any]:
    try:
        with zipfile.ZipFile(path) as members:
            size = sum(member.file_size for member in members.infolist())
        if size > MAX_BYTES:
            raise DataError(
                f"{path.name} unpacks to {size:,} bytes; expected at most {MAX_BYTES:,}"
            )
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, MemoryError, SyntaxError) as error:
        raise DataError(f"{path.name} is not a readable .npz file ({error})") from None
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{path.name} holds Python objects, which are pickles and never executed; "
                "save the arrays with a type of their own, such as uint8"
            ) from None
        raise DataError(f"{path.name} is not a readable .npz file ({error})") from None


def _check_images(values: Any, name: str) -> UInt8Array:
    if values.dtype != np.uint8:
        conversion = (
            "(x * 255).round().astype('uint8') if they run from 0 to 1"
            if values.dtype.kind == "f"
            else "x.astype('uint8') if they run from 0 to 255"
        )
        raise DataError(
            f"{name} is {values.dtype}, expected uint8 from 0 to 255; convert: {conversion}"
        )
    if values.ndim == 3:
        values = values[..., None]
    if values.ndim == 4 and values.shape[1] in (1, 3) and values.shape[3] not in (1, 3):
        raise DataError(
            f"{name} has the shape {values.shape}, channels first; expected (n, height, width, "
            "channels); convert: x.transpose(0, 2, 3, 1)"
        )
    if values.ndim != 4 or values.shape[3] not in (1, 3) or 0 in values.shape[1:]:
        raise DataError(
            f"{name} has the shape {values.shape}; expected (n, height, width) or (n, height, "
            "width, 1 or 3)"
        )
    return np.ascontiguousarray(values)


def _labels(values: Any, name: str, order: tuple[str, ...] | None) -> list[str]:
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        raise DataError(
            f"{name} has the shape {values.shape}; expected one label a row; convert one-hot "
            "labels: y.argmax(axis=1)"
        )
    if values.dtype.kind in "US":
        return _texts(values, name)
    if values.dtype.kind not in "iub":
        raise DataError(f"{name} is {values.dtype}; expected integers or texts")
    numbers = values.astype(np.int64)
    if order is None:
        return [str(number) for number in numbers.tolist()]
    if len(numbers) and (numbers.min() < 0 or numbers.max() >= len(order)):
        outside = int(numbers.max() if numbers.max() >= len(order) else numbers.min())
        raise DataError(f"{name} has the label {outside}; the file names {len(order)} classes")
    return [order[number] for number in numbers.tolist()]


def _label_names(values: Any, path: Path) -> tuple[str, ...]:
    if values.ndim != 1 or values.dtype.kind not in "US":
        raise DataError(f"the label names in {path.name} are not a list of texts; expected one")
    return tuple(_texts(values, f"the label names in {path.name}"))


def _texts(values: Any, name: str) -> list[str]:
    try:
        decoded = np.char.decode(values, "utf-8") if values.dtype.kind == "S" else values
        texts = [str(text) for text in decoded]
        "".join(texts).encode()
    except UnicodeError:
        raise DataError(f"{name} has bytes that are not UTF-8; expected texts") from None
    return texts
