"""The last dense layer of a network, and the features that it reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray, Progress, Rows
from modelwright.learning.lesson_batches import in_memory
from modelwright.learning.parts import find_parts, named_layers
from modelwright.training.batches import TokenIds
from modelwright.training.network_classifier import predict_texts, takes_any_length

_BATCH = 256
_PROBES = 4
_PROBE_LENGTH = 32


@dataclass(frozen=True)
class LastLayer:
    """The dense layer at the end of a network.

    Attributes:
        layer: the ``keras.layers.Dense``.
        extractor: the network from inputs to the features ``[n, d]`` that the layer reads.
    """

    layer: Any
    extractor: Any

    def features(self, inputs: Rows, progress: Progress | None = None) -> FloatArray:
        """Returns the features of rows, float32 ``[n, d]``."""
        texts, found = in_memory(inputs), []
        if isinstance(texts, TokenIds) and len(texts) and takes_any_length(self.extractor):
            return predict_texts(self.extractor, texts, progress, "computing features")
        for start in range(0, len(inputs), _BATCH):
            batch = inputs.take(np.arange(start, min(start + _BATCH, len(inputs))))
            found.append(np.asarray(self.extractor.predict_on_batch(batch)))
            if progress:
                progress("computing features", start + len(batch), len(inputs))
        size = self.layer.kernel.shape[0]
        return np.concatenate(found) if found else np.zeros((0, size), np.float32)

    def probe(self, tokens: int) -> FloatArray:
        """Returns the features of a few random inputs, which tell whether the features changed.

        Args:
            tokens: number of token ids to draw from; 0 for images.
        """
        random = np.random.default_rng(0)
        shape = tuple(side or _PROBE_LENGTH for side in self.extractor.input_shape[1:])
        if len(shape) == 1:
            shape = (min(shape[0], _PROBE_LENGTH),) if self._any_length else shape
            inputs = random.integers(1, max(tokens, 2), (_PROBES, *shape), np.int32)
        else:
            inputs = random.integers(0, 256, (_PROBES, *shape)).astype(np.uint8)
        outputs = self.extractor(keras.ops.convert_to_tensor(inputs), training=False)
        found: FloatArray = np.asarray(keras.ops.convert_to_numpy(outputs), np.float32)
        return found

    def set_scores(self, kernel: FloatArray, bias: FloatArray) -> None:
        """Sets the weights from those of a softmax, ``[d, classes]`` and ``[classes]``.

        A layer with a single sigmoid gets the difference of both classes.
        """
        if self.layer.kernel.shape[1] == 1:
            kernel, bias = kernel[:, 1:] - kernel[:, :1], bias[1:] - bias[:1]
        weights = [kernel, bias] if self.layer.use_bias else [kernel]
        self.layer.set_weights([one.astype(np.float32) for one in weights])

    @property
    def _any_length(self) -> bool:
        return tuple(self.extractor.input_shape[1:]) == (None,)


def find_last_layer(network: Any) -> LastLayer:
    """Returns the last layer of a network.

    Raises:
        ConfigError: the network does not end in one dense layer.
    """
    paths, layers = find_parts(network).last, named_layers(network)
    layer = layers[paths[0]] if len(paths) == 1 and "/" not in paths[0] else None
    if not isinstance(layer, keras.layers.Dense):
        raise ConfigError(
            f"the answer of this network comes from {', '.join(paths)}; expected one Dense layer at"
            " its end, outside of nested networks. Take a strategy that trains, such as replay."
        )
    return LastLayer(layer, keras.Model(network.inputs, layer.input))
