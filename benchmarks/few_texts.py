"""Accuracy of the recipe for texts with few rows of each class, next to its baseline.

For each number of rows a class, rows are drawn several times from the training table; the test rows
are always the same. Every training and evaluation is the product's own, so the baseline, TF-IDF
with logistic regression, is the one of the evaluation report: fitted on the same rows, measured on
the same test rows. With ``--unlabeled``, the recipe also gets texts without labels.
"""

from __future__ import annotations

import argparse
import csv
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

import modelwright
from modelwright.core.statistics import student_interval

_TEST_ROWS = 2000
_FIRST_SEED = 100
_BASELINE = "TF-IDF + logistic regression"
Row = tuple[str, str]


def main() -> None:
    """Measures one set and writes its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", type=Path, help="CSV with the columns text and label")
    parser.add_argument("--test", type=Path, help="CSV with test rows; default: of the table")
    parser.add_argument("--rows", type=int, nargs="+", default=[20, 100, 500])
    parser.add_argument("--rounds", type=int, default=5, help="draws of the rows")
    parser.add_argument("--unlabeled", type=int, default=0, help="texts without labels, at most")
    parser.add_argument("--texts", type=Path, help="CSV with them; default: the table's other rows")
    parser.add_argument("--recipe", default="text-fast")
    parser.add_argument("--out", type=Path, help="JSON file for the figures")
    arguments = parser.parse_args()
    csv.field_size_limit(2**31 - 1)
    training, test = _split(arguments)
    figures: dict[str, Any] = {}
    for rows in arguments.rows:
        results = []
        for seed in range(_FIRST_SEED, _FIRST_SEED + arguments.rounds):
            drawn = _draw(training, rows, seed)
            unlabeled = _unlabeled(arguments, training, rows, seed)
            results.append(_measure(arguments.recipe, drawn, test, unlabeled))
            print(rows, seed, results[-1], flush=True)
        figures[str(rows)] = _summary(results)
        print(rows, json.dumps(figures[str(rows)]), flush=True)
        if arguments.out:
            record = {
                "set": arguments.table.stem,
                "recipe": arguments.recipe,
                "test_rows": len(test),
                "unlabeled": arguments.unlabeled,
                "first_seed": _FIRST_SEED,
                "figures": figures,
            }
            arguments.out.write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def _split(arguments: argparse.Namespace) -> tuple[list[Row], list[Row]]:
    """Returns the rows to draw from and the fixed test rows, without a text in both."""
    rows = _read(arguments.table)
    if arguments.test:
        test = _read(arguments.test)
    else:
        rows = list(dict(rows).items())  # each text once
        order = np.random.default_rng(7).permutation(len(rows))
        held = max(len(rows) // 6, 1)
        test, rows = [rows[i] for i in order[:held]], [rows[i] for i in order[held:]]
    order = np.random.default_rng(0).permutation(len(test))[:_TEST_ROWS]
    test = [test[i] for i in order]
    tested = {text for text, _ in test}
    return [row for row in rows if row[0] not in tested], test


def _read(path: Path) -> list[Row]:
    with path.open(newline="", encoding="utf-8") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file) if row["text"].strip()]


def _draw(rows: Sequence[Row], count: int, seed: int) -> list[Row]:
    """Returns rows of each class. Fewer rows are the first of more."""
    random = np.random.default_rng(seed)
    drawn: list[Row] = []
    for label in sorted({label for _, label in rows}):
        own = [position for position, row in enumerate(rows) if row[1] == label]
        drawn += [rows[position] for position in random.permutation(own)[:count]]
    return drawn


def _unlabeled(
    arguments: argparse.Namespace, rows: Sequence[Row], count: int, seed: int
) -> list[str]:
    if not arguments.unlabeled:
        return []
    if arguments.texts:
        with arguments.texts.open(newline="", encoding="utf-8") as file:
            texts = [row["text"] for row in csv.DictReader(file)]
    else:
        drawn = {text for text, _ in _draw(rows, count, seed)}
        texts = [text for text, _ in rows if text not in drawn]
    order = np.random.default_rng(seed).permutation(len(texts))[: arguments.unlabeled]
    return [texts[position] for position in order]


def _measure(
    recipe: str, drawn: Sequence[Row], test: Sequence[Row], unlabeled: Sequence[str]
) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "rows").mkdir()
        for name, rows in (("train", drawn), ("test", test)):
            _write(folder / "rows" / f"{name}.csv", ("text", "label"), rows)
        data: dict[str, Any] = {"source": str(folder / "rows")}
        if unlabeled:
            _write(folder / "more.csv", ("text",), [(text,) for text in unlabeled])
            data["unlabelled"] = str(folder / "more.csv")
        trained = modelwright.train(
            data=data,
            model={"recipe": recipe},
            train={"tensorboard": False},
            out=folder / "run",
        )
        evaluated = modelwright.evaluate(trained.run).to_dict()
        baseline = next(one for one in evaluated["baselines"] if one["name"] == _BASELINE)
        return {
            "accuracy": evaluated["accuracy"],
            "baseline": baseline["accuracy"],
            "cross_validated": trained.cross_validated_accuracy,
            "seconds": round(trained.seconds, 1),
        }


def _write(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def _summary(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Returns means with intervals by Student's t over the draws; the gain is paired."""
    columns = {key: [one[key] for one in results] for key in results[0]}
    columns["gain"] = [
        model - baseline
        for model, baseline in zip(columns["accuracy"], columns["baseline"], strict=True)
    ]
    summary: dict[str, Any] = {"draws": list(results)}
    for key in ("accuracy", "baseline", "gain"):
        values = columns[key]
        mean, low, high = student_interval(values) if len(values) > 1 else (*values, None, None)
        summary[key] = {"mean": mean, "interval": [low, high], "lowest": min(values)}
    return summary


if __name__ == "__main__":
    main()
