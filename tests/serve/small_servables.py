"""Servables with tiny hand-made networks, as ``modelwright export`` would lay them out.

Writing one takes milliseconds and needs no TensorFlow, so that tests of the server need no
training. The slow tier serves trained models.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from modelwright.core.files import write_json
from modelwright.core.types import RawInput
from modelwright.servable.engines.onnx import ONNX
from modelwright.servable.engines.registry import open_engine
from modelwright.servable.examples import Examples, write_examples
from modelwright.servable.manifest import EXAMPLES, FORMAT, Manifest, write_manifest
from modelwright.servable.tokenizer import FORMAT as TOKENIZER_FORMAT
from modelwright.servable.tokenizer import TOKENIZER, VOCABULARY

COLORS = {"blue": (30, 40, 220), "green": (30, 200, 40), "red": (220, 30, 30)}
GOOD = ("wonderful", "delightful", "很", "好")
BAD = ("dreadful", "boring", "差", "坏")
_LENGTH = 12
_HAN = [0x4E00, 0x9FFF]


def write_text_servable(folder: Path, files: Mapping[str, bytes] | None = None) -> Path:
    """Writes a classifier that counts good and bad words; returns the folder.

    Args:
        folder: of the version, made if it is missing.
        files: further files by their paths, which the manifest lists.
    """
    vocabulary = ["<pad>", "<unk>", *GOOD, *BAD]
    scores = np.zeros((len(vocabulary), 2), np.float32)
    scores[2 : 2 + len(GOOD), 1] = scores[2 + len(GOOD) :, 0] = 4.0
    nodes = [
        helper.make_node("Gather", ["scores", "ids"], ["found"], axis=0),
        helper.make_node("ReduceMean", ["found"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Softmax", ["mean"], ["probabilities"], axis=-1),
    ]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT32, ["n", "length"])
    _write_network(folder, nodes, ids, 2, scores=scores)
    content = "".join(f"{token}\n" for token in vocabulary).encode()
    (folder / VOCABULARY).parent.mkdir(parents=True, exist_ok=True)
    (folder / VOCABULARY).write_bytes(content)
    rules = {
        "format": TOKENIZER_FORMAT,
        "length": _LENGTH,
        "keep": "start",
        "ngrams": 1,
        "padding": 0,
        "unknown": 1,
        "vocabulary": VOCABULARY,
        "sha256": sha256(content).hexdigest(),
        "remove": [],
        "characters": {"vanish": [], "space": [], "alone": [_HAN], "become": {}},
        "final_sigma": {"cased": [], "ignorable": []},
    }
    write_json(folder / TOKENIZER, rules)
    rows = ("the film wonderful acting", "手机 很 差 this book", "dreadful", "好")
    return _finish(folder, rows, files, name="sentiment", task="text", labels=("neg", "pos"))


def write_image_servable(folder: Path) -> Path:
    """Writes a classifier of an image's mean color; returns the folder."""
    weights = np.array([[0, 0, 0.1], [0, 0.1, 0], [0.1, 0, 0]], np.float32)
    nodes = [
        helper.make_node("Cast", ["pixels"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["floats"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["mean", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", 16, 16, 3])
    _write_network(folder, nodes, pixels, 3, weights=weights)
    rows = tuple(png(color, 16) for color in COLORS.values())
    return _finish(
        folder, rows, None, name="colors", task="image", labels=tuple(COLORS), shape=(16, 16, 3)
    )


def png(color: tuple[int, int, int], width: int) -> bytes:
    """A PNG file of one color, 16 pixels high."""
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (width, 16), color).save(file, "PNG")
    return file.getvalue()


def _write_network(
    folder: Path, nodes: list[Any], network_input: Any, classes: int, **weights: Any
) -> None:
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", classes])
    tensors = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "network", [network_input], [output], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    path = folder / ONNX.files[0]
    path.parent.mkdir(parents=True)
    onnx.save(model, str(path))


def _finish(
    folder: Path, rows: Sequence[RawInput], files: Mapping[str, bytes] | None, **fields: Any
) -> Path:
    """Records the answers of the rows, and writes the manifest."""
    for name, content in (files or {}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "saved_model.pb").touch()  # no test here runs it
    described = Manifest(
        **{"shape": None, **fields},
        format=FORMAT,
        version=1,
        created="2026-01-01T00:00:00Z",
        tta=False,
        tolerance=1e-4,
        engines={"onnx": {}},
        config={},
        data={},
        metrics={},
        versions={},
        files={},
    )
    answers = open_engine("onnx", folder, described).probabilities(rows)
    write_examples(folder / EXAMPLES, Examples(tuple(rows), answers), described.task)
    write_manifest(described, folder)
    return folder
