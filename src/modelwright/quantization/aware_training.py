"""Training on with weights that are rounded as ``int8`` rounds them, so that rounding costs less.

Quantisation-aware training (Jacob and others, arXiv:1712.05877), of the weights alone: on the way
forward each kernel is rounded to eight bits with a scale a channel, and the gradient passes as if
it had not been. Normalisation and dropout work as they do when the model answers, since the
converter multiplies the one into the kernels and leaves the other out.

As a program,
``python -m modelwright.quantization.aware_training FOLDER ROWS EPOCHS OUT`` reads ``inputs`` and
``labels`` from ROWS, an ``.npz``, and writes the variables' new values to OUT, another.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from modelwright.core import child_process
from modelwright.core.errors import ServableError
from modelwright.core.types import Progress

_RATE = 1e-4
_BATCH = 128
_LARGEST = 127.0


def finetune(
    folder: Path, rows: Path, epochs: int, out: Path, progress: Progress | None = None
) -> None:
    """Train a servable's network on, in a process of its own.

    Args:
        folder: a version's folder.
        rows: training rows as the network reads them, and their labels.
        epochs: how often each is seen.
        out: where the variables' values go.
        progress: told of each epoch.

    Raises:
        ServableError: it failed.
    """
    reason = child_process.run(
        __name__,
        [str(folder), str(rows), str(epochs), str(out)],
        out,
        environment=child_process.building(),
        told=lambda done: progress("fine-tuning", int(done), epochs) if progress else None,
    )
    if reason:
        raise ServableError(f"fine-tuning the network of {folder} failed: {reason}.")


def work(arguments: list[str]) -> None:
    """Train on and write the values."""
    import numpy as np

    from modelwright.servable import manifest, restore

    folder, rows, epochs, out = arguments
    network = restore.network(Path(folder), manifest.read(Path(folder)))
    with np.load(rows, allow_pickle=False) as stored:
        inputs, labels = stored["inputs"], stored["labels"]
    _train(network, inputs, labels, int(epochs))
    values = {str(number): np.asarray(value) for number, value in enumerate(network.variables)}
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
    still = [variable.value for variable in network.non_trainable_variables]

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(rows: Any, truth: Any) -> None:
        with tf.GradientTape() as tape:
            values = [variable.value for variable in trained]
            tape.watch(values)
            outputs, _ = network.stateless_call(
                [rounded(value) for value in values], still, rows, training=False
            )
            value = loss(truth, outputs)
        optimizer.apply(tape.gradient(value, values), trained)

    for epoch in range(epochs):
        order = np.random.default_rng([epoch]).permutation(len(labels))
        for at in range(steps):
            chosen = order[at * _BATCH :][:_BATCH]
            step(tf.constant(inputs[chosen]), tf.constant(labels[chosen][:, None]))
        child_process.tell(str(epoch + 1))


def rounded(value: Any) -> Any:
    """A kernel rounded to eight bits with a scale for each of its last axis, others as they are.

    Its gradient is that of the kernel itself.
    """
    import tensorflow as tf

    if value.shape.rank < 2:
        return value
    largest = tf.reduce_max(tf.abs(value), axis=list(range(value.shape.rank - 1)), keepdims=True)
    scale = tf.maximum(largest / _LARGEST, 1e-12)
    return value + tf.stop_gradient(tf.round(value / scale) * scale - value)


if __name__ == "__main__":
    sys.exit(child_process.main(work, sys.argv[1:], keras=True))
