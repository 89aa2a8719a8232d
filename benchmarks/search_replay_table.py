"""Trains every point of two small spaces, so that searches can be replayed without training.

``search_replay.py`` reads the table that this script writes:

    python benchmarks/search_replay_table.py --cifar10 cifar10.npz

Each point is a multilayer perceptron of scikit-learn, on thumbnails of CIFAR-10 (8x8 pixels) or,
with ``--imdb``, on 100 components of TF-IDF of IMDB. The table has the accuracy on 5,000 held-out
rows of the training split after each of ten epochs, and the seconds of an epoch for each pair of
layer sizes. Nothing comes from the test split.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import os
import statistics
import time
import warnings
from pathlib import Path
from typing import Any

for _threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_threads, "1")

import numpy as np  # noqa: E402

TABLE = Path(__file__).parent / "results" / "search_replay_table.json"
EPOCHS = 10
ROWS, VALIDATION = 4000, 5000
FIRST, SECOND = (32, 64, 96, 128), (16, 32, 48, 64)
ACTIVATIONS = ("relu", "tanh")
RATES = tuple(float(f"{rate:.3g}") for rate in np.geomspace(1e-4, 1e-2, 13))
Point = tuple[str, int, int, int]
"""Activation, units of the first and the second layer, index of the learning rate."""
Rows = tuple[np.ndarray, np.ndarray]


def thumbnails(file: Path) -> Rows:
    """Returns CIFAR-10's first training images as 192 numbers each, and their labels."""
    with np.load(file) as data:
        images = data["x_train"][: ROWS + VALIDATION].reshape(-1, 8, 4, 8, 4, 3)
        labels = data["y_train"][: ROWS + VALIDATION].ravel()
    return images.mean((2, 4)).reshape(len(images), -1) / 255, labels


def components(folder: Path) -> Rows:
    """Returns 100 components of TF-IDF of shuffled training reviews, and their labels."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    with (folder / "train.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    np.random.default_rng(0).shuffle(rows)
    rows = rows[: ROWS + VALIDATION]
    vectorizer = TfidfVectorizer(min_df=5, sublinear_tf=True).fit(
        [row["text"] for row in rows[:ROWS]]
    )
    weights = vectorizer.transform([row["text"] for row in rows])
    reduction = TruncatedSVD(100, random_state=0).fit(weights[:ROWS])
    return reduction.transform(weights), np.array([row["label"] for row in rows])


def train_point(rows: Rows, point: Point, seed: int) -> tuple[list[float], float]:
    """Returns the accuracy after each epoch, and the median CPU seconds of an epoch."""
    from sklearn.neural_network import MLPClassifier

    values, labels = rows
    activation, first, second, rate = point
    network = MLPClassifier(
        (first, second),
        activation=activation,
        learning_rate_init=RATES[rate],
        batch_size=32,
        random_state=seed,
    )
    accuracies, seconds = [], []
    for _ in range(EPOCHS):
        start = time.process_time()
        network.partial_fit(values[:ROWS], labels[:ROWS], classes=np.unique(labels))
        seconds.append(time.process_time() - start)
        accuracies.append(round(float(network.score(values[ROWS:], labels[ROWS:])), 4))
    return accuracies, statistics.median(seconds)


def train_table(name: str, rows: Rows) -> dict[str, Any]:
    """Returns the accuracies of every point, and the seconds of every pair of layer sizes."""
    values = rows[0].astype(np.float64)
    scaled = (values - values[:ROWS].mean(0)) / values[:ROWS].std(0)
    points = list(itertools.product(ACTIVATIONS, FIRST, SECOND, range(len(RATES))))
    accuracies: dict[str, list[float]] = {}
    seconds: dict[str, list[float]] = {}
    for number, point in enumerate(points):
        found, spent = train_point((scaled, rows[1]), point, number)
        accuracies[" ".join(map(str, point))] = found
        seconds.setdefault(f"{point[1]} {point[2]}", []).append(spent)
        if number % 50 == 0:
            print(f"{name} {number}/{len(points)} {point} {max(found):.4f}", flush=True)
    medians = {key: round(statistics.median(spent), 4) for key, spent in seconds.items()}
    return {"accuracies": accuracies, "seconds": medians}


def main() -> None:
    """Writes the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cifar10", type=Path, help="the file cifar10.npz")
    parser.add_argument("--imdb", type=Path, help="a folder with IMDB's train.csv")
    parser.add_argument("--out", type=Path, default=TABLE, help="file of the table")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    tables = {}
    if options.cifar10:
        tables["cifar10"] = train_table("cifar10", thumbnails(options.cifar10))
    if options.imdb:
        tables["imdb"] = train_table("imdb", components(options.imdb))
    content = {"epochs": EPOCHS, "rates": RATES, "tables": tables}
    options.out.write_text(json.dumps(content, separators=(",", ":")) + "\n", "utf-8")


if __name__ == "__main__":
    main()
