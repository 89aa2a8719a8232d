"""The method ``integrated-gradients``: the gradient along the way from an empty row to the row.

The path is straight, from the row with every segment taken out to the row itself, between the
first numbers that the network makes of its input: the vectors of its embeddings, or its scaled
pixels. The weights add up to the difference of the log-odds at both ends, but for the error of
the sum (Sundararajan et al. 2017, arXiv:1703.01365). The fidelity is 1 less that error's share,
the completeness gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray, Task
from modelwright.explaining.method import ImageSegment, MaskableRow, Weights
from modelwright.explaining.network_row import (
    NetworkRow,
    all_kept,
    by_segment,
    each_layer,
    label_log_odds,
    network_row,
    replaced_calls,
)

STEPS = 32
_NO_DIFFERENCE = 1e-4


@dataclass
class _FirstValues:
    """What one layer makes of the empty row and of the row, each ``[1, ...]``."""

    layer: Any
    empty: Any
    full: Any


@dataclass(frozen=True)
class IntegratedGradients:
    """Weights from gradients at the steps of a path, for the rows of a run."""

    name: str = "integrated-gradients"
    tasks: tuple[Task, ...] = ("text", "image")
    random: bool = False
    needs_gradients: bool = True
    steps: int = STEPS

    def weigh(self, row: MaskableRow, label: int, seed: int) -> Weights:
        """Returns the weight of each segment, in log-odds.

        Raises:
            ConfigError: the row is not of a network that turns each token or pixel into numbers.
        """
        import tensorflow as tf

        own = network_row(row, self.name)
        full, empty = (own.inputs(all_kept(row, kept)) for kept in (True, False))
        first = _first_values(own, full, empty, text=not isinstance(row.segments[0], ImageSegment))
        attributions, total = self._integrate(own, full, first, label)
        ends = label_log_odds(own.network, tf.convert_to_tensor(full), label)
        starts = label_log_odds(own.network, tf.convert_to_tensor(empty), label)
        difference = float(ends[0] - starts[0])
        fidelity = None
        if abs(difference) > _NO_DIFFERENCE:
            fidelity = max(0.0, 1 - abs(total - difference) / abs(difference))
        return Weights(
            by_segment(own, attributions),
            fidelity=fidelity,
            details={"steps": self.steps, "sum": total, "difference": difference},
        )

    def _integrate(
        self, row: NetworkRow, full: Any, first: list[_FirstValues], label: int
    ) -> tuple[FloatArray, float]:
        """Returns the attribution of each token or pixel, and their sum."""
        import tensorflow as tf

        shares = (np.arange(self.steps, dtype=np.float32) + 0.5) / self.steps
        watched: dict[int, Any] = {}
        with tf.GradientTape() as tape:

            def on_the_way(values: _FirstValues) -> Any:
                share = tf.reshape(tf.constant(shares), [-1] + [1] * (len(values.full.shape) - 1))
                difference = tf.cast(values.full - values.empty, "float32")
                point = tf.cast(values.empty, "float32") + share * difference
                point = tf.cast(point, values.full.dtype)

                def call(_: Any, *args: Any, **kwargs: Any) -> Any:
                    tape.watch(point)
                    watched[id(values)] = point
                    return point

                return call

            inputs = tf.repeat(tf.convert_to_tensor(full), self.steps, axis=0)
            with replaced_calls({values.layer: on_the_way(values) for values in first}):
                odds = label_log_odds(row.network, inputs, label)
        points = [watched[id(values)] for values in first]
        attributions = np.zeros(row.places.shape, np.float32)
        for values, gradient in zip(first, tape.gradient(odds, points), strict=True):
            if gradient is not None:
                change = np.asarray(values.full - values.empty, np.float32)
                mean = np.asarray(tf.reduce_mean(tf.cast(gradient, "float32"), axis=0))
                attributions += (change * mean)[0].sum(axis=-1)
        return attributions, float(attributions.sum(dtype=np.float64))


def _first_values(row: NetworkRow, full: Any, empty: Any, *, text: bool) -> list[_FirstValues]:
    """Returns the layers that make numbers of the network's integers, with what they make.

    Raises:
        ConfigError: a layer with weights sums over tokens or pixels at once.
    """
    import tensorflow as tf

    made: dict[Any, list[Any]] = {}

    def recorded(layer: Any) -> Any:
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
                made.setdefault(layer, []).append(output)
            return output

        return call

    with replaced_calls({layer: recorded(layer) for layer in each_layer(row.network)}):
        for inputs in (empty, full):
            row.network(tf.convert_to_tensor(inputs), training=False)
    shape = tuple(row.places.shape)
    odd = [
        layer.name
        for layer, outputs in made.items()
        if len(outputs) != 2 or outputs[0].shape[1:-1] != shape
    ]
    if odd or not made:
        raise ConfigError(
            "the method 'integrated-gradients' needs a network that first makes numbers of each"
            f" {'token' if text else 'pixel'}, as an embedding or a Rescaling does; the network"
            f" '{row.network.name}' "
            + (f"sums over them in '{odd[0]}'" if odd else "has no such layer")
            + f"; choose another --method, such as {'leave-one-out' if text else 'masks'}."
        )
    return [_FirstValues(layer, *outputs) for layer, outputs in made.items()]


METHOD = IntegratedGradients()
