"""Precision and recall of the suspects of an audit, where wrong labels were planted.

A share of the labels of real rows is changed at random. An audit then lists suspects; those rows
are left out, and the model that is trained without them is measured on clean test rows, next to
one trained on all rows and one trained on the true labels. Real rows have wrong labels of their
own, which count as false alarms here, so precision is a lower bound. The suspects are compared with
those of cleanlab's own function on the same probabilities. A last part plants foreign rows and
counts how many of them are listed as outliers. Give at least one set; one alone has its own file.
"""

from __future__ import annotations

import csv
import re
import tempfile
import time
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness import Figures, Option, evaluate, format_number, print_table, run_benchmark, train

_FOREIGN = 50
_RECIPES = {"imdb": "text-fast", "chinese": "text-fast", "cifar10": "pretrained"}
OPTIONS = {
    "imdb": Option("", "", "folder with train.csv and test.csv", local=True),
    "chinese": Option("", "", "online_shopping_10_cats.csv", local=True),
    "cifar10": Option("", "", "npz file of CIFAR-10", local=True),
    "rows": Option([5_000, 10_000, 5_000], [400, 400, 400], "rows of each set", many=True),
    "test_rows": Option(2_000, 200, "clean test rows of each set"),
    "noise": Option([0.05, 0.1], [0.1], "shares of the labels that are changed", many=True),
}


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


def measure(name: str, place: str, rows: tuple[int, int], noise: float, seed: int) -> Figures:
    """Returns the results for one set, one share of noise and one seed."""
    import modelwright

    planted = _read(name, place, rows)
    labels = planted.change(noise, seed)
    wrong = labels != planted.labels
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        alone, both = planted.write(folder / "noisy", labels)
        started = time.perf_counter()
        report = modelwright.audit(
            {"source": alone, "val": 0, "test": 0},
            recipe=_RECIPES[name],
            settings={"train": {"seed": seed}},
            out=folder / "audit",
        )
        seconds = time.perf_counter() - started
        listed, agreement = _listed(folder / "audit", report, wrong)
        accuracy = {
            "before": _accuracy(name, both, seed, folder / "before"),
            "after": _accuracy(
                name, both, seed, folder / "after", str(folder / "audit" / "suspects.csv")
            ),
        }
    found = int((listed & wrong).sum())
    return {
        "rows": len(labels),
        "planted": int(wrong.sum()),
        "suspects": int(listed.sum()),
        "precision": found / max(1, int(listed.sum())),
        "recall": found / max(1, int(wrong.sum())),
        "suggested_right": _suggested_right(report, planted, wrong),
        "estimated_noise": report.noise,
        **agreement,
        "out_of_fold_accuracy": report.accuracy,
        "conflicts": len(report.conflicts),
        "audit_seconds": seconds,
        **{f"accuracy_{key}": value for key, value in accuracy.items()},
    }


def measure_true_labels(name: str, place: str, rows: tuple[int, int]) -> float:
    """Returns the accuracy of a model that is trained on the true labels."""
    planted = _read(name, place, rows)
    with tempfile.TemporaryDirectory() as temporary:
        _, both = planted.write(Path(temporary) / "clean", planted.labels)
        return _accuracy(name, both, 0, Path(temporary) / "run")


def measure_outliers(name: str, place: str, rows: tuple[int, int], foreign: str) -> Figures:
    """Returns how many of 50 foreign rows an audit lists as outliers."""
    import modelwright

    planted = _read(name, place, rows)
    random = np.random.default_rng(0)
    labels = random.choice(planted.names, _FOREIGN)
    if name == "cifar10":
        # Images with the colors of real ones and nothing in them: their pixels, shuffled.
        shape = planted.inputs.shape[1:]
        strange: Any = np.stack(
            [
                random.permutation(image.reshape(-1, 3)).reshape(shape)
                for image in planted.inputs[:_FOREIGN]
            ]
        )
        mixed: Any = np.concatenate([planted.inputs, strange])
    else:
        strange = _read("chinese" if name == "imdb" else "imdb", foreign, (_FOREIGN, 1)).inputs
        mixed = [*planted.inputs, *strange]
    whole = Planted(mixed, np.concatenate([planted.labels, labels]), planted.test)
    with tempfile.TemporaryDirectory() as temporary:
        alone, _ = whole.write(Path(temporary) / "mixed", whole.labels)
        report = modelwright.audit(
            {"source": alone, "val": 0, "test": 0},
            recipe=_RECIPES[name],
            out=Path(temporary) / "audit",
        )
    listed = {_position(row.origin) for row, _ in report.outliers}
    strangers = set(range(len(whole.labels) - _FOREIGN, len(whole.labels)))
    return {
        "method": report.outlier_method,
        "listed": len(listed),
        "planted": _FOREIGN,
        "found": len(listed & strangers),
    }


def compare(values: Namespace) -> Figures:
    """Runs all sets and prints a table."""
    import os

    from modelwright.core.statistics import student_interval

    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    runs: list[Figures] = []
    sets = [name for name in _RECIPES if getattr(values, name)]
    counts = ((int(rows), values.test_rows) for rows in values.rows)
    sizes = dict(zip(_RECIPES, counts, strict=True))
    true_labels = {}
    for name in sets:
        true_labels[name] = measure_true_labels(name, getattr(values, name), sizes[name])
        print("true labels", name, true_labels[name], flush=True)
        for noise in map(float, values.noise):
            for seed in range(values.rounds):
                figures = measure(name, getattr(values, name), sizes[name], noise, seed)
                runs.append({"set": name, "noise": noise, "seed": seed, **figures})
                print(runs[-1], flush=True)
    outliers = {}
    for name in sets:
        other = values.chinese if name == "imdb" else values.imdb
        if other or name == "cifar10":
            outliers[name] = measure_outliers(name, getattr(values, name), sizes[name], other)
            print("outliers", name, outliers[name], flush=True)
    summary = []
    for name, noise in dict.fromkeys((one["set"], one["noise"]) for one in runs):
        own = [one for one in runs if (one["set"], one["noise"]) == (name, noise)]
        figures = {"set": name, "noise": noise}
        gains = [one["accuracy_after"] - one["accuracy_before"] for one in own]
        columns = {
            key: [one[key] for one in own]
            for key in own[0]
            if key.startswith("accuracy_")
            or key in ("precision", "recall", "agreement", "estimated_noise", "suggested_right")
        }
        for key, found in {**columns, "gain": gains}.items():
            mean, low, high = student_interval(found) if len(found) > 1 else (*found, None, None)
            figures[key] = {
                "mean": mean,
                "interval": [low, high],
                "lowest": min(found),
                "highest": max(found),
            }
        figures["seconds"] = max(one["audit_seconds"] for one in own)
        summary.append(figures)
    _print(summary, true_labels)
    return {
        "runs": runs,
        "true_labels": true_labels,
        "summary": summary,
        "outliers": outliers,
        "suffix": f"-{sets[0]}" if len(sets) == 1 else "",
    }


def _print(summary: Sequence[Figures], true_labels: dict[str, float]) -> None:
    keys = ("precision", "recall", "agreement")
    accuracies = ("accuracy_before", "accuracy_after", "gain")
    rows = [
        [
            one["set"],
            f"{one['noise']:.0%}",
            *(format_number(one[key]["mean"], ".3f") for key in keys),
            *(format_number(one[key]["mean"], ".4f") for key in accuracies),
            format_number(true_labels[one["set"]], ".4f"),
            format_number(one["seconds"]),
        ]
        for one in summary
    ]
    headers = ("set", "noise", *keys, "before", "after", "gain", "true labels", "seconds")
    print_table("planted noise", headers, rows)


def _listed(folder: Path, report: Any, wrong: Any) -> tuple[Any, Figures]:
    """Returns which rows are listed, and the agreement with cleanlab on the same probabilities."""
    from cleanlab.filter import find_label_issues

    with np.load(folder / "probabilities.npz", allow_pickle=False) as stored:
        probabilities, labels = stored["probabilities"], stored["labels"]
        place = {origin: row for row, origin in enumerate(stored["origins"].tolist())}
    probabilities = probabilities.astype(np.float64)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    listed = np.zeros(len(labels), bool)
    model = np.zeros(len(labels), bool)
    for suspect in report.suspects:
        listed[place[suspect.row.origin]] = True
        model[place[suspect.row.origin]] = suspect.reason != "conflict"
    theirs = find_label_issues(labels, probabilities)
    others = {}
    for name in ("both", "confident_learning"):
        chosen = find_label_issues(labels, probabilities, filter_by=name)
        others[name] = {
            "suspects": int(chosen.sum()),
            "precision": float(wrong[chosen].mean()) if chosen.any() else 0.0,
            "recall": float(chosen[wrong].mean()),
        }
    agreement = {
        "cleanlab_suspects": int(theirs.sum()),
        "agreement": float((theirs == model).mean()),
        "other_filters": others,
    }
    return listed, agreement


def _suggested_right(report: Any, planted: Planted, wrong: Any) -> float:
    """Returns the share of the planted suspects whose suggestion is the true label."""
    rows = [(_position(one.row.origin), one.suggested) for one in report.suspects]
    right = [str(planted.labels[row]) == suggested for row, suggested in rows if wrong[row]]
    return float(np.mean(right)) if right else 0.0


def _accuracy(name: str, source: str, seed: int, out: Path, drop: str = "") -> float:
    data = {"source": source, "val": 0, **({"drop": drop} if drop else {})}
    tables = {"seed": seed, "tensorboard": False}
    train(out=out, data=data, model={"recipe": _RECIPES[name]}, train=tables)
    return float(evaluate(out).to_dict()["accuracy"])


def _position(origin: str) -> int:
    """Returns the position of a row: a table counts from its header, 1; an array from 0."""
    number = int(re.findall(r"\d+", origin)[-1])
    return number - 2 if ".csv" in origin else number


def _read(name: str, place: str, counts: tuple[int, int]) -> Planted:
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


def _no_child(**_: object) -> Figures:
    raise SystemExit("this benchmark measures in its own process")


if __name__ == "__main__":
    run_benchmark(__file__, __doc__, OPTIONS, compare=compare, measure=_no_child)
