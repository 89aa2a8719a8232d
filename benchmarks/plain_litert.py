"""A recurrent network in LiteRT, exported by plain Keras and by Modelwright.

Both sides take the recipe ``bilstm`` with new weights, write a LiteRT file, load it with
``ai_edge_litert`` and run it once. ``runs`` says whether that worked, ``said`` has the error if it
did not, and ``difference`` is the distance from Keras' answer.
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
OPTIONS = {"length": Option(200, 20, "number of tokens of a text")}


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Runs both sides once; nothing is timed."""
    tasks = {side: {"side": side, "length": arguments.length} for side in SIDES}
    runs = harness.run_in_turn(__file__, tasks, 1, show=_line)
    return {"sides": {side: figures[0] for side, figures in runs.items()}}


def measure_side(side: str, length: int) -> Figures:
    """Writes the file, then tries to run it."""
    from modelwright.core.backend import load_keras

    load_keras()
    from modelwright.core.config import ModelConfig
    from modelwright.models.builders import build_network
    from modelwright.servable.engines.litert import convert_to_litert

    network = build_network(ModelConfig(builder="bilstm", options={}), (length,), 2)
    tokens = np.zeros((1, length), np.int32)
    tokens[0, : length // 2] = np.random.default_rng(0).integers(1, 10_000, length // 2)
    expected = np.asarray(network(tokens))[0, -1]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.tflite"
        if side == "keras":
            network.export(str(file), format="litert", verbose=False)
        else:
            file.write_bytes(convert_to_litert(network, {}))
        return {"bytes": file.stat().st_size, **_run(file, tokens, float(expected))}


def _run(file: Path, tokens: Any, expected: float) -> Figures:
    from ai_edge_litert.interpreter import Interpreter

    try:
        interpreter = Interpreter(str(file))
        interpreter.allocate_tensors()
        (details,) = interpreter.get_input_details()
        interpreter.set_tensor(details["index"], tokens.astype(details["dtype"]))
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
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
