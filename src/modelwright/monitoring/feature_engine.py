"""An engine that answers with the features of the network, too. Needs ONNX Runtime alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ServableError, brief
from modelwright.core.types import FloatArray, RawInput
from modelwright.servable.engines.onnx import ONNX
from modelwright.servable.manifest import Manifest
from modelwright.servable.preprocessing import Preparation

_BATCH = 32
# The fields of ONNX's messages: ModelProto.graph, GraphProto.output, ValueInfoProto.name.
_GRAPH, _OUTPUT, _NAME = 7, 12, 1


class FeatureEngine:
    """ONNX Runtime with one more output: ``run`` returns probabilities and features."""

    def __init__(self, folder: Path, manifest: Manifest, tensor: str) -> None:
        """Loads the ONNX file of a servable.

        Args:
            folder: the version's folder.
            manifest: its manifest.
            tensor: the name of the features in the file.

        Raises:
            ImportError: ONNX Runtime is not installed.
            ServableError: the file cannot be loaded, or has no such features.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        path = folder / ONNX.file(ONNX.name)
        try:
            # A message may be written in parts, so the output is added without parsing the file.
            content = path.read_bytes() + _added_output(tensor)
            self._session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - its exceptions have no other common base
            raise ServableError(
                f"{path} cannot be loaded with the features '{tensor[:80]}': {brief(error)}."
            ) from None
        (spec,) = self._session.get_inputs()
        self._input = spec.name
        any_length = manifest.task == "text" and not isinstance(spec.shape[1], int)
        self.takes_padded_rows = not any_length
        self._prepare = Preparation(folder, manifest)
        self.row = self._prepare.row

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """Prepares raw inputs."""
        return self._prepare(inputs, shortest=not self.takes_padded_rows)

    def run(self, rows: Any) -> FloatArray:
        """Returns probabilities and features of prepared rows, float32 ``[n, classes + d]``."""
        starts = range(0, len(rows), _BATCH)
        return np.concatenate([self._run(rows[start : start + _BATCH]) for start in starts])

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Returns what ``run`` returns, of raw inputs."""
        return self.run(self.prepare(inputs))

    def _run(self, rows: Any) -> FloatArray:
        probabilities, features = self._session.run(None, {self._input: rows})
        if features.ndim != 2 or len(features) != len(rows):
            raise ServableError(
                f"the features of the network have the shape {list(features.shape)} for"
                f" {len(rows)} rows; expected one vector for each row."
            )
        together: FloatArray = np.concatenate([probabilities, features], axis=1, dtype=np.float32)
        return together


def _added_output(tensor: str) -> bytes:
    """Returns a model whose graph has that output and nothing else."""
    return _field(_GRAPH, _field(_OUTPUT, _field(_NAME, tensor.encode())))


def _field(number: int, content: bytes) -> bytes:
    """Returns one field of a protobuf message that holds bytes."""
    size, length = len(content), b""
    while size > 0x7F:
        length += bytes([size & 0x7F | 0x80])
        size >>= 7
    return bytes([number << 3 | 2]) + length + bytes([size]) + content
