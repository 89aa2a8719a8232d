"""Rows of real sets with planted wrong labels, for the benchmark of audits."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


class Planted:
    """Rows of one set with some labels changed, and clean test rows."""

    def __init__(self, inputs: Any, labels: Any, test: tuple[Any, Any]) -> None:
        self.inputs, self.labels, self.test = inputs, labels, test
        self.names = np.unique(labels)

    def change(self, share: float, seed: int) -> Any:
        """Returns the labels with a share of them changed to another class at random."""
        random = np.random.default_rng(seed)
        labels = self.labels.copy()
        chosen = random.permutation(len(labels))[: round(share * len(labels))]
        for row in chosen:
            labels[row] = random.choice(self.names[self.names != labels[row]])
        return labels

    def write(self, folder: Path, labels: Any) -> tuple[str, str]:
        """Writes rows; returns the source of the training rows, and that with the test rows."""
        folder.mkdir()
        if isinstance(self.inputs, np.ndarray) and self.inputs.dtype == np.uint8:
            np.savez(folder / "rows.npz", x_train=self.inputs, y_train=labels)
            x_test, y_test = self.test
            np.savez(
                folder / "both.npz",
                x_train=self.inputs,
                y_train=labels,
                x_test=x_test,
                y_test=y_test,
            )
            return str(folder / "rows.npz"), str(folder / "both.npz")
        (folder / "both").mkdir()
        _write(folder / "both" / "train.csv", self.inputs, labels)
        _write(folder / "both" / "test.csv", *self.test)
        return str(folder / "both" / "train.csv"), str(folder / "both")


def read_rows(name: str, place: str, counts: tuple[int, int]) -> Planted:
    """Returns rows of a set, always the same: so many to audit, and so many test rows."""
    rows, tested = counts
    random = np.random.default_rng(0)
    if name == "cifar10":
        with np.load(place, allow_pickle=False) as stored:
            x, y = stored["x_train"], stored["y_train"].ravel().astype(np.int64)
            x_test, y_test = stored["x_test"], stored["y_test"].ravel().astype(np.int64)
        chosen = random.permutation(len(x))[:rows]
        others = random.permutation(len(x_test))[:tested]
        return Planted(x[chosen], y[chosen], (x_test[others], y_test[others]))
    if name == "imdb":
        train_rows, test_rows = (_table(Path(place) / f"{one}.csv") for one in ("train", "test"))
        train_rows = [train_rows[at] for at in random.permutation(len(train_rows))[:rows]]
        test_rows = [test_rows[at] for at in random.permutation(len(test_rows))[:tested]]
    else:
        everything = _table(Path(place))
        order = random.permutation(len(everything))
        train_rows = [everything[at] for at in order[:rows]]
        test_rows = [everything[at] for at in order[rows : rows + tested]]
    return Planted(
        [text for text, _ in train_rows],
        np.array([label for _, label in train_rows], object),
        ([text for text, _ in test_rows], [label for _, label in test_rows]),
    )


def _table(path: Path) -> list[tuple[str, str]]:
    """Returns the rows of a table, each text once."""
    csv.field_size_limit(2**31 - 1)
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = [(row["text"], row["label"]) for row in csv.DictReader(file)]
    return list({text: (text, label) for text, label in rows if text.strip()}.values())


def _write(path: Path, texts: Sequence[str], labels: Sequence[str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label"))
        writer.writerows(zip(texts, labels, strict=True))
