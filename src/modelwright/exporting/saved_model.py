"""The SavedModel of a servable: raw texts or encoded images in, probabilities and labels out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from modelwright.core.types import ImageShape, Task
from modelwright.models.image_decoding import decode_in_graph
from modelwright.servable.engines.network_function import network_input, network_probabilities
from modelwright.servable.manifest import INPUT_NAMES


def write_saved_model(
    path: Path,
    network: keras.Model,
    tokenizer: Any,
    labels: tuple[str, ...],
    *,
    task: Task,
    shape: ImageShape | None,
    orient: bool = True,
) -> None:
    """Writes a SavedModel with two signatures.

    Args:
        path: an existing folder.
        network: in float32, with its weights.
        tokenizer: of a text model; None for images.
        labels: the classes' names.
        task: what the rows are.
        shape: of an image; None for texts.
        orient: whether images are turned as their EXIF orientation says.

    The default signature takes ``input_text`` or ``image_bytes``, strings ``[n]``. The other one,
    ``ids`` or ``pixels``, takes prepared rows. Both give ``probabilities`` float32
    ``[n, classes]``, ``label`` string ``[n]`` and ``score`` float32 ``[n]``.
    """
    names = tf.constant(labels)

    def answer(rows: Any) -> dict[str, Any]:
        probabilities = network_probabilities(network, rows)
        best = tf.argmax(probabilities, axis=1)
        return {
            "probabilities": probabilities,
            "label": tf.gather(names, best),
            "score": tf.reduce_max(probabilities, axis=1),
        }

    def answer_raw(raw: Any) -> dict[str, Any]:
        if shape is None:
            return answer(tokenizer(raw))
        return answer(decode_in_graph(raw, shape, orient=orient))

    raw_spec = tf.TensorSpec([None], tf.string, name=INPUT_NAMES[task])
    prepared_spec = network_input(network)
    # Keras' own archive holds the weights under two names and writes them twice.
    module = tf.Module()
    module.weights = [weight.value for weight in network.variables]
    module.preprocess = tokenizer
    signatures = {
        "serving_default": tf.function(answer_raw, input_signature=[raw_spec]),
        prepared_spec.name: tf.function(answer, input_signature=[prepared_spec]),
    }
    tf.saved_model.save(module, str(path), signatures)
