"""Training speed of Modelwright's recipes and of plain Keras scripts like those of a tutorial.

Images: the recipe ``cnn`` on CIFAR-10 and a script with the same convolutions. Reviews: the recipe
``bilstm`` on IMDB and a script with the same recurrent layers, padded at the end, without a mask.
The scripts use float32, Adam and a batch size of 32, and have everything in memory before the clock
starts. Both sides get the rows of ``load_data``'s splits train and val. The recipes do more for
accuracy than the scripts: batch normalization, dropout and augmented images; more tokens of a long
review than the script's 200. Therefore a third side, ``same network``, is Modelwright on the
networks of the scripts, with the batch size of the recipes.

The rate is that of the training steps in all epochs but the first. With ``--to-target``, recipe and
script train to their end, and the result is the time, from the first step and with all validation,
until the accuracy on the validation rows reaches the target. The test rows are measured once, at
the end; they decide nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import harness
from harness import RECIPE_OPTIONS, RECIPES, Figures, Option
from keras_clock import Clock, time_epochs

SIDES = ("modelwright", "keras")
SAME = "same network"
SAME_RECIPES = {"pictures": "cnn-tutorial", "reviews": "bilstm-tutorial"}
OPTIONS = {
    "kinds": Option(
        ["pictures", "reviews"], ["pictures", "reviews"], "kinds of rows to train on", many=True
    ),
    "to_target": Option(False, False, "train to the end and report when the target was reached"),
    "epochs": Option(3, 2, "epochs of a rate; the first does not count"),
    "pictures_rows": Option(0, 2_000, "training images; 0 for all"),
    "reviews_rows": Option(6_400, 600, "training reviews of a rate; 0 for all"),
    **RECIPE_OPTIONS,
    "keras_batch": Option(32, 32, "batch size of the plain scripts"),
    "modelwright_pictures_epochs": Option(0, 2, "epochs to the target; 0 for the recipe's"),
    "modelwright_reviews_epochs": Option(0, 2, "epochs to the target; 0 for the recipe's"),
    "keras_pictures_epochs": Option(30, 2, "epochs to the target"),
    "keras_reviews_epochs": Option(10, 2, "epochs to the target"),
    "pictures_target": Option(0.785, 0.2, "target validation accuracy"),
    "reviews_target": Option(0.873, 0.5, "target validation accuracy"),
}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Compares the rates, or the times to the target, on each kind of rows."""
    results: Figures = {"suffix": "-to-target"} if arguments.to_target else {}
    for kind in arguments.kinds:
        sides = SIDES if arguments.to_target else ("modelwright", SAME, "keras")
        tasks = {side: _task(arguments, kind, side) for side in sides}
        print(kind, flush=True)
        runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
        results[kind] = {**_summary(kind, runs, arguments), "runs": runs}
    return results


def measure_side(**task: Any) -> Figures:
    """Trains one side once."""
    import modelwright

    side, kind = task["side"], task["kind"]
    train = _keras if side == "keras" else _modelwright
    started = time.perf_counter()
    clock, rows, extra = train(modelwright, kind, task)
    figures: Figures = {
        "rows": rows,
        "rows_per_second": clock.rate(rows),
        "epochs": len(clock.ends),
        "best_val_accuracy": max(log["val_accuracy"] for log in clock.logs),
        "end_val_accuracy": clock.logs[-1]["val_accuracy"],
        "fit_seconds": clock.ends[-1],
        "all_seconds": time.perf_counter() - started,
        "training_seconds": clock.training,
        "epoch_ends": clock.ends,
        "val_accuracies": [log["val_accuracy"] for log in clock.logs],
        **extra,
    }
    if task["to_target"]:
        reached = clock.reached("val_accuracy", task["target"])
        figures["reached_epoch"] = reached
        figures["reached_seconds"] = clock.ends[reached - 1] if reached else None
    return figures


def _task(arguments: argparse.Namespace, kind: str, side: str) -> Figures:
    options = vars(arguments)
    rows = options[f"{kind}_rows"]
    if arguments.to_target and not arguments.quick:
        rows = 0
    epochs = options[f"{side}_{kind}_epochs"] if arguments.to_target else arguments.epochs
    return {
        "side": side,
        "kind": kind,
        "rows": rows,
        "epochs": epochs,
        "to_target": arguments.to_target,
        "target": options[f"{kind}_target"],
        "batch": arguments.keras_batch if side == "keras" else options[f"{kind}_batch"],
        "sets": options[f"{kind}_set"] if side == "modelwright" else [],
    }


def _modelwright(modelwright: Any, kind: str, task: Figures) -> tuple[Clock, int, Figures]:
    recipe, data = RECIPES[kind]
    if task["side"] == SAME:
        recipe = SAME_RECIPES[kind]
    settings: Figures = {"batch_size": task["batch"]}
    if task["epochs"]:
        settings["epochs"] = task["epochs"]
    if not task["to_target"]:
        settings["patience"] = 0  # otherwise a rate could use fewer epochs than asked for
    with tempfile.TemporaryDirectory() as folder, time_epochs() as clock:
        report = harness.train(
            data=harness.data_settings(data, task["rows"]),
            model={"recipe": recipe},
            train=settings,
            sets=task["sets"],
            out=Path(folder) / "run",
        )
        extra: Figures = {"precision": report.precision}
        if task["to_target"]:
            extra["test_accuracy"] = harness.evaluate(report.run).metrics.accuracy
        return clock, harness.train_rows(report), extra


def _keras(modelwright: Any, kind: str, task: Figures) -> tuple[Clock, int, Figures]:
    import keras

    from modelwright.core.config import DataConfig

    _, source = RECIPES[kind]
    data = modelwright.load_data(DataConfig(**harness.data_settings(source, task["rows"])))
    keras.utils.set_random_seed(0)
    prepare, build = {
        "pictures": (_floats, _convolutional),
        "reviews": (_tokens, _recurrent),
    }[kind]
    parts = prepare({name: (_all(part), part.labels) for name, part in data.splits.items()})
    model = build(keras.layers)
    with time_epochs() as clock:
        model.fit(
            *parts["train"],
            batch_size=task["batch"],
            epochs=task["epochs"],
            validation_data=parts["val"],
            verbose=2,
        )
    extra: Figures = {"precision": "float32"}
    if task["to_target"]:
        extra["test_accuracy"] = float(model.evaluate(*parts["test"], verbose=0)[1])
    return clock, len(data.splits["train"]), extra


def _convolutional(layers: Any) -> Any:
    import keras

    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(128, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _recurrent(layers: Any) -> Any:
    import keras

    model = keras.Sequential(
        [
            keras.Input((200,), dtype="int32"),
            layers.Embedding(10_000, 64),
            layers.Bidirectional(layers.LSTM(64, return_sequences=True)),
            layers.Bidirectional(layers.LSTM(32)),
            layers.Dense(24, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


def _floats(parts: Figures) -> Figures:
    return {name: (x.astype(np.float32) / 255, y) for name, (x, y) in parts.items()}


def _tokens(parts: Figures) -> Figures:
    import keras

    vectorize = keras.layers.TextVectorization(max_tokens=10_000, output_sequence_length=200)
    vectorize.adapt(np.array(parts["train"][0], object), batch_size=512)

    def encode(texts: list[str]) -> np.ndarray:
        steps = [np.array(texts[at : at + 1024], object) for at in range(0, len(texts), 1024)]
        return np.concatenate([np.asarray(vectorize(step), np.int32) for step in steps])

    return {name: (encode(x), y.astype(np.float32)) for name, (x, y) in parts.items()}


def _all(split: Any) -> Any:
    return split.inputs.take(np.arange(len(split)))


def _line(figures: Figures) -> str:
    if "reached_epoch" not in figures:
        return f"{figures['rows_per_second']:,.0f} rows/s"
    when = harness.format_number(figures["reached_seconds"], ",.0f", "never, so not after")
    return (
        f"{when} s to the target, {figures['epochs']} epochs, test {figures['test_accuracy']:.4f}"
    )


def _summary(kind: str, runs: harness.Runs, arguments: argparse.Namespace) -> Figures:
    if arguments.to_target:
        return _times_to_target(kind, runs, vars(arguments)[f"{kind}_target"])
    return _rates(kind, runs)


def _rates(kind: str, runs: harness.Runs) -> Figures:
    """Prints the rows per second of each side, and returns the medians and their ratios."""
    medians = harness.medians(runs)
    ratios = {
        side: harness.ratio(figures["rows_per_second"], medians["keras"]["rows_per_second"])
        for side, figures in medians.items()
        if side != "keras"
    }
    rows = []
    for side, figures in medians.items():
        epochs = [np.diff(run["epoch_ends"]).mean() for run in runs[side]]
        rate = harness.format_number(figures["rows_per_second"], ",.0f")
        rows.append((side, rate, f"{np.median(epochs):.2f}", figures["precision"]))
    times = " and ".join(harness.format_number(value, ".2f") for value in ratios.values())
    title = f"{kind}: Modelwright trains {times} times as many a second"
    headers = ("side", f"{kind}/s", "s per epoch, all", "precision")
    harness.print_table(title, headers, rows)
    return {"medians": medians, "over_keras": ratios}


def _times_to_target(kind: str, runs: harness.Runs, target: float) -> Figures:
    """Prints the seconds of each side to the target, and returns the medians and their ratio."""
    medians = harness.medians(runs)
    own, other = (medians[side]["reached_seconds"] for side in SIDES)
    times = harness.ratio(other, own)
    rows = []
    for side in SIDES:
        figures = medians[side]
        missing = f"not in {figures['epochs']:.0f} epochs"
        rows.append(
            (
                side,
                harness.format_number(figures["reached_seconds"], ",.1f", missing),
                harness.format_number(figures["reached_epoch"], ".0f"),
                harness.format_number(figures["epochs"], ".0f"),
                harness.format_number(figures["fit_seconds"]),
                *(
                    f"{figures[key]:.2%}"
                    for key in ("end_val_accuracy", "best_val_accuracy", "test_accuracy")
                ),
            )
        )
    shown = harness.format_number(times, ".2f")
    title = f"{kind}: plain Keras takes {shown} times as long to the target"
    headers = ("side", f"s to {target:.1%}", "epoch", "epochs", "s in total", "val", "best", "test")
    harness.print_table(title, headers, rows)
    return {"medians": medians, "time_ratio": times}


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
