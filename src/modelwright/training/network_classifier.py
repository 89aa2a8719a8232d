"""An adapter with which ``core.measure`` can measure a Keras network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from modelwright.core.types import FloatArray, Progress
from modelwright.models.ngrams import NgramNetwork
from modelwright.models.output_layer import two_columns
from modelwright.training.batches import Batches, TokenIds, encode_rows, rounded_lengths

_BATCH = 256


@dataclass(frozen=True)
class NetworkClassifier:
    """A network and, for raw texts, its tokenizer.

    Without a tokenizer, rows must be in the form that the network reads: token ids or uint8 images.
    """

    network: keras.Model
    tokenizer: Any | None = None

    def classify_rows(self, rows: Any, progress: Progress | None = None) -> FloatArray:
        """Returns class probabilities, float32 ``[n, classes]``."""
        inputs = encode_rows(rows, self.tokenizer, progress)
        if isinstance(inputs, TokenIds) and len(inputs) and takes_any_length(self.network):
            return two_columns(predict_texts(self.network, inputs, progress))
        batches = Batches(inputs, _BATCH)
        callbacks = [_PredictionProgress(progress, len(batches))] if progress else []
        outputs = self.network.predict(batches, verbose=0, callbacks=callbacks)
        return two_columns(np.asarray(outputs))


def takes_any_length(network: keras.Model) -> bool:
    """Returns whether a network reads token ids of any length, and shorter ones sooner.

    Under JAX it does not: that compiles a step for each length. A network of a user's own class may
    not say what it reads.
    """
    shape = getattr(network, "input_shape", ())
    return keras.config.backend() == "tensorflow" and tuple(shape[1:]) == (None,)


def predict_texts(
    network: keras.Model,
    inputs: TokenIds,
    progress: Progress | None = None,
    what: str = "evaluating",
) -> FloatArray:
    """Returns the outputs for texts of a network that takes any length, in the order of the rows.

    Texts of similar length share a batch, which is cut to its longest one.

    Args:
        network: the network.
        inputs: at least one row.
        progress: called after each batch.
        what: what it is told.
    """
    if isinstance(network, NgramNetwork):
        return network.answer(inputs, progress)
    _trace(network)
    widths = rounded_lengths(inputs.lengths())
    order, found = np.argsort(widths, kind="stable"), []
    for start in range(0, len(order), _BATCH):
        chosen = order[start : start + _BATCH]
        batch = inputs.take(chosen)[:, : widths[chosen[-1]]]
        found.append(np.asarray(network.predict_on_batch(batch)))
        if progress:
            progress(what, len(found), -(-len(order) // _BATCH))
    outputs = np.concatenate(found)
    restored: FloatArray = np.empty_like(outputs)
    restored[order] = outputs
    return restored


def _trace(network: keras.Model) -> None:
    """Traces a network once, for any number of texts of any length.

    Otherwise three batches would be traced: the first, one of another length, and one of another
    size.
    """
    import tensorflow as tf

    if network.predict_function is None and not network.run_eagerly:
        network.make_predict_function()
        batch = tf.TensorSpec((None, None), "int32")
        predict: Any = network.predict_function
        predict.get_concrete_function([(batch,)])


class _PredictionProgress(keras.callbacks.Callback):
    def __init__(self, progress: Progress, batches: int) -> None:
        super().__init__()
        self.progress = progress
        self.batches = batches

    def on_predict_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        self.progress("evaluating", batch + 1, self.batches)
