"""Sigmoid, ReLU and leaky ReLU on MNIST: seconds and epochs to an accuracy on validation rows.

A tutorial says that ReLU makes training 40 % faster. This benchmark trains one small network with
each activation, from the same initial weights (Glorot's, from the seed), with the same optimizer
and order of rows. It measures the validation rows several times an epoch, outside the clock, and
ends the training when their accuracy reaches the target. Graphs are traced before the clock starts.
Rows per second are reported apart, since a slower function can still need fewer steps. The test
rows are not used.
"""

from __future__ import annotations

import argparse
from typing import Any

import harness
from harness import Figures, Option
from keras_clock import time_epochs

SIDES = ("sigmoid", "relu", "leaky_relu")
OPTIONS = {
    "networks": Option(["dense", "conv"], ["dense"], "dense or conv", many=True),
    "seeds": Option(
        [0, 1, 2, 3, 4], [0], "random seeds; one training per seed and side", many=True
    ),
    "epochs": Option(30, 3, "largest number of epochs"),
    "checks": Option(4, 2, "measurements of the validation rows per epoch"),
    "batch": Option(128, 128, "batch size"),
    "rate": Option(0.001, 0.001, "Adam's learning rate"),
    "target": Option(0.97, 0.8, "target validation accuracy"),
    "rows": Option(0, 4_000, "training rows; 0 for all"),
}
CLAIM = 0.4


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Trains every activation with every seed, network by network."""
    results: Figures = {"claim": CLAIM}
    sizes = {
        name: vars(arguments)[name]
        for name in ("epochs", "checks", "batch", "rate", "target", "rows")
    }
    for network in arguments.networks:
        runs: harness.Runs = {side: [] for side in SIDES}
        for seed in arguments.seeds:
            print(f"{network}, seed {seed}", flush=True)
            tasks = {
                side: {"network": network, "activation": side, "seed": seed, **sizes}
                for side in SIDES
            }
            done = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
            for side in SIDES:
                runs[side] += done[side]
        results[network] = _summary(network, runs, arguments.target)
    return results


def measure_side(network: str, activation: str, seed: int, **sizes: Any) -> Figures:
    """Trains until the target is reached, or to the last epoch."""
    import keras
    import numpy as np

    from modelwright import load_data
    from modelwright.core.config import DataConfig

    data = load_data(DataConfig(**harness.data_settings("mnist", sizes["rows"])))
    (x, y), held_out = (
        (part.inputs.take(np.arange(len(part))).astype(np.float32) / 255, part.labels)
        for part in (data.splits["train"], data.splits["val"])
    )
    keras.utils.set_random_seed(seed)
    batches = _batches(x, y, sizes["batch"], seed)
    model = _network(network, activation)
    model.compile(
        keras.optimizers.Adam(sizes["rate"]),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    _trace(model, batches)
    steps = max(len(x) // sizes["batch"] // sizes["checks"], 1)
    with time_epochs() as clock:
        model.fit(
            batches,
            steps_per_epoch=steps,
            epochs=sizes["epochs"] * sizes["checks"],
            validation_data=held_out,
            validation_batch_size=1_000,
            callbacks=[_until(sizes["target"])],
            verbose=0,
        )
    reached = clock.reached("val_accuracy", sizes["target"])
    seen = steps * sizes["batch"]
    return {
        "seconds": sum(clock.training[:reached]) if reached else None,
        "epochs": reached * seen / len(x) if reached else None,
        "rows_per_second": clock.rate(seen),
        "end_val_accuracy": clock.logs[-1]["val_accuracy"],
        "weights": model.count_params(),
        "first_seconds": clock.training[0],
        "val_accuracies": [log["val_accuracy"] for log in clock.logs],
    }


def _batches(x: Any, y: Any, size: int, seed: int) -> Any:
    """Returns an endless shuffled data set. Single rows would be slower than a small network."""
    import tensorflow as tf

    rows = tf.data.Dataset.range(len(x)).shuffle(len(x), seed=seed).repeat()
    images, labels = tf.constant(x), tf.constant(y)
    batches = rows.batch(size).map(lambda row: (tf.gather(images, row), tf.gather(labels, row)))
    return batches.prefetch(tf.data.AUTOTUNE)


def _network(kind: str, activation: str) -> Any:
    import keras

    layers = keras.layers
    hidden = [layers.Flatten(), layers.Dense(128), layers.Dense(64)]
    if kind == "conv":
        hidden = [
            layers.Conv2D(16, 3),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64),
        ]
    stack: list[Any] = [keras.Input((28, 28, 1))]
    for layer in hidden:
        stack.append(layer)
        if hasattr(layer, "kernel_initializer"):
            stack.append(layers.Activation(activation))
    return keras.Sequential([*stack, layers.Dense(10, activation="softmax")])


def _trace(model: Any, batches: Any) -> None:
    """Traces the graphs, which is not part of the comparison, and undoes the steps."""
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    before = [variable.numpy() for variable in variables]
    model.fit(batches, steps_per_epoch=2, verbose=0)
    for variable, value in zip(variables, before, strict=True):
        variable.assign(value)


def _until(target: float) -> Any:
    import keras

    def check(epoch: int, logs: Any = None) -> None:
        # The rate leaves the first epoch out.
        if epoch and logs["val_accuracy"] >= target:
            stopping.model.stop_training = True

    stopping = keras.callbacks.LambdaCallback(on_epoch_end=check)
    return stopping


def _line(figures: Figures) -> str:
    if figures["seconds"] is None:
        return f"not reached, at the end {figures['end_val_accuracy']:.4f}"
    return f"{figures['seconds']:.2f} s, {figures['epochs']:.2f} epochs"


def _summary(network: str, runs: harness.Runs, target: float) -> Figures:
    medians = harness.medians(runs)
    saved = {
        key: harness.ratio(medians["relu"][key], medians["sigmoid"][key])
        for key in ("seconds", "epochs", "rows_per_second")
    }
    rows = [
        (
            side,
            harness.format_number(figures["seconds"], ".2f", "not reached"),
            harness.format_number(figures["epochs"], ".2f", "not reached"),
            harness.format_number(figures["rows_per_second"], ",.0f"),
            f"{figures['end_val_accuracy']:.2%}",
            sum(run["seconds"] is None for run in runs[side]),
        )
        for side, figures in medians.items()
    ]
    headers = ("activation", f"s to {target:.0%}", "epochs", "rows/s", "val at the end", "missed")
    seconds, epochs = (harness.format_number(saved[key], ".2f") for key in ("seconds", "epochs"))
    title = (
        f"{network}: ReLU takes {seconds} of sigmoid's seconds and"
        f" {epochs} of its epochs; '{CLAIM:.0%} faster' would be"
        f" {1 - CLAIM:.2f} to {1 / (1 + CLAIM):.2f} of the seconds"
    )
    harness.print_table(title, headers, rows)
    return {"medians": medians, "relu_over_sigmoid": saved, "runs": runs}


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
