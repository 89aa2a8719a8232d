"""Quantization-aware training: trains a network on with weights rounded as ``int8`` rounds them.

Then rounding costs less accuracy (Jacob et al., arXiv:1712.05877). Only weights are rounded: the
forward pass uses each kernel in eight bits with one scale per channel, and the gradient passes as
if nothing was rounded. Normalization and dropout work as in inference, because the converter merges
the one into the kernels and drops the other.

As a program,
``python -m modelwright.quantization.quantization_aware_training FOLDER ROWS EPOCHS OUT`` reads
``inputs`` and ``labels`` from ROWS, an ``.npz``, and writes the variables' new values to OUT, an
``.npz``, too.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from modelwright.core.child_process import (
    keras_environment,
    main_of_child,
    report_line,
    run_child,
)
from modelwright.core.errors import ServableError
from modelwright.core.types import Progress
from modelwright.servable.manifest import read_manifest

_RATE = 1e-4
_BATCH = 128
_LARGEST_INTEGER = 127.0


def fine_tune(
    folder: Path, rows: Path, epochs: int, out: Path, progress: Progress | None = None
) -> None:
    """Trains a servable's network on, in a child process.

    Args:
        folder: a version's folder.
        rows: an ``.npz`` with training rows as the network reads them, and their labels.
        epochs: how many times it trains on each row.
        out: the ``.npz`` to write, with the values of the variables by their position.
        progress: is called after each epoch.

    Raises:
        ServableError: the training failed.
    """
    reason = run_child(
        __name__,
        [str(folder), str(rows), str(epochs), str(out)],
        out,
        environment=keras_environment(),
        on_line=lambda done: progress("fine-tuning", int(done), epochs) if progress else None,
    )
    if reason:
        raise ServableError(f"fine-tuning the network of {folder} failed: {reason}.")


def _fine_tune(arguments: list[str]) -> None:
    """Trains on and writes the values, in the child process."""
    import numpy as np

    from modelwright.servable.restore import restore_network

    folder, rows, epochs, out = arguments
    network = restore_network(Path(folder), read_manifest(Path(folder)))
    with np.load(rows, allow_pickle=False) as stored:
        inputs, labels = stored["inputs"], stored["labels"]
    _train(network, inputs, labels, int(epochs))
    values = {str(position): np.asarray(value) for position, value in enumerate(network.variables)}
    np.savez(out, allow_pickle=False, **values)


def _train(network: Any, inputs: Any, labels: Any, epochs: int) -> None:
    import keras
    import numpy as np
    import tensorflow as tf

    keras.utils.set_random_seed(0)
    binary = network.output_shape[-1] == 1
    loss = (
        keras.losses.BinaryCrossentropy()
        if binary
        else keras.losses.SparseCategoricalCrossentropy()
    )
    steps = -(-len(labels) // _BATCH)
    rate = keras.optimizers.schedules.CosineDecay(_RATE, steps * epochs)
    optimizer = keras.optimizers.Adam(rate)
    trained = network.trainable_variables
    optimizer.build(trained)
    frozen = [variable.value for variable in network.non_trainable_variables]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(rows: Any, truth: Any) -> None:
        with tf.GradientTape() as tape:
            values = [variable.value for variable in trained]
            tape.watch(values)
            outputs, _ = network.stateless_call(
                [rounded_kernel(value) for value in values], frozen, rows, training=False
            )
            value = loss(truth, outputs)
        optimizer.apply(tape.gradient(value, values), trained)

    for epoch in range(epochs):
        order = np.random.default_rng([epoch]).permutation(len(labels))
        for at in range(steps):
            chosen = order[at * _BATCH :][:_BATCH]
            step(tf.constant(inputs[chosen]), tf.constant(labels[chosen][:, None]))
        report_line(str(epoch + 1))


def rounded_kernel(value: Any) -> Any:
    """Returns a kernel rounded to eight bits, with one scale per channel; biases unchanged.

    A channel is an index of the last axis. The gradient is that of the kernel itself.
    """
    import tensorflow as tf

    if value.shape.rank < 2:
        return value
    largest = tf.reduce_max(tf.abs(value), axis=list(range(value.shape.rank - 1)), keepdims=True)
    scale = tf.maximum(largest / _LARGEST_INTEGER, 1e-12)
    return value + tf.stop_gradient(tf.round(value / scale) * scale - value)


if __name__ == "__main__":
    sys.exit(main_of_child(_fine_tune, sys.argv[1:], keras=True))
