"""A recurrent network in LiteRT: as plain Keras exports it, and as Modelwright does.

Both sides get the recipe ``bilstm`` with new weights, write a file for LiteRT, load it with
``ai_edge_litert`` and ask it for one answer. ``runs`` says whether it gave one, ``said`` what it
said instead, and ``difference`` how far the answer is from that of Keras.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import harness
from harness import Figures, Option

SIDES = ("keras", "modelwright")
OPTIONS = {"length": Option(200, 20, "tokens of a text")}


def compare(given: argparse.Namespace) -> Figures:
    """Both sides, once: nothing is timed."""
    tasks = {side: {"side": side, "length": given.length} for side in SIDES}
    runs = harness.turns(__file__, tasks, 1, show=_line)
    return {"sides": {side: figures[0] for side, figures in runs.items()}}


def measure(side: str, length: int) -> Figures:
    """Write the file, then try to run it."""
    from modelwright.core.backend import load_keras

    load_keras()
    from modelwright.core.config import ModelConfig
    from modelwright.models.builders import build_network
    from modelwright.servable.engines.litert import convert_to_litert

    network = build_network(ModelConfig(builder="bilstm", options={}), (length,), 2)
    ids = np.zeros((1, length), np.int32)
    ids[0, : length // 2] = np.random.default_rng(0).integers(1, 10_000, length // 2)
    expected = np.asarray(network(ids))[0, -1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.tflite"
        if side == "keras":
            network.export(str(file), format="litert", verbose=False)
        else:
            file.write_bytes(convert_to_litert(network, {}))
        return {"bytes": file.stat().st_size, **_run(file, ids, float(expected))}


def _run(file: Path, ids: Any, expected: float) -> Figures:
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(str(file))
        interpreter.allocate_tensors()
        (given,) = interpreter.get_input_details()
        interpreter.set_tensor(given["index"], ids.astype(given["dtype"]))
        interpreter.invoke()
        (answer,) = interpreter.get_output_details()
        found = float(interpreter.get_tensor(answer["index"])[0, -1])
    except (RuntimeError, ValueError) as error:
        said = next((line for line in str(error).splitlines() if line.strip()), "")
        return {"runs": False, "said": said, "difference": None}
    return {"runs": True, "said": "", "difference": abs(found - expected)}


def _line(figures: Figures) -> str:
    size = f"{figures['bytes'] / 2**20:.2f} MiB written"
    if not figures["runs"]:
        return f"{size}, does not run: {figures['said']}"
    return f"{size}, runs, {figures['difference']:.1e} from Keras"


if __name__ == "__main__":
    harness.run(__file__, __doc__, OPTIONS, compare=compare, measure=measure)
