"""Files of engines from a servable, in a process of its own: a converter may crash.

As a program,
``python -m modelwright.exporting.conversion FOLDER INTO ROWS VALUES KIND…`` builds the
network of the servable in FOLDER anew and writes it to INTO once for each KIND, or, where that
fails, ``KIND.reason``. ROWS is an ``.npy`` of what the network reads, from which the ranges of
whole-number arithmetic are measured; VALUES an ``.npz`` with other values of its variables; either
may be empty.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelwright.core import child_process
from modelwright.core.errors import ConfigError, brief
from modelwright.core.files import write_bytes

METHODS = ("float32", "float16", "dynamic", "int8")
"""Ways to write a LiteRT file, the largest first."""
_OPSET = 18


def convert(
    folder: Path,
    kinds: Sequence[str],
    into: Path,
    *,
    rows: Path | None = None,
    values: Path | None = None,
) -> dict[str, str]:
    """Write a file for each kind, by its name; gives why those that are not there are not.

    Args:
        folder: a version's folder with its SavedModel and manifest.
        kinds: ``onnx`` or some of ``METHODS``.
        into: an existing folder.
        rows: representative rows, for ``int8``.
        values: of the network's variables, where they are not those of the servable.
    """
    reasons: dict[str, str] = {}
    left = list(kinds)
    while left:
        given = [folder, into, rows or "", values or "", *left]
        arguments = list(map(str, given))
        problem = child_process.run(
            __name__, arguments, into / left[-1], environment=child_process.building()
        )
        # One process makes all of them, but for those behind one that crashes it.
        while left and ((into / left[0]).exists() or (into / f"{left[0]}.reason").exists()):
            kind = left.pop(0)
            if (failed := into / f"{kind}.reason").exists():
                reasons[kind] = failed.read_text("utf-8")
        if left:
            reasons[left.pop(0)] = problem or "nothing was written"
    return reasons


def work(arguments: list[str]) -> None:
    """Convert and write the files."""
    from modelwright.servable import manifest, restore

    folder, into, rows, values, *kinds = arguments
    about = manifest.read(Path(folder))
    for kind in kinds:
        try:
            network = restore.network(
                Path(folder),
                about,
                unpadded=kind == "onnx",
                values=Path(values) if values else None,
            )
            made = (
                onnx_file(network)
                if kind == "onnx"
                else litert_file(network, kind, Path(rows) if rows else None)
            )
        except Exception as error:  # noqa: BLE001 - whatever a converter raises is the answer
            Path(into, f"{kind}.reason").write_text(brief(error), "utf-8")
        else:
            write_bytes(Path(into, kind), made)


def onnx_file(network: Any) -> bytes:
    """A network as the bytes of an ONNX file."""
    import tensorflow as tf
    import tf2onnx

    from modelwright.exporting.graph import probabilities, ready_spec

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

    from modelwright.exporting.graph import probabilities, ready_spec

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
    sys.exit(child_process.main(work, sys.argv[1:], keras=True))
