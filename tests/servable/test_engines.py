"""ONNX Runtime and LiteRT behind the one path by which a servable answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

import modelwright
from modelwright.core.config import ModelConfig
from modelwright.core.errors import MissingDependencyError, ServableError
from modelwright.models.builders import build_network, check_options
from modelwright.servable.engines import kinds
from modelwright.servable.engines.litert import LITERT, LitertEngine
from modelwright.servable.engines.onnx import ONNX, OnnxEngine
from modelwright.servable.engines.padding import run_padded
from modelwright.servable.engines.registry import engine_kind
from modelwright.servable.examples import read_examples
from modelwright.servable.manifest import read_manifest, write_manifest

TEXTS = ["酒店 很好", "an awful room", "", "boring " * 50, "wonderful"]


@pytest.mark.parametrize("engine", ["onnx", "litert", "auto"])
def test_every_engine_answers_like_the_savedmodel(
    with_litert: dict[str, Path], engine: str
) -> None:
    for folder in with_litert.values():
        task = read_manifest(folder).task
        rows = [*read_examples(folder / "examples.jsonl", task).inputs]
        rows += TEXTS if task == "text" else []
        base = modelwright.load(folder, engine="savedmodel").engine.probabilities(rows)
        answers = modelwright.load(folder, engine=engine).engine.probabilities(rows)
        np.testing.assert_allclose(answers, base, atol=1e-5)
        assert answers.dtype == np.float32


def test_an_answer_does_not_depend_on_the_other_rows(with_litert: dict[str, Path]) -> None:
    opened = modelwright.load(with_litert["text"], engine="onnx").engine
    alone = np.concatenate([opened.probabilities([text]) for text in TEXTS])
    np.testing.assert_allclose(opened.probabilities(TEXTS), alone, atol=1e-6)
    assert opened.probabilities([]).shape == (0, 2)


WITHOUT_TENSORFLOW = """
import sys
from pathlib import Path

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "keras", "jax", "scipy", "matplotlib", "h5py"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refused())
import modelwright
from modelwright.servable.examples import read_examples
from modelwright.servable.manifest import read_manifest
for pair in sys.argv[1:]:
    engine, _, folder = pair.partition("=")
    manifest = read_manifest(Path(folder))
    rows = read_examples(Path(folder) / "examples.jsonl", manifest.task).inputs
    answers = modelwright.load(folder, engine=engine).predict(rows)
    print(engine, len(answers), len({answer.label for answer in answers}))
"""


def answers_without_tensorflow(python: Path, folders: Iterable[Path], engines: list[str]) -> None:
    pairs = [f"{engine}={folder}" for folder in folders for engine in engines]
    done = subprocess.run(
        [python, "-c", WITHOUT_TENSORFLOW, *pairs], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [engine for engine, _, _ in lines] == [pair.partition("=")[0] for pair in pairs]
    assert all(int(rows) > 20 and int(labels) > 1 for _, rows, labels in lines)


def test_onnx_and_litert_do_not_need_tensorflow(with_litert: dict[str, Path]) -> None:
    engines = ["onnx", "litert-float32", "auto"]
    answers_without_tensorflow(Path(sys.executable), with_litert.values(), engines)


@pytest.mark.slow
@pytest.mark.parametrize(("extra", "engine"), [("serve", "onnx"), ("edge", "litert-float32")])
def test_an_engine_runs_in_an_environment_with_only_its_extra(
    with_litert: dict[str, Path], tmp_path: Path, extra: str, engine: str
) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    source = Path(__file__).parents[2]
    install = [python, "-m", "pip", "install", "--quiet", f"{source}[{extra}]"]
    subprocess.run(install, check=True)
    answers_without_tensorflow(python, with_litert.values(), [engine])
    assert not list((tmp_path / "env").glob("lib/python*/site-packages/tensorflow"))


def test_auto_selects_the_fastest_engine_that_is_installed(
    with_litert: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(modelwright.load(with_litert["text"]).engine, OnnxEngine)
    monkeypatch.setattr(kinds, "find_spec", lambda name: name == "ai_edge_litert" or None)
    assert isinstance(modelwright.load(with_litert["text"]).engine, LitertEngine)


@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_an_engine_that_is_not_installed_says_how_to_get_it(
    with_litert: dict[str, Path], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("onnxruntime", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modelwright\[(serve|edge)\]'"):
        modelwright.load(with_litert["text"], engine=engine)


@pytest.mark.parametrize("file", [ONNX.file("onnx"), LITERT.file("litert-float32")])
def test_a_truncated_or_replaced_file_is_not_loaded(
    with_litert: dict[str, Path], tmp_path: Path, file: str
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(with_litert["image"], folder)
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ServableError, match=f"{file} has changed"):
        modelwright.load(folder)
    # Even where the manifest has the checksum of that file: one line, and no crash.
    write_manifest(read_manifest(with_litert["image"]), folder)
    with pytest.raises(ServableError, match="cannot be loaded"):
        modelwright.load(folder, engine=file.partition("/")[0])


def test_padded_rows_get_the_answers_of_rows_without_padding(with_litert: dict[str, Path]) -> None:
    loaded = {
        name: modelwright.load(with_litert["text"], engine=name).engine
        for name in ("savedmodel", "onnx", "litert")
    }
    assert not loaded["onnx"].takes_padded_rows and loaded["litert"].takes_padded_rows
    rows = loaded["litert"].prepare(TEXTS)
    lengths = (rows != 0).sum(axis=1)
    assert len(set(lengths)) > 2, "the texts have several lengths"
    expected = np.concatenate([loaded["onnx"].prepare([text]).shape for text in TEXTS])
    assert expected[1::2].tolist() == lengths.tolist()
    for engine in loaded.values():
        answers = run_padded(engine, rows)
        np.testing.assert_allclose(answers, engine.probabilities(TEXTS), atol=1e-5)


def test_the_size_of_an_engine_is_that_of_its_files(with_litert: dict[str, Path]) -> None:
    folder = with_litert["image"]
    assert ONNX.size(folder, "onnx") == (folder / "onnx" / "model.onnx").stat().st_size
    litert_file = folder / "litert" / "float32.tflite"
    assert LITERT.size(folder, "litert-float32") == litert_file.stat().st_size
    assert LITERT.size(folder, "litert-int8") == 0, "there is no such file"
    variables = sum(path.stat().st_size for path in (folder / "variables").iterdir())
    graph = (folder / "saved_model.pb").stat().st_size
    assert engine_kind("savedmodel").size(folder, "savedmodel") == graph + variables > graph


@pytest.mark.parametrize("kind", ["text", "image"])
def test_the_onnx_file_says_what_it_reads_and_answers(
    with_litert: dict[str, Path], kind: str
) -> None:
    folder = with_litert[kind]
    manifest = read_manifest(folder)
    session = onnxruntime.InferenceSession(folder / ONNX.file("onnx"))
    found = session.get_modelmeta().custom_metadata_map
    assert (found["name"], found["version"]) == (manifest.name, str(manifest.version))
    assert (found["task"], json.loads(found["labels"])) == (kind, list(manifest.labels))
    assert found["modelwright"] and found["output"].startswith("probabilities float32 [rows, cl")
    if kind == "text":
        rules = json.loads((folder / "tokenizer.json").read_text("utf-8"))
        summary = json.loads(found["tokenizer"])
        assert summary == {key: rules[key] for key in summary} and summary["padding"] == 0
        assert "padding at the end with 0 changes no answer" in found["input"]
        assert session.get_inputs()[0].shape == ["rows", "length"]
    else:
        assert found["input"] == "pixels uint8 [rows, 16, 16, 3], RGB, 0 to 255"
        assert "resize to height 16 and width 16" in found["preprocessing"]


def test_padding_changes_no_answer_of_the_onnx_file(with_litert: dict[str, Path]) -> None:
    folder = with_litert["text"]
    engine = modelwright.load(folder, engine="onnx").engine
    session = onnxruntime.InferenceSession(folder / ONNX.file("onnx"))
    rows = modelwright.load(folder, engine="litert").engine.prepare(TEXTS)
    for more in (0, 1, 30):
        padded = np.pad(rows, ((0, 0), (0, more)))
        (answers,) = session.run(None, {"ids": padded})
        np.testing.assert_allclose(answers, engine.probabilities(TEXTS), atol=1e-6)


BILSTMS = [{"units": [4, 3]}, {"units": [3], "pooling": "max"}, {"units": [3], "cell": "gru"}]


@pytest.mark.parametrize("options", BILSTMS, ids=str)
def test_a_recurrent_network_without_a_mask_is_the_one_with_a_mask(options: dict[str, Any]) -> None:
    model = ModelConfig(builder="bilstm", options={"vocabulary": 20, "embedding": 4, **options})
    unpadded = check_options(model).unpadded().model_dump()
    masked = build_network(model, (9,), 3)
    plain = build_network(model.model_copy(update={"options": unpadded}), (None,), 3)
    shapes = [tuple(variable.shape) for variable in masked.variables]
    assert [tuple(variable.shape) for variable in plain.variables] == shapes
    random = np.random.default_rng(0)
    for one, other in zip(masked.variables, plain.variables, strict=True):
        one.assign(random.normal(size=one.shape))
        other.assign(one)
    ids = np.where(np.arange(9) < [[9], [4], [1]], random.integers(1, 20, (3, 9)), 0)
    expected = np.asarray(masked(ids.astype(np.int32)))
    for more in (0, 5):
        padded = np.pad(ids, ((0, 0), (0, more))).astype(np.int32)
        np.testing.assert_allclose(np.asarray(plain(padded)), expected, atol=1e-6)
    np.testing.assert_allclose(
        np.asarray(plain(ids[1:2, :4].astype(np.int32)))[0], expected[1], atol=1e-6
    )
