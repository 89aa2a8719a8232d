"""What an ONNX file refers to is found wherever its format allows it."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from onnx import helper

from distillation.small_encoder import build_model, elsewhere
from modelwright.distillation.onnx_file import OnnxFile, read_onnx


def test_files_and_operators_are_found_in_constants_and_branches(tmp_path: Path) -> None:
    def branch(location: str) -> onnx.GraphProto:
        node = helper.make_node("Constant", [], ["out"], value=elsewhere(location))
        return helper.make_graph([node], location, [], [])

    node = helper.make_node(
        "If", ["tokens"], ["out"], then_branch=branch("a.bin"), else_branch=branch("b.bin")
    )
    model = onnx.ModelProto.FromString(build_model(nodes=[node], weights=elsewhere("c.bin")))
    inner = [helper.make_node("Relu", ["x"], ["y"])]
    opset = [helper.make_opsetid("", 17)]
    model.functions.append(helper.make_function("own", "F", ["x"], ["y"], inner, opset))
    path = tmp_path / "model.onnx"
    path.write_bytes(model.SerializeToString())
    assert read_onnx(path) == OnnxFile(
        frozenset({"a.bin", "b.bin", "c.bin"}), frozenset({"Gather", "If", "Constant", "Relu"})
    )


def test_a_cut_file_is_noticed_wherever_it_is_cut(tmp_path: Path) -> None:
    whole, path = build_model(), tmp_path / "model.onnx"
    path.write_bytes(whole)
    assert read_onnx(path).operators == {"Gather", "Identity"}
    begin = onnx.ModelProto.FromString(whole).graph.ByteSize()
    for size in range(len(whole) - begin, len(whole) - 8, 7):
        path.write_bytes(whole[:size])
        with pytest.raises(ValueError, match="cut off|no graph|no ONNX file"):
            read_onnx(path)


@pytest.mark.parametrize("content", [b"", b"\xff" * 40, b"PK\x03\x04" + b"\0" * 40, b"\x08\x07"])
def test_what_is_no_onnx_file_is_noticed(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(content)
    with pytest.raises(ValueError, match=r"."):
        read_onnx(tmp_path / "model.onnx")
