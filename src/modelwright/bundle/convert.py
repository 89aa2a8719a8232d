"""One file of one engine from a servable, in a process of its own: a converter may crash.

As a program, ``python -m modelwright.bundle.convert FOLDER KIND OUT [ROWS [VALUES]]`` builds the
network of the servable in FOLDER anew, converts it to KIND and writes OUT. ROWS is an ``.npy`` of
what the network reads, from which the ranges of whole-number arithmetic are measured; VALUES an
``.npz`` with other values of its variables.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from modelwright.bundle import child
from modelwright.core.errors import ConfigError

METHODS = ("float32", "float16", "dynamic", "int8")
"""Ways to write a LiteRT file, the largest first."""
_OPSET = 18


def convert(
    folder: Path, kind: str, out: Path, rows: Path | None = None, values: Path | None = None
) -> str | None:
    """Write a file; None when it is there, otherwise why it is not available.

    Args:
        folder: a version's folder with its SavedModel and manifest.
        kind: ``onnx`` or one of ``METHODS``.
        out: the file, in an existing folder.
        rows: representative rows, for ``int8``.
        values: of the network's variables, where they are not those of the servable.
    """
    given = [folder, kind, out, *filter(None, (rows, values))]
    return child.run(__name__, list(map(str, given)), out)


def work(arguments: list[str]) -> None:
    """Convert and write the file."""
    from modelwright.bundle import manifest, restore

    folder, kind, out, *rest = arguments
    rows, values = (*map(Path, rest), None, None)[:2]
    about = manifest.read(Path(folder))
    network = restore.network(Path(folder), about, unpadded=kind == "onnx", values=values)
    content = onnx_file(network) if kind == "onnx" else litert_file(network, kind, rows)
    Path(out).write_bytes(content)


def onnx_file(network: Any) -> bytes:
    """A network as the bytes of an ONNX file."""
    import tensorflow as tf
    import tf2onnx

    from modelwright.bundle.graph import probabilities, ready_spec

    spec = ready_spec(network)
    function = tf.function(
        lambda rows: {"probabilities": probabilities(network, rows)}, input_signature=[spec]
    )
    made, _ = tf2onnx.convert.from_function(function, input_signature=[spec], opset=_OPSET)
    content: bytes = made.SerializeToString()
    return content


def litert_file(network: Any, method: str, rows: Path | None) -> bytes:
    """A network as the bytes of a LiteRT file, by one of ``METHODS``."""
    import numpy as np
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    from modelwright.bundle.graph import probabilities, ready_spec

    # A batch of one that the graph knows: recurrent layers need no operators of TensorFlow then.
    spec = ready_spec(network, batch=1)
    function = tf.function(lambda row: probabilities(network, row), input_signature=[spec])
    # The converter leaves the variables of Keras 3 as resources that nothing fills.
    frozen = convert_variables_to_constants_v2(
        function.get_concrete_function(), lower_control_flow=False
    )
    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
    if method != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if method == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if method == "int8":
        if rows is None:
            raise ConfigError("int8 needs representative rows; none were given.")
        samples = np.load(rows, allow_pickle=False)
        converter.representative_dataset = lambda: ([row[None]] for row in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    content: bytes = converter.convert()
    return content


if __name__ == "__main__":
    sys.exit(child.main(work, sys.argv[1:]))
