"""ONNX Runtime: the fastest engine. Tokenizes texts and decodes images without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ServableError, brief
from modelwright.core.types import FloatArray, RawInput
from modelwright.servable.engines.kinds import EngineKind
from modelwright.servable.engines.padding import run_padded
from modelwright.servable.manifest import Manifest
from modelwright.servable.preprocessing import Preparation

_FILE = "onnx/model.onnx"
_OPSET = 18
_BATCH = 32
_PREPARED = 1024
"""Rows that are prepared together; texts of one length among them run together."""


class OnnxEngine:
    """One session; it runs in the thread that calls it."""

    def __init__(self, folder: Path, manifest: Manifest, engine: str) -> None:
        """Loads the ONNX file of a servable.

        Raises:
            ImportError: ONNX Runtime is not installed.
            ServableError: the file cannot be loaded.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        path = folder / ONNX.file(engine)
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - its exceptions have no other common base
            reason = brief(error)
            raise ServableError(f"{path} cannot be loaded: {reason}.") from None
        (spec,) = self._session.get_inputs()
        self._input = spec.name
        # The width is an integer where it is fixed; where it is not, it is a name or None.
        any_length = manifest.task == "text" and not isinstance(spec.shape[1], int)
        self.takes_padded_rows = not any_length
        self._prepare = Preparation(folder, manifest)
        self.row = self._prepare.row
        self._classes = len(manifest.labels)

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """Prepares raw inputs; where texts may have any length, pass texts of one length."""
        return self._prepare(inputs, shortest=not self.takes_padded_rows)

    def run(self, rows: Any) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of prepared rows."""
        if len(rows) <= _BATCH:
            return self._run(rows)
        starts = range(0, len(rows), _BATCH)
        return np.concatenate([self._run(rows[start : start + _BATCH]) for start in starts])

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of raw inputs."""
        if len(inputs) == 1:
            return self.run(self.prepare(inputs))
        parts = [np.empty((0, self._classes), np.float32)]
        for start in range(0, len(inputs), _PREPARED):
            parts.append(run_padded(self, self._prepare(inputs[start : start + _PREPARED])))
        return np.concatenate(parts)

    def _run(self, rows: Any) -> FloatArray:
        probabilities: FloatArray = self._session.run(None, {self._input: rows})[0]
        return probabilities


def convert_to_onnx(
    network: Any, settings: Mapping[str, Any], samples: Path | None = None
) -> bytes:
    """Returns a network as the content of an ONNX file; it has no settings and needs no samples."""
    import tensorflow as tf
    import tf2onnx

    from modelwright.servable.engines.network_function import network_input, network_probabilities

    spec = network_input(network)
    function = tf.function(
        lambda rows: {"probabilities": network_probabilities(network, rows)}, input_signature=[spec]
    )
    model, _ = tf2onnx.convert.from_function(function, input_signature=[spec], opset=_OPSET)
    names = ("rows", "length") if spec.name == "ids" else ("rows",)
    for value, given in ((model.graph.input[0], names), (model.graph.output[0], ("rows",))):
        for size, name in zip(value.type.tensor_type.shape.dim, given, strict=False):
            if not size.dim_value:
                size.dim_param = name
    content: bytes = model.SerializeToString()
    return content


def annotate_onnx(content: bytes, description: Mapping[str, str]) -> bytes:
    """Returns an ONNX file with a description in its ``metadata_props``."""
    import onnx

    added = onnx.ModelProto()
    for key, value in description.items():
        added.metadata_props.add(key=key, value=value)
    # A message may be written in parts, one after the other; so a large file is not parsed.
    described: bytes = content + added.SerializeToString()
    return described


# A mask for padding would keep a recurrent layer a loop of small steps in ONNX. So the file is
# made without one. The answer does not depend on padding, but rows of one length take less time.
ONNX = EngineKind(
    name="onnx",
    open=OnnxEngine,
    files=(_FILE,),
    package="onnxruntime",
    requirement="modelwright[serve]",
    convert=convert_to_onnx,
    annotate=annotate_onnx,
    exported=True,
    unpadded=True,
)
