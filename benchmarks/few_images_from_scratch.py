"""Measure a recipe for images, without pretrained weights, on few rows of CIFAR-10.

Each draw takes the same number of rows of every class from the training set, in an order that
follows from its seed, and is tested on 2,000 fixed rows of the test set. The images are written as
files and trained on as a user would, with a tenth of them held out for validation. The result is
the mean test accuracy over the draws with a 95 % interval (Student's t).
"""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import stats

import harness
from modelwright.core.files import write_text

RESULTS = Path(__file__).parent / "results" / "few_images_from_scratch.json"
TEST_ROWS = 2000


def main() -> None:
    """Measures, and writes each size's results as soon as they are there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="cifar10.npz with x_train, y_train, x_test, y_test")
    parser.add_argument("--recipe", default="cnn", help="recipe for images")
    parser.add_argument("--rows", type=int, nargs="+", default=[20, 100], help="rows of each class")
    parser.add_argument("--rounds", type=int, default=5, help="draws of the rows")
    parser.add_argument("--seed", type=int, default=100, help="seed of the first draw")
    parser.add_argument("--set", action="append", default=[], help="changed settings, TABLE.KEY=V")
    parser.add_argument("--out", type=Path, default=RESULTS, help="file of the results")
    options = parser.parse_args()
    with np.load(options.data, allow_pickle=False) as arrays:
        cifar10 = {name: arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")}
    command = [f"--set {text}" for text in options.set]
    record: dict[str, Any] = {"machine": platform.processor() or platform.machine(), "sizes": []}
    record |= {"recipe": options.recipe, "settings": command, "test_rows": TEST_ROWS}
    for rows in options.rows:
        draws = []
        for seed in range(options.seed, options.seed + options.rounds):
            draws.append(measure(cifar10, rows, seed, options.recipe, options.set))
            print(json.dumps({"rows": rows, **draws[-1]}), flush=True)
            sizes = [*record["sizes"], {"rows_a_class": rows, **summarize(draws), "draws": draws}]
            write_text(options.out, json.dumps({**record, "sizes": sizes}, indent=1) + "\n")
        record["sizes"] = sizes


def measure(
    cifar10: dict[str, np.ndarray], rows: int, seed: int, recipe: str, sets: list[str]
) -> dict[str, Any]:
    """Returns the test accuracy of one draw, and what the training did."""
    labels = cifar10["y_train"].ravel()
    random = np.random.default_rng(seed)
    chosen = [random.permutation(np.flatnonzero(labels == name))[:rows] for name in range(10)]
    tested = np.random.default_rng(0).permutation(len(cifar10["x_test"]))[:TEST_ROWS]
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "images"
        write_images(data / "train", cifar10["x_train"], labels, np.concatenate(chosen))
        write_images(data / "test", cifar10["x_test"], cifar10["y_test"].ravel(), tested)
        trained = harness.train(
            data={"source": str(data)}, model={"recipe": recipe}, sets=sets, out=Path(folder, "run")
        )
        evaluated = harness.evaluate(trained.run)
    return {
        "seed": seed,
        "accuracy": evaluated.metrics.accuracy,
        "train_accuracy": trained.train_accuracy,
        "epochs": trained.epochs,
        "steps": trained.steps,
        "epoch_chosen": trained.epoch_chosen,
        "seconds": round(trained.seconds, 1),
    }


def write_images(folder: Path, images: np.ndarray, labels: np.ndarray, rows: np.ndarray) -> None:
    """Writes images as PNG files into a folder for each class."""
    for row in rows:
        path = folder / f"class-{labels[row]}" / f"{row:05}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(images[row]).save(path)


def summarize(draws: list[dict[str, Any]]) -> dict[str, float]:
    """Returns the mean accuracy over draws, its 95 % interval, and the lowest one."""
    values = np.array([draw["accuracy"] for draw in draws])
    found = {"accuracy": float(values.mean()), "lowest": float(values.min())}
    if len(values) > 1:
        half = stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        found |= {"low": float(values.mean() - half), "high": float(values.mean() + half)}
    return found


if __name__ == "__main__":
    main()
