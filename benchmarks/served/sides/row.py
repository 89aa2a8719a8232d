"""One row in, one answer out: what all sides do with the same ONNX file, or with the SavedModel."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from modelwright.servable.manifest import read_manifest
from modelwright.servable.preprocessing import Preparation

Answer = dict[str, Any]


def read(instance: Any) -> str | bytes:
    """The text or the picture of one instance, in any of TensorFlow Serving's ways to write it."""
    if isinstance(instance, Mapping) and len(instance) == 1:
        (name, value), *_ = instance.items()
        return base64.b64decode(value) if name == "b64" else read(value)
    return str(instance)


class Bare:
    """ONNX Runtime on one thread, called where it is asked, with the servable's preparation."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime

        about = read_manifest(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(folder / "onnx" / "model.onnx"), options, providers=["CPUExecutionProvider"]
        )
        (given,) = self._session.get_inputs()
        self._name = given.name
        self._shortest = about.task == "text" and not isinstance(given.shape[1], int)
        self._prepare = Preparation(folder, about)
        self._labels = about.labels

    def __call__(self, row: str | bytes) -> Answer:
        """The answer that the default signature gives for one row."""
        ready = self._prepare([row], shortest=self._shortest)
        (chances,) = self._session.run(None, {self._name: ready})[0]
        best = int(chances.argmax())
        return {
            "probabilities": chances.tolist(),
            "label": self._labels[best],
            "score": float(chances[best]),
        }


def saved_model(folder: Path) -> Callable[[str | bytes], Answer]:
    """The SavedModel's default signature through TensorFlow, as its guide shows."""
    import tensorflow as tf

    about = read_manifest(folder)
    loaded = tf.saved_model.load(str(folder))
    function = loaded.signatures["serving_default"]

    def answer(row: str | bytes) -> Answer:
        # The model is held here: its functions do not own its variables.
        _ = loaded
        given = function(**{about.input_name: tf.constant([row])})
        return {
            "probabilities": given["probabilities"].numpy()[0].tolist(),
            "label": given["label"].numpy()[0].decode(),
            "score": float(given["score"].numpy()[0]),
        }

    return answer
