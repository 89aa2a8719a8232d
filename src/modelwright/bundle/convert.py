"""One file of one engine from a servable, in a process of its own: a converter may crash.

As a program, ``python -m modelwright.bundle.convert FOLDER KIND OUT [ROWS]`` builds the network of
the servable in FOLDER anew, converts it to KIND and writes OUT. ROWS is an ``.npy`` of what the
network reads, from which the ranges of whole-number arithmetic are measured.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from modelwright.core.errors import ModelwrightError

METHODS = ("float32", "float16", "dynamic", "int8")
"""Ways to write a LiteRT file, the largest first."""
_OPSET = 18


def convert(folder: Path, kind: str, out: Path, rows: Path | None = None) -> str | None:
    """Write a file; None when it is there, otherwise why it is not available.

    Args:
        folder: a version's folder with its SavedModel and manifest.
        kind: ``onnx`` or one of ``METHODS``.
        out: the file, in an existing folder.
        rows: representative rows, for ``int8``.
    """
    arguments = [str(folder), kind, str(out), *([str(rows)] if rows else [])]
    done = subprocess.run(
        [sys.executable, "-m", __name__, *arguments],
        capture_output=True,
        text=True,
        check=False,
        # A function of one's own is found by the path that this process has.
        env={
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
    )
    if done.returncode == 0 and out.exists():
        return None
    out.unlink(missing_ok=True)
    if done.returncode < 0:
        return f"the converter crashed ({signal.Signals(-done.returncode).name})"
    lines = done.stderr.strip().splitlines() or ["no message"]
    return lines[-1][:300]


def main(arguments: list[str]) -> int:
    """Convert; 1 with one line on standard error where that fails."""
    folder, kind, out, *rows = arguments
    from modelwright.core.backend import load_keras, quiet

    try:
        with quiet():
            load_keras()
            content = _convert(Path(folder), kind, Path(rows[0]) if rows else None)
    except ModelwrightError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Exception as error:  # noqa: BLE001 - whatever a converter raises is the answer
        lines = str(error).strip().splitlines() or [type(error).__name__]
        sys.stderr.write(f"{lines[0]}\n")
        return 1
    Path(out).write_bytes(content)
    return 0


def _convert(folder: Path, kind: str, rows: Path | None) -> bytes:
    from modelwright.bundle import manifest, restore

    about = manifest.read(folder)
    network = restore.network(folder, about, unpadded=kind == "onnx")
    return _onnx(network) if kind == "onnx" else _litert(network, kind, rows)


def _onnx(network: Any) -> bytes:
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


def _litert(network: Any, method: str, rows: Path | None) -> bytes:
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
        assert rows is not None
        samples = np.load(rows, allow_pickle=False)
        converter.representative_dataset = lambda: ([row[None]] for row in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    content: bytes = converter.convert()
    return content


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
