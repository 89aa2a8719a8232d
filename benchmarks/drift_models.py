"""The models of the benchmark of drift tests, and data of another kind for each."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness import train

BOOKS, HOTELS = "书籍", "酒店"
Make = Callable[[argparse.Namespace, Path, str | None], tuple[Path, dict[str, Path]]]
"""Takes the options, a folder, and a servable to use; returns the servable and the other data."""


def make_books(
    values: argparse.Namespace, folder: Path, given: str | None
) -> tuple[Path, dict[str, Path]]:
    """Trains text-fast on reviews of books; the other data is reviews of hotels."""
    rows = read_table(Path(values.chinese))
    books = [row for row in rows if row["category"] == BOOKS]
    hotels = [row for row in rows if row["category"] == HOTELS]
    source = write_table(folder / "books.csv", books)
    other = write_table(folder / "hotels.csv", some(hotels, values.rows))
    settings = {"recipe": "text-fast"}
    data = {"source": str(source), "test": 0.5}
    servable = Path(given) if given else make(folder, data, settings)
    return servable, {"hotels": other}


def make_shopping(
    values: argparse.Namespace, folder: Path, given: str | None
) -> tuple[Path, dict[str, Path]]:
    """Trains textcnn on Chinese reviews; the other data is English reviews."""
    rows = read_table(Path(values.chinese))
    source = write_table(folder / "chinese.csv", some(rows, values.rows))
    english = some(read_table(Path(values.english)), values.rows)
    other = write_table(folder / "english.csv", english)
    settings = {"recipe": "textcnn"}
    data = {"source": str(source), "test": 0.5}
    servable = Path(given) if given else make(folder, data, settings, epochs=values.epochs)
    return servable, {"English": other}


def make_cifar(
    values: argparse.Namespace, folder: Path, given: str | None
) -> tuple[Path, dict[str, Path]]:
    """Trains cnn on CIFAR-10; the other data is 2,000 test images, darkened."""
    arrays = np.load(values.cifar10)
    folder.mkdir(parents=True)
    if given:
        servable = Path(given)
    else:
        source = folder / "cifar10.npz"
        np.savez(source, **{key: arrays[key][: values.rows] for key in arrays.files})
        servable = make(folder, {"source": str(source)}, {"recipe": "cnn"}, epochs=values.epochs)
    other = {}
    images, labels = arrays["x_test"][-2000:], arrays["y_test"][-2000:]
    for name, scale in (("darker by 10 %", 0.9), ("darker by 50 %", 0.5)):
        path = folder / f"{int(scale * 100)}.npz"
        darker = (images * scale).astype(np.uint8)
        half = len(darker) // 2
        np.savez(path, x_train=darker[:half], y_train=labels[:half], x_test=darker[half:],
                 y_test=labels[half:])  # fmt: skip
        other[name] = path
    return servable, other


def make(
    folder: Path, data: dict[str, Any], model: dict[str, Any], epochs: int | None = None
) -> Path:
    """Trains a model and exports it. Returns its servable."""
    import modelwright

    tables: dict[str, Any] = {"data": data, "model": model}
    if epochs is not None:
        tables["train"] = {"epochs": epochs}
    report = train(out=folder / "run", **tables)
    return modelwright.export(report.run, folder / "models" / folder.name).servable


def read_table(path: Path) -> list[dict[str, str]]:
    """Returns the rows of a CSV."""
    csv.field_size_limit(2**31 - 1)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def some(rows: list[dict[str, str]], count: int) -> list[dict[str, str]]:
    """Returns rows that are drawn at random, always the same."""
    return [rows[at] for at in np.random.default_rng(0).permutation(len(rows))[:count]]


def write_table(path: Path, rows: Sequence[dict[str, str]]) -> Path:
    """Writes the text and the label of rows; returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows((row["text"], row["label"]) for row in rows)
    return path


MODELS = {"books": make_books, "shopping": make_shopping, "cifar": make_cifar}
