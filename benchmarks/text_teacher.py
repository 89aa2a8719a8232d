"""What a teacher gives a small network of texts: accuracy by the number of labeled rows.

The rows are those of a table with the columns text and label, such as online_shopping_10_cats.
There are 2,000 test rows, and for each draw so many labeled rows a class, the smaller sizes inside
the larger ones. The unlabeled texts are other rows without their labels, the rows of other draws
among them. The teacher is whatever ``modelwright distill`` takes. Compared on the test rows: the
teacher, the student, the same recipe from the labels and the same unlabeled texts without a teacher
(``data.unlabeled``), the same from the labels alone, and TF-IDF of character n-grams with logistic
regression.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import harness
from harness import Figures, Option

OPTIONS = {
    "table": Option("", "", "CSV with the columns text and label", local=True),
    "teacher": Option("", "", "folder, or package.module:function, that scores texts"),
    "cache": Option("teacher-scores", "teacher-scores", "folder of the scores", local=True),
    "recipe": Option("text-fast", "text-fast", "recipe of the student"),
    "rows": Option([20, 100, 500], [20], "labeled rows a class", many=True),
    "draws": Option(5, 1, "number of draws, at most 5"),
    "unlabeled": Option(20_000, 500, "number of unlabeled texts"),
}
TEST = 2_000
HELD_OUT = 10_000
DRAWS = 5
LARGEST = 500
NAMES = (
    "teacher",
    "student",
    "the same without a teacher",
    "the same from labels alone",
    "TF-IDF + logistic regression",
)
Row = tuple[str, str]


def read_rows(path: Path) -> tuple[list[Row], list[Row]]:
    """Returns the rows to draw from and the test rows, each content once."""
    csv.field_size_limit(10**7)
    with path.open(newline="", encoding="utf-8") as file:
        found: dict[str, str] = {}
        for row in csv.DictReader(file):
            found.setdefault(row["text"], row["label"])
    rows = [row for row in found.items() if row[0].strip()]
    order = np.random.default_rng(7).permutation(len(rows))
    test = [rows[at] for at in order[:HELD_OUT]]
    chosen = np.random.default_rng(0).permutation(len(test))[:TEST]
    return [rows[at] for at in order[HELD_OUT:]], [test[at] for at in chosen]


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Distills once for each size and draw."""
    rows, test = read_rows(Path(arguments.table))
    found: dict[str, dict[str, list[float]]] = {}
    for size in arguments.rows:
        cell: dict[str, list[float]] = {name: [] for name in NAMES}
        for draw in range(arguments.draws):
            for name, accuracy in _measure(rows, test, int(size), draw, arguments).items():
                cell[name].append(accuracy)
            shown = ", ".join(f"{name} {values[-1]:.1f}" for name, values in cell.items())
            print(f"  {size} a class, draw {draw}: {shown}", flush=True)
        found[str(size)] = cell
    table = [[name, *(_interval(found[str(s)][name]) for s in arguments.rows)] for name in NAMES]
    headers = ["accuracy in %", *(f"{size} a class" for size in arguments.rows)]
    harness.print_table("On the test rows, mean of the draws with 95 % interval", headers, table)
    return {"accuracy": found}


def _measure(
    rows: list[Row], test: list[Row], size: int, draw: int, arguments: argparse.Namespace
) -> dict[str, float]:
    import modelwright
    from modelwright.distillation.distill import Distilling

    draws = [_draw(rows, number) for number in range(DRAWS)]
    labeled = [rows[at] for positions in draws[draw] for at in positions[:size]]
    drawn = np.unique(np.array(draws))
    rest = np.random.default_rng(999).permutation(np.setdiff1d(np.arange(len(rows)), drawn))
    own = np.unique(np.array(draws[draw]))
    pool = np.concatenate([np.setdiff1d(drawn, own), rest])[: arguments.unlabeled]
    texts = [rows[at][0] for at in pool]
    with tempfile.TemporaryDirectory() as folder:
        few, more = Path(folder) / "few.csv", Path(folder) / "more.csv"
        parts = [(*row, "train") for row in labeled] + [(*row, "test") for row in test]
        _write(few, [("text", "label", "split"), *parts])
        _write(more, [("text",), *((text,) for text in texts)])
        data, model = {"source": str(few), "val": 0}, {"recipe": arguments.recipe}
        report = modelwright.distill(
            arguments.teacher,
            {"data": data, "model": model},
            unlabeled=str(more),
            options=Distilling(cache=Path(arguments.cache)),
            out=Path(folder) / "run",
        )
        alone = Path(folder) / "alone"
        harness.train(out=alone, data={**data, "unlabeled": str(more)}, model=model)
        without = harness.evaluate(alone).metrics.accuracy
    found = {one.name: 100 * one.metrics.accuracy for one in report.measured}
    found |= {"the same without a teacher": 100 * without, NAMES[-1]: _tf_idf(labeled, test)}
    return {name: found[name] for name in NAMES}


def _draw(rows: list[Row], number: int) -> list[Any]:
    """Returns positions of labeled rows for each class, as many as the largest size takes."""
    random = np.random.default_rng(100 + number)
    return [
        random.permutation([at for at, row in enumerate(rows) if row[1] == label])[:LARGEST]
        for label in sorted({label for _, label in rows})
    ]


def _tf_idf(labeled: list[Row], test: list[Row]) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    features = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), sublinear_tf=True)
    model = make_pipeline(features, LogisticRegression(C=10, max_iter=1000))
    model.fit(*zip(*labeled, strict=True))
    return 100 * float(model.score(*zip(*test, strict=True)))


def _write(path: Path, rows: list[Any]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)


def _interval(values: list[float]) -> str:
    from scipy import stats

    if len(values) < 2:
        return f"{values[0]:.1f}"
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    return f"{np.mean(values):.1f} ± {stats.t.ppf(0.975, len(values) - 1) * error:.1f}"


def _measure_child(**_: Any) -> Figures:
    raise SystemExit("this benchmark has no children")


if __name__ == "__main__":
    harness.run_benchmark(
        __file__,
        __doc__ or "",
        OPTIONS,
        compare=compare_sides,
        measure=_measure_child,
    )
