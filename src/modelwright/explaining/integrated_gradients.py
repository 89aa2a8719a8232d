"""The method ``integrated-gradients``: the gradient along the way from an empty row to the row.

The path is straight, from the row with every segment taken out to the row itself, between the
first numbers that the network makes of its input: the vectors of its embeddings, or its scaled
pixels. The weights add up to the difference of the log-odds at both ends, but for the error of
the sum (Sundararajan et al. 2017, arXiv:1703.01365). The fidelity is 1 less that error's share,
the completeness gap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import Task
from modelwright.explaining.method import ImageSegment, MaskableRow, Weights
from modelwright.explaining.network_row import (
    by_segment,
    each_layer,
    label_log_odds,
    network_row,
    replaced_calls,
)

STEPS = 32
_NO_DIFFERENCE = 1e-4
Path = Callable[[Any, Any], tuple[Any, Any]]


class _LastPath:
    """The path of the network that was explained last.

    For texts it is compiled: a recurrent network takes seconds for each row without that.
    """

    def __init__(self) -> None:
        self._network: Any = None
        self._path: Path | None = None

    def of(self, network: Any, steps: int, *, text: bool) -> Path:
        """Returns the path of a network, which is compiled unless it was the last one."""
        if self._path is None or self._network is not network:
            self._path = _compile(network, steps, text=text)
            self._network = network
        return self._path


@dataclass(frozen=True)
class IntegratedGradients:
    """Weights from gradients at the steps of a path, for the rows of a run."""

    name: str = "integrated-gradients"
    tasks: tuple[Task, ...] = ("text", "image")
    random: bool = False
    needs_gradients: bool = True
    steps: int = STEPS
    _last: _LastPath = field(default_factory=_LastPath, repr=False, compare=False)

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the weight of each segment, in log-odds.

        Raises:
            ConfigError: the row is not of a network that turns each token or pixel into numbers.
        """
        import tensorflow as tf

        own = network_row(row, self.name)
        text = not isinstance(row.segments[0], ImageSegment)
        path = self._last.of(own.network, self.steps, text=text)
        kept = np.array([[False], [True]]).repeat(len(row.segments), axis=1)
        found, odds = path(tf.convert_to_tensor(own.inputs(kept)), tf.constant(label))
        attributions = np.asarray(found)
        total = float(attributions.sum(dtype=np.float64))
        difference = float(odds[1] - odds[0])
        fidelity = None
        if abs(difference) > _NO_DIFFERENCE:
            fidelity = max(0.0, 1 - abs(total - difference) / abs(difference))
        return Weights(
            by_segment(own, attributions),
            fidelity=fidelity,
            details={"steps": self.steps, "sum": total, "difference": difference},
        )


def _compile(network: Any, steps: int, *, text: bool) -> Path:
    """Returns a function of the empty row and the row ``[2, ...]``, and of a label.

    It returns the attribution of each token or pixel, and the log-odds ``[2]`` of both rows.

    Raises:
        ConfigError: on its first call, if the network has no first numbers of each.
    """
    import tensorflow as tf

    def path(rows: Any, label: Any) -> tuple[Any, Any]:
        first: dict[Any, list[Any]] = {}
        recorded = {layer: _recording(layer, first, text=text) for layer in each_layer(network)}
        with replaced_calls(recorded):
            odds = label_log_odds(network, rows, label)
        _check_first(network, first, rows, text=text)
        with tf.GradientTape() as tape:
            points = {layer: _points(outputs[0], steps) for layer, outputs in first.items()}
            tape.watch(list(points.values()))
            calls = {layer: _returning(point) for layer, point in points.items()}
            with replaced_calls(calls):
                along = label_log_odds(network, tf.repeat(rows[1:], steps, axis=0), label)
        attributions = 0.0
        for layer, gradient in zip(first, tape.gradient(along, list(points.values())), strict=True):
            if gradient is None:
                continue
            change = tf.cast(first[layer][0][1] - first[layer][0][0], "float32")
            mean = tf.reduce_mean(tf.cast(gradient, "float32"), axis=0)
            attributions += tf.reduce_sum(change * mean, axis=-1)
        return attributions, odds

    if not text:
        # Inside a graph, Keras' preprocessing layers get pixels that are already floats.
        return path
    shape = [2, *network.input_shape[1:]]
    signature = [tf.TensorSpec(shape, network.input.dtype), tf.TensorSpec([], "int32")]
    compiled: Path = tf.function(path, input_signature=signature, autograph=False)
    return compiled


def _points(ends: Any, steps: int) -> Any:
    """Returns the middles of ``steps`` equal parts of the way between two rows ``[2, ...]``."""
    import tensorflow as tf

    shares = (np.arange(steps, dtype=np.float32) + 0.5) / steps
    share = shares.reshape([-1] + [1] * (len(ends.shape) - 1))
    start, end = tf.cast(ends[:1], "float32"), tf.cast(ends[1:], "float32")
    return tf.cast(start + share * (end - start), ends.dtype)


def _recording(layer: Any, first: dict[Any, list[Any]], *, text: bool) -> Any:
    """Returns a call that records what a layer makes of integers."""
    import tensorflow as tf

    def call(old: Any, *args: Any, **kwargs: Any) -> Any:
        output = old(*args, **kwargs)
        read = tf.nest.flatten(args)[:1]
        # Of a text, layers without weights only tell where padding is.
        if (
            read
            and hasattr(output, "dtype")
            and tf.as_dtype(read[0].dtype).is_integer
            and tf.as_dtype(output.dtype).is_floating
            and (layer.weights or not text)
        ):
            first.setdefault(layer, []).append(output)
        return output

    return call


def _returning(point: Any) -> Any:
    return lambda _, *__, **___: point


def _check_first(network: Any, first: dict[Any, list[Any]], rows: Any, *, text: bool) -> None:
    """Checks that the first numbers of a network belong to single tokens or pixels.

    Raises:
        ConfigError: a layer sums over them, or there is none.
    """
    rank = 3 if text else 4
    odd = [
        layer.name
        for layer, outputs in first.items()
        if len(outputs) != 1
        or len(outputs[0].shape) != rank
        or outputs[0].shape[1 : rank - 1] != rows.shape[1 : rank - 1]
    ]
    if not odd and first:
        return
    raise ConfigError(
        "the method 'integrated-gradients' needs a network that first makes numbers of each"
        f" {'token' if text else 'pixel'}, as an embedding or a Rescaling does; the network"
        f" '{network.name}' "
        + (f"sums over them in '{odd[0]}'" if odd else "has no such layer")
        + f"; choose another --method, such as {'leave-one-out' if text else 'masks'}."
    )


METHOD = IntegratedGradients()
