"""The diagonal of the Fisher information: how much each weight matters for a network's answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from modelwright.core.types import FloatArray
from modelwright.learning.answers import answers
from modelwright.learning.lesson import LessonRows
from modelwright.learning.lesson_batches import in_memory
from modelwright.learning.parts import named_weights
from modelwright.training import runtime
from modelwright.training.adagrad import Adagrad
from modelwright.training.batches import TrainingBatches, to_keras_data

_MOST_ROWS = 2048
_BATCH = 8


def diagonal_fisher(network: Any, rows: LessonRows, *, seed: int) -> dict[str, FloatArray]:
    """Returns the diagonal of the Fisher information, for each weight of ``named_weights``.

    It is the mean over rows of the squared gradient of an answer's log-probability, for answers
    drawn from the network itself. Such a gradient has the mean 0 for each row, so the squared
    gradient of a batch's sum has the same expectation as the sum of the rows' squares, at the cost
    of a batch. The labels of the rows play no part.

    Args:
        network: a ``keras.Model``; its weights stay.
        rows: the rows; of many, a sample is read.
        seed: random seed of the sample and of the answers.
    """
    random = np.random.default_rng(seed)
    chosen = random.permutation(len(rows))[:_MOST_ROWS]
    inputs = in_memory(rows.inputs)
    sample = in_memory(_Chosen(inputs, chosen))
    likely = answers(network, LessonRows(sample, rows.labels[chosen]))
    drawn = (likely.cumsum(axis=1) < random.random((len(chosen), 1))).sum(axis=1)
    drawn = np.minimum(drawn, likely.shape[1] - 1)
    # Inference mode also in training steps: no dropout, and batch normalization keeps its averages.
    read = keras.Input(network.input_shape[1:], dtype=network.inputs[0].dtype)
    probe = keras.Model(read, network(read, training=False))
    loss = keras.losses.SparseCategoricalCrossentropy(reduction="sum")
    if network.output_shape[-1] == 1:
        loss = keras.losses.BinaryCrossentropy(reduction="sum")
    # What AdaGrad adds up are squared gradients. At a rate of 0 it does nothing else.
    sums = Adagrad(learning_rate=0.0, initial_accumulator_value=0.0)
    probe.compile(sums, loss, jit_compile=runtime.jit_compile())
    batches = TrainingBatches(
        sample,
        drawn.astype(np.int32)[:, None],
        _BATCH,
        seed=seed,
        any_length=network.input_shape[1:] == (None,),
    )
    probe.fit(to_keras_data(batches), shuffle=False, verbose=0)
    squares = {id(one): sums._accumulators[i] for i, one in enumerate(sums._trainable_variables)}
    return {
        name: keras.ops.convert_to_numpy(squares[id(weight)]) / len(chosen)
        for name, weight in named_weights(network).items()
    }


def grown(fisher: Mapping[str, FloatArray], network: Any) -> dict[str, FloatArray]:
    """Returns what is known of a network's weights, with 0 for those of new tokens and classes.

    Weights of which nothing is known are left out. So are those that growth has moved or replaced,
    such as a single output column that became several.
    """
    found = {}
    for name, weight in named_weights(network).items():
        carried = _carry(fisher[name], tuple(weight.shape), name) if name in fisher else None
        if carried is not None:
            found[name] = carried
    return found


def _carry(known: FloatArray, shape: tuple[int, ...], name: str) -> FloatArray | None:
    if known.shape == shape:
        return known.astype(np.float32)
    last = name.rpartition("/")[2]
    columns = last in ("kernel", "bias") and known.shape[:-1] == shape[:-1] and known.shape[-1] > 1
    rows = last == "embeddings" and known.shape[1:] == shape[1:]
    if not columns and not rows:
        return None
    more = [size - had for size, had in zip(shape, known.shape, strict=True)]
    if min(more) < 0:
        return None
    return np.pad(known, [(0, size) for size in more]).astype(np.float32)


class _Chosen:
    """Some of the rows."""

    def __init__(self, inputs: Any, positions: Any) -> None:
        self._inputs, self._positions = inputs, positions

    def __len__(self) -> int:
        return len(self._positions)

    def take(self, indices: Any) -> Any:
        """Returns rows by position."""
        return self._inputs.take(self._positions[indices])
