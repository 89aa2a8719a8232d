"""The program that runs one SavedModel for a server.

``python -m modelwright.serve.lifecycle.savedmodel_process FOLDER``.

It writes the signatures, then an answer for each request, and ends when its input does.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from typing import Any

import numpy as np

from modelwright.core.errors import brief, graph_reason
from modelwright.serve.lifecycle import savedmodel_servable
from modelwright.wire import messages, tensors

_UNBOUNDED = 2**40
_INTERNAL = "__saved_model"


def main(folder: str) -> int:
    """Loads the model, then answers until the input ends. Returns the exit code."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Text that a graph prints must not mix with the frames.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = sys.stdin.buffer
    try:
        model, described = _load(folder)
    except Exception as error:  # noqa: BLE001 - whatever TensorFlow raises is the answer
        savedmodel_servable.write_frame(answers, savedmodel_servable.FAILED + brief(error).encode())
        return 1
    # The server may have ended while the model was loaded.
    with suppress(BrokenPipeError):
        signatures = savedmodel_servable.OK + described.SerializeToString()
        savedmodel_servable.write_frame(answers, signatures)
        while (request := savedmodel_servable.read_frame(requests)) is not None:
            savedmodel_servable.write_frame(answers, _answer(model, request))
    return 0


def _load(folder: str) -> tuple[Any, Any]:
    from modelwright.core.backend import load_tensorflow, skip_unused_packages

    skip_unused_packages()
    load_tensorflow()
    import tensorflow as tf
    from tensorflow.python.saved_model import loader_impl

    # The loaded model no longer knows the methods of its signatures, so they are read here.
    described = messages.SignatureDefMap()
    (graph,) = loader_impl.parse_saved_model(folder).meta_graphs
    for name, signature in graph.signature_def.items():
        if not name.startswith(_INTERNAL):
            described.signature_def[name].ParseFromString(signature.SerializeToString())
    return tf.saved_model.load(folder), described


def _answer(model: Any, content: bytes) -> bytes:
    import tensorflow as tf

    request = messages.PredictRequest()
    request.ParseFromString(content)
    try:
        function = model.signatures[request.model_spec.signature_name]
        inputs = {}
        for name, value in request.inputs.items():
            array = tensors.to_array(value, limit=_UNBOUNDED)
            texts = array.dtype == object
            inputs[name] = tf.constant(array.tolist(), tf.string, array.shape) if texts else array
            inputs[name] = tf.convert_to_tensor(inputs[name])
        outputs = function(**inputs)
        response = messages.PredictResponse()
        for name, value in outputs.items():
            kind = object if value.dtype == tf.string else None
            response.outputs[name].CopyFrom(tensors.to_proto(np.asarray(value.numpy(), kind)))
    except (tf.errors.InvalidArgumentError, ValueError, TypeError) as error:
        return (
            savedmodel_servable.REFUSED
            + graph_reason(getattr(error, "message", None) or str(error)).encode()
        )
    except Exception as error:  # noqa: BLE001 - the process lives on for the next request
        return savedmodel_servable.FAILED + brief(error).encode()
    serialized: bytes = response.SerializeToString()
    return savedmodel_servable.OK + serialized


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
