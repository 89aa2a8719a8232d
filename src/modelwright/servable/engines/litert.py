"""LiteRT: the small engine for phones and boards. Needs no TensorFlow to run.

A servable may hold several LiteRT files, one a variant: ``litert-int8`` runs ``int8.tflite``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ConfigError, ServableError, brief
from modelwright.core.types import FloatArray, RawInput
from modelwright.servable.engines.kinds import EngineKind
from modelwright.servable.manifest import Manifest
from modelwright.servable.preprocessing import Preparation

FOLDER = "litert"


class LitertEngine:
    """One interpreter; it runs one row at a time."""

    takes_padded_rows = True

    def __init__(self, folder: Path, manifest: Manifest, engine: str) -> None:
        """Loads a LiteRT file of a servable.

        Raises:
            ImportError: LiteRT is not installed.
            ServableError: the file cannot be loaded.
        """
        from ai_edge_litert.interpreter import Interpreter

        path = folder / LITERT.file(engine)
        try:
            self._interpreter = Interpreter(str(path), num_threads=1)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as error:
            raise ServableError(f"{path} cannot be loaded: {brief(error)}.") from None
        (self._input,) = self._interpreter.get_input_details()
        (self._output,) = self._interpreter.get_output_details()
        self._prepare = Preparation(folder, manifest)
        self.row = self._prepare.row
        self._classes = len(manifest.labels)

    def prepare(self, inputs: Sequence[RawInput]) -> Any:
        """Prepares raw inputs."""
        return self._prepare(inputs)

    def run(self, rows: Any) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of prepared rows."""
        answers = np.empty((len(rows), self._classes), np.float32)
        for position, row in enumerate(rows):
            self._interpreter.set_tensor(self._input["index"], row[None])
            self._interpreter.invoke()
            output = self._interpreter.get_tensor(self._output["index"])[0]
            answers[position] = self._dequantize(output)
        return answers

    def probabilities(self, inputs: Sequence[RawInput]) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of raw inputs."""
        parts = [np.empty((0, self._classes), np.float32)]
        parts += [self.run(self.prepare([row])) for row in inputs]
        return np.concatenate(parts)

    def _dequantize(self, output: Any) -> Any:
        """Returns the probabilities of an output, which may hold integers with a scale."""
        scale, zero = self._output["quantization"]
        return (output.astype(np.float32) - zero) * scale if scale else output


@dataclass(frozen=True)
class LitertSettings:
    """Settings of the converter; by default everything stays in float32."""

    quantize_weights: bool = False
    """Store the weights in fewer bits."""
    float16: bool = False
    """Store the weights in 16-bit floats; otherwise in 8-bit integers."""
    integers_only: bool = False
    """Compute with 8-bit integers alone; needs sample rows for the ranges of values."""


def convert_to_litert(
    network: Any, settings: Mapping[str, Any], samples: Path | None = None
) -> bytes:
    """Returns a network as the content of a LiteRT file.

    Args:
        network: a Keras network in float32.
        settings: fields of ``LitertSettings``.
        samples: an ``.npy`` with rows as the network reads them.

    Raises:
        ConfigError: the settings need samples, and there are none.
    """
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from modelwright.servable.engines.network_function import network_input, network_probabilities

    chosen = LitertSettings(**settings)
    # With a fixed batch of one row, recurrent layers need no operators of TensorFlow.
    spec = network_input(network, batch=1)
    function = tf.function(lambda row: network_probabilities(network, row), input_signature=[spec])
    # The converter leaves the variables of Keras 3 as resources that nothing fills.
    frozen = convert_variables_to_constants_v2(
        function.get_concrete_function(), lower_control_flow=False
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if chosen.quantize_weights:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if chosen.float16:
        converter.target_spec.supported_types = [tf.float16]
    if chosen.integers_only:
        if samples is None:
            raise ConfigError("integer arithmetic needs sample rows; none were given.")
        rows = np.load(samples, allow_pickle=False)
        converter.representative_dataset = lambda: ([row[None]] for row in rows)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    content: bytes = converter.convert()
    return content


LITERT = EngineKind(
    name="litert",
    open=LitertEngine,
    files=(f"{FOLDER}/{{variant}}.tflite",),
    package="ai_edge_litert",
    requirement="modelwright[edge]",
    convert=convert_to_litert,
)
