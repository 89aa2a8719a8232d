"""A sentence encoder of a few words, in the layout of Hugging Face."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WORDS = ("[PAD]", "[UNK]", "[CLS]", "fine", "great", "dull", "bad", "film", "query", ":")
VECTORS = np.array(
    [
        *([9, 9, 9], [0, 0, 1], [5, 0, 0], [4, 1, 0], [2, 1, 0], [-4, 1, 0], [-2, 1, 0]),
        *([0, 1, 1], [0, 0, 7], [0, 0, 8]),
    ],
    np.float32,
)
"""The vector of each word. That of the padding would be seen in a mean."""
INPUTS = ("input_ids", "attention_mask")


def write_encoder(
    folder: Path, model: bytes | None = None, settings: Mapping[str, Any] | None = None
) -> Path:
    """Writes an encoder's folder.

    Args:
        folder: where to write it.
        model: the ONNX file; that of ``build_model`` by default.
        settings: the contents of its JSON files by their names.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(build_model() if model is None else model)
    write_tokenizer(folder / "tokenizer.json")
    for name, content in (settings or {}).items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


def write_tokenizer(path: Path) -> None:
    """Writes a tokenizer that begins each text with [CLS], and wants to cut and pad at 4 tokens."""
    import tokenizers
    from tokenizers import models, normalizers, pre_tokenizers, processors

    words = {word: number for number, word in enumerate(WORDS)}
    tokenizer = tokenizers.Tokenizer(models.WordLevel(words, unk_token=WORDS[1]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A", special_tokens=[("[CLS]", 2)]
    )
    tokenizer.enable_padding(length=4, pad_id=0)
    tokenizer.enable_truncation(4)
    tokenizer.save(str(path))


def build_model(
    inputs: Sequence[str] = INPUTS,
    output: str = "last_hidden_state",
    shape: Sequence[Any] = ("texts", "tokens"),
    *,
    nodes: Sequence[Any] = (),
    rank: int = 3,
    kind: int = TensorProto.INT64,
    weights: Any = None,
) -> bytes:
    """Returns an ONNX file that looks up a vector for each token.

    Args:
        inputs: the names of its inputs.
        output: the name of its output.
        shape: that of its inputs.
        nodes: what is done with ``tokens``, the vectors; they are the output by default.
        rank: that of the output.
        kind: type of the inputs.
        weights: the tensor ``vectors``; ``VECTORS`` by default.
    """
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["vectors", "input_ids"], ["tokens"]),
            *(nodes or [helper.make_node("Identity", ["tokens"], [output])]),
        ],
        "encoder",
        [helper.make_tensor_value_info(name, kind, shape) for name in inputs],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, [None] * rank)],
        [weights or numpy_helper.from_array(VECTORS, "vectors")],
    )
    opset = helper.make_opsetid("", 17)
    content: bytes = helper.make_model(
        graph, opset_imports=[opset], ir_version=8
    ).SerializeToString()
    return content


def elsewhere(location: str) -> Any:
    """Returns the tensor ``vectors`` with its content in another file."""
    tensor = onnx.TensorProto(name="vectors", data_type=TensorProto.FLOAT, dims=VECTORS.shape)
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value=location)
    return tensor


def sentence_transformers(pooling: Mapping[str, Any] | None, *more: str) -> dict[str, Any]:
    """Returns the settings of sentence-transformers for a pooling and the modules behind it."""
    kinds = ("Transformer", "Pooling", *more)
    modules = [
        {
            "path": f"{number}_{kind}" if number else "",
            "type": f"sentence_transformers.models.{kind}",
        }
        for number, kind in enumerate(kinds)
    ]
    files: dict[str, Any] = {"modules.json": modules}
    if pooling is not None:
        files["1_Pooling/config.json"] = dict(pooling)
    return files
