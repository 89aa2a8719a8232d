"""The features of a network: found in its ONNX file, and read without any other package."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from modelwright.core.errors import ServableError
from modelwright.monitoring.feature_engine import FeatureEngine
from modelwright.monitoring.observation import observe
from modelwright.monitoring.observed_model import find_tensor, observed_servable
from modelwright.monitoring.penultimate import find_features
from modelwright.servable.manifest import read_manifest
from serve.small_servables import COLORS, png, write_image_servable, write_text_servable


def test_features_are_the_input_of_the_last_layer(tmp_path: Path) -> None:
    folder = write_image_servable(tmp_path / "1")
    manifest = read_manifest(folder)
    assert find_tensor(folder, manifest) == "mean"
    model = observed_servable(folder, manifest, tensor="mean")
    found = observe(model.engine, 3, [png(color, 20) for color in COLORS.values()])
    assert found.features is not None
    assert found.features == pytest.approx(np.array(list(COLORS.values()), float))
    assert found.answers.tolist() == [0, 1, 2]
    plain = observe(observed_servable(folder, manifest).engine, 3, [png((9, 9, 200), 16)] * 70)
    assert plain.features is None
    assert len(plain) == 70


def test_numbers_of_images_are_those_of_the_pixels_and_the_file(tmp_path: Path) -> None:
    folder = write_image_servable(tmp_path / "1")
    model = observed_servable(folder, read_manifest(folder))
    found = observe(model.engine, 3, [png((30, 60, 90), 16), png((0, 0, 255), 64)])
    assert found.values["brightness"] == pytest.approx([60, 85])
    assert found.values["contrast"] == pytest.approx([np.std([30, 60, 90]), np.std([0, 0, 255])])
    assert found.values["size"].tolist() == [16, 32]  # 64 x 16 pixels


def test_numbers_of_texts_are_those_of_the_tokens(tmp_path: Path) -> None:
    folder = write_text_servable(tmp_path / "1")
    manifest = read_manifest(folder)
    assert find_tensor(folder, manifest) == ""  # no dense layer
    model = observed_servable(folder, manifest)
    found = observe(model.engine, 2, ["wonderful film 好", "unknown", "dreadful " * 30])
    assert found.values["unknown"] == pytest.approx([1 / 3, 1, 0])
    assert found.values["length"].tolist() == [16, 7, 270]
    words = [[model.vocabulary[at] for at in ids] for ids in found.tokens]
    assert words == [["wonderful", "好"], [], ["dreadful"]]
    counts = found.document_counts(len(model.vocabulary))
    assert counts[model.vocabulary.index("dreadful")] == 1


def test_an_observation_of_some_rows_is_theirs(tmp_path: Path) -> None:
    folder = write_text_servable(tmp_path / "1")
    model = observed_servable(folder, read_manifest(folder))
    texts = ["good film", "dreadful", "好 差", "boring 坏"]
    some = observe(model.engine, 2, texts).take(np.array([2, 0]))
    alone = observe(model.engine, 2, [texts[2], texts[0]])
    assert some.probabilities == pytest.approx(alone.probabilities)
    assert {name: one.tolist() for name, one in some.values.items()} == {
        name: one.tolist() for name, one in alone.values.items()
    }
    assert [ids.tolist() for ids in some.tokens] == [ids.tolist() for ids in alone.tokens]


@pytest.mark.parametrize("tensor", ["absent", "", "image"])
def test_features_that_are_not_in_the_file_are_refused(tmp_path: Path, tensor: str) -> None:
    folder = write_image_servable(tmp_path / "1")
    with pytest.raises(ServableError, match="cannot be loaded with the features"):
        FeatureEngine(folder, read_manifest(folder), tensor)


def test_features_that_are_no_vectors_are_refused(tmp_path: Path) -> None:
    folder = write_image_servable(tmp_path / "1")
    engine = FeatureEngine(folder, read_manifest(folder), "floats")
    with pytest.raises(ServableError, match="expected one vector for each row"):
        engine.run(np.zeros((2, 16, 16, 3), np.uint8))


def test_an_ensemble_has_no_features(tmp_path: Path) -> None:
    weights = [numpy_helper.from_array(np.eye(2, dtype=np.float32), name) for name in "ab"]
    nodes = [
        helper.make_node("Relu", ["x"], ["first"]),
        helper.make_node("Tanh", ["x"], ["second"]),
        helper.make_node("MatMul", ["first", "a"], ["one"]),
        helper.make_node("MatMul", ["second", "b"], ["other"]),
        helper.make_node("Add", ["one", "other"], ["probabilities"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2])
        for name in ("x", "probabilities")
    ]
    graph = helper.make_graph(nodes, "both", ends[:1], ends[1:], weights)
    onnx.save(helper.make_model(graph), tmp_path / "both.onnx")
    assert find_features(tmp_path / "both.onnx") == ""
