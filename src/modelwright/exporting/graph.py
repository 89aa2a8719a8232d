"""The SavedModel of a servable: raw text or encoded pictures in, named labels out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from modelwright.core.types import ImageShape, Task
from modelwright.models.image_decoding import decode_in_graph
from modelwright.servable.manifest import INPUT_NAMES


def write(
    path: Path,
    network: keras.Model,
    preprocess: Any,
    labels: tuple[str, ...],
    *,
    task: Task,
    shape: ImageShape | None,
) -> None:
    """Write a SavedModel with two signatures.

    Args:
        path: an existing folder.
        network: in float32, with its weights.
        preprocess: a text model's tokeniser; None for pictures.
        labels: the classes' names.
        task: what the rows are.
        shape: of a picture; None for texts.

    The default one takes ``input_text`` or ``image_bytes``, strings ``[n]``; the other,
    ``ids`` or ``pixels``, takes what the network takes. Both give ``probabilities`` float32
    ``[n, classes]``, ``label`` string ``[n]`` and ``score`` float32 ``[n]``.
    """
    names = tf.constant(labels)

    def answer(rows: Any) -> dict[str, Any]:
        outputs = probabilities(network, rows)
        best = tf.argmax(outputs, axis=1)
        return {
            "probabilities": outputs,
            "label": tf.gather(names, best),
            "score": tf.reduce_max(outputs, axis=1),
        }

    def answer_raw(raw: Any) -> dict[str, Any]:
        return answer(preprocess(raw) if shape is None else decode_in_graph(raw, shape))

    raw = tf.TensorSpec([None], tf.string, name=INPUT_NAMES[task])
    ready = ready_spec(network)
    # Keras' own archive holds the weights under two names and writes them twice.
    module = tf.Module()
    module.weights = [weight.value for weight in network.variables]
    module.preprocess = preprocess
    signatures = {
        "serving_default": tf.function(answer_raw, input_signature=[raw]),
        ready.name: tf.function(answer, input_signature=[ready]),
    }
    tf.saved_model.save(module, str(path), signatures)


def probabilities(network: keras.Model, rows: Any) -> Any:
    """The network's answer to what it reads, float32 ``[n, classes]``."""
    outputs = tf.cast(network(rows, training=False), tf.float32)
    return tf.concat([1 - outputs, outputs], axis=1) if outputs.shape[-1] == 1 else outputs


def ready_spec(network: keras.Model, batch: int | None = None) -> tf.TensorSpec:
    """What the network reads: ids ``[n, length]`` or pixels ``[n, h, w, c]``."""
    name = "ids" if len(network.input_shape) == 2 else "pixels"
    return tf.TensorSpec([batch, *network.input_shape[1:]], network.inputs[0].dtype, name=name)
