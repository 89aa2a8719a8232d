"""How faithful each method of explanation is, compared with random segments and the package lime.

Two measurements. On given servables and runs: the figures of ``modelwright explain --evaluate`` on
their held-out rows, and the default method as a ratio to ``lime`` on the same rows. On networks
trained here, on rows whose label one planted cue decides: the share of rows in which each method's
heaviest segment is the cue.
"""

from __future__ import annotations

import argparse
import re
import tempfile
from pathlib import Path
from typing import Any

import harness
import planted_cues
from harness import Figures, Option, format_number, ratio

_SMALL_BILSTM = [
    "model.units=[16]",
    "model.embedding=16",
    'model.pooling="max"',
    "model.dropout=0.1",
    "train.batch_size=16",
    "train.learning_rate=0.01",
    "train.epochs=6",
]
PLANTED: dict[str, dict[str, Any]] = {
    "English, text-fast": {"kind": "English", "recipe": "text-fast", "sets": []},
    "Chinese, text-fast": {"kind": "Chinese", "recipe": "text-fast", "sets": []},
    "English, bilstm": {
        "kind": "English",
        "recipe": "bilstm",
        "sets": [*_SMALL_BILSTM, "model.length=64"],
    },
    "Chinese, bilstm": {
        "kind": "Chinese",
        "recipe": "bilstm",
        "sets": [*_SMALL_BILSTM, "model.length=96"],
    },
    "images, cnn": {
        "kind": "images",
        "recipe": "cnn",
        "sets": ["model.filters=[8,16]", "model.units=16", "train.epochs=10"],
    },
}
OPTIONS = {
    "rounds": Option(1, 1, "runs of each side; the results are the medians"),
    "planted": Option(list(PLANTED), ["English, text-fast"], "planted cues to measure", many=True),
    "models": Option([], [], "servables and runs to measure on their held-out rows", many=True),
    "rows": Option(200, 20, "largest number of rows of each model"),
    "planted_rows": Option(200, 20, "held-out rows with a planted cue"),
    "training_rows": Option(1000, 400, "training rows with a planted cue"),
}
DEFAULTS = {"text": "in-and-out", "image": "masks"}
COMPARED = ("comprehensiveness", "insertion_less_deletion", "stability", "processor_ms")


def main() -> None:
    """Runs the benchmark."""
    harness.run_benchmark(__file__, __doc__ or "", OPTIONS, compare=compare, measure=measure)


def compare(options: argparse.Namespace) -> Figures:
    """Measures all models and planted cues, and prints their tables."""
    tasks = {
        name: {**task, "rows": options.planted_rows, "training_rows": options.training_rows}
        for name, task in PLANTED.items()
        if name in options.planted
    }
    planted = harness.run_in_turn(__file__, tasks, options.rounds, show=_show)
    found = harness.run_in_turn(
        __file__,
        {model: {"model": model, "rows": options.rows} for model in options.models},
        options.rounds,
        show=lambda one: f"{one['rows']} rows",
    )
    results: Figures = {
        "planted": {name: _median_planted(runs) for name, runs in planted.items()},
        "models": {name: _median_model(runs) for name, runs in found.items()},
    }
    for one in results["models"].values():
        one["default_over_lime"] = compare_with_lime(one)
    _print(results)
    return results


def measure(**task: Any) -> Figures:
    """Measures one model, or one planted cue."""
    if "model" in task:
        import modelwright

        found = modelwright.evaluate_explanations(task["model"], rows=task["rows"]).to_dict()
        # Only the name of the data, without the folders of this machine.
        found["source"] = re.sub(r"\S+/", "", found["source"])
        return {**found, "notes": []}
    return measure_planted(**task)


def measure_planted(
    kind: str, recipe: str, sets: list[str], rows: int, training_rows: int
) -> Figures:
    """Trains a network on planted cues and returns in which share of rows methods find them.

    Only rows that the network gets right are counted: of others, nobody knows what it read.
    """
    import numpy as np

    from modelwright.api.explain import open_model
    from modelwright.core.errors import ConfigError
    from modelwright.explaining.explainer import Explainer
    from modelwright.explaining.faithfulness import order_segments
    from modelwright.explaining.registry import find_method, method_names

    with tempfile.TemporaryDirectory() as folder:
        run = _train(Path(folder), kind, recipe, sets, training_rows)
        model = open_model(run)
        task = model.predictor.manifest.task
        methods = [find_method(name) for name in method_names()]
        methods = [one for one in methods if task in one.tasks]
        explainer = Explainer(model, methods[0])
        hits: dict[str, list[bool]] = {one.name: [] for one in methods}
        right = 0
        held_out = _rows(kind, rows, seed=1)
        for one in held_out:
            row = explainer.row(one.text if isinstance(one, planted_cues.PlantedText) else one.file)
            label = int(row.answer(np.ones((1, len(row.segments)), bool)).argmax())
            if model.labels[label] != one.label:
                continue
            right += 1
            for name in list(hits):
                try:
                    weights = find_method(name).weigh(row, label, 0).values
                except ConfigError:
                    del hits[name]
                    continue
                hits[name].append(_covers(row.segments[int(order_segments(weights)[0])], one))
    return {
        "rows": right,
        "accuracy": right / len(held_out),
        "found": {name: sum(found) / len(found) for name, found in hits.items() if found},
    }


def compare_with_lime(model: Figures) -> Figures | None:
    """Returns the default method's figures over those of ``lime``; None without both.

    A method that draws nothing has the stability 1. Of the time, below 1 is better.
    """
    by_name = {one["method"]: one for one in model["methods"]}
    default, lime = by_name.get(DEFAULTS[model["task"]]), by_name.get("lime")
    if default is None or lime is None:
        return None

    def value(method: Figures, key: str) -> float | None:
        found = method[key]
        if key == "stability" and found is None:
            return 1.0
        mean: float | None = found["mean"] if isinstance(found, dict) else found
        return mean

    return {key: ratio(value(default, key), value(lime, key)) for key in COMPARED}


def _train(folder: Path, kind: str, recipe: str, sets: list[str], count: int) -> Path:
    rows = _rows(kind, count, seed=0)
    if kind == "images":
        source = folder / "images"
        planted_cues.write_images(source, rows)
    else:
        source = folder / "texts.csv"
        planted_cues.write_texts(source, rows)
    trained = harness.train(
        data={"source": str(source), "test": 0.0},
        model={"recipe": recipe},
        sets=[*sets, "train.tensorboard=false"],
        out=folder / "run",
    )
    return Path(trained.run)


def _rows(kind: str, count: int, seed: int) -> list[Any]:
    if kind == "images":
        return list(planted_cues.planted_images(count, seed))
    return list(planted_cues.planted_texts(kind, count, seed))


def _covers(segment: Any, row: Any) -> bool:
    """Returns whether a segment overlaps the cue of a row."""
    if isinstance(row, planted_cues.PlantedText):
        return bool(segment.start < row.end and segment.end > row.start)
    patch = planted_cues.PATCH
    down = segment.row < row.row + patch and segment.row + segment.height > row.row
    across = segment.column < row.column + patch and segment.column + segment.width > row.column
    return bool(down and across)


def _median_planted(runs: list[Figures]) -> Figures:
    first = runs[0]  # everything has a fixed seed, so the rounds agree
    return {key: first[key] for key in ("rows", "accuracy", "found")}


def _median_model(runs: list[Figures]) -> Figures:
    found = dict(sorted(runs, key=lambda one: one["methods"][0]["ms"])[len(runs) // 2])
    found.pop("load", None)
    return found


def _show(one: Figures) -> str:
    shares = ", ".join(f"{name} {share:.1%}" for name, share in one["found"].items())
    return f"accuracy {one['accuracy']:.1%}, cue found: {shares}"


def _print(results: Figures) -> None:
    planted = [
        (name, one["rows"], f"{one['accuracy']:.1%}", method, f"{share:.1%}")
        for name, one in results["planted"].items()
        for method, share in one["found"].items()
    ]
    if planted:
        headers = ("rows of", "right", "accuracy", "method", "cue found")
        harness.print_table("planted cues", headers, planted)
    for name, one in results["models"].items():
        rows = [
            (
                method["method"],
                f"{method['comprehensiveness']['mean']:.3f}",
                f"{method['insertion_less_deletion']['mean']:.3f}",
                format_number(method["stability"], ".2f", "always"),
                format_number(method["processor_ms"]),
                method["verdict"],
            )
            for method in one["methods"]
        ]
        columns = ("method", "comprehensiveness", "insertion less deletion", "top 5", "ms", "")
        harness.print_table(f"{name}, {one['rows']} rows", columns, rows)
        if one["default_over_lime"]:
            shown = {k: format_number(v, ".2f") for k, v in one["default_over_lime"].items()}
            print(f"default over lime: {shown}")


if __name__ == "__main__":
    main()
