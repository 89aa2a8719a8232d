"""ONNX Runtime and LiteRT behind the one path by which a servable answers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

import modelwright
from modelwright.core.errors import ConfigError, MissingDependencyError, ServableError
from modelwright.exporting import conversion
from modelwright.servable import examples, manifest
from modelwright.servable.engines import litert, onnx

TEXTS = ["酒店 很好", "an awful room", "", "boring " * 50, "wonderful"]


@pytest.fixture(scope="module")
def with_litert(
    text_servable: Path, image_servable: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Servables with a float32 file for LiteRT, which nothing has quantised."""
    found = {}
    for task, servable in (("text", text_servable), ("image", image_servable)):
        folder = tmp_path_factory.mktemp(task) / "1"
        shutil.copytree(servable, folder)
        (folder / litert.FOLDER).mkdir()
        assert conversion.convert(folder, ["float32"], folder.parent) == {}
        (folder.parent / "float32").rename(folder / litert.file_of("litert-float32"))
        about = manifest.read(servable)
        record = {**vars(about), "engines": {**about.engines, "litert-float32": {}}}
        manifest.write(manifest.Manifest(**record), folder)
        found[task] = folder
    return found


@pytest.mark.parametrize("engine", ["onnx", "litert", "auto"])
def test_every_engine_answers_as_the_savedmodel(with_litert: dict[str, Path], engine: str) -> None:
    for folder in with_litert.values():
        task = manifest.read(folder).task
        rows = [*examples.read(folder / "examples.jsonl", task).inputs]
        rows += TEXTS if task == "text" else []
        base = modelwright.load(folder, engine="savedmodel").engine.probabilities(rows)
        given = modelwright.load(folder, engine=engine).engine.probabilities(rows)
        np.testing.assert_allclose(given, base, atol=1e-5)
        assert given.dtype == np.float32


def test_the_answer_does_not_depend_on_the_company(with_litert: dict[str, Path]) -> None:
    opened = modelwright.load(with_litert["text"], engine="onnx").engine
    alone = np.concatenate([opened.probabilities([text]) for text in TEXTS])
    np.testing.assert_allclose(opened.probabilities(TEXTS), alone, atol=1e-6)
    assert opened.probabilities([]).shape == (0, 2)


WITHOUT = """
import sys

class Refused:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "keras", "jax", "scipy", "matplotlib", "h5py"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refused())
import modelwright
from modelwright.bundle import examples, manifest
folder, engine = sys.argv[1:]
about = manifest.read(__import__("pathlib").Path(folder))
rows = examples.read(__import__("pathlib").Path(folder) / "examples.jsonl", about.task).inputs
answers = modelwright.load(folder, engine=engine).predict(rows)
print(len(answers), [answer.label for answer in answers][:1])
"""


@pytest.mark.parametrize("engine", ["onnx", "litert-float32", "auto"])
@pytest.mark.parametrize("task", ["text", "image"])
def test_tensorflow_is_not_needed(with_litert: dict[str, Path], engine: str, task: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, str(with_litert[task]), engine],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 20


@pytest.mark.slow
@pytest.mark.parametrize(("extra", "engine"), [("serve", "onnx"), ("edge", "litert-float32")])
def test_an_environment_of_its_own_needs_only_its_extra(
    with_litert: dict[str, Path], tmp_path: Path, extra: str, engine: str
) -> None:
    venv.create(tmp_path / "env", with_pip=True)
    python = tmp_path / "env" / "bin" / "python"
    source = Path(__file__).parents[2]
    install = [python, "-m", "pip", "install", "--quiet", f"{source}[{extra}]"]
    subprocess.run(install, check=True)
    for folder in with_litert.values():
        done = subprocess.run(
            [python, "-c", WITHOUT, str(folder), engine], capture_output=True, text=True, check=True
        )
        assert int(done.stdout.split()[0]) > 20
    assert not list((tmp_path / "env").glob("lib/python*/site-packages/tensorflow"))


def test_the_fastest_that_is_installed_is_taken(
    with_litert: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelwright.servable import engines

    assert isinstance(modelwright.load(with_litert["text"]).engine, onnx.OnnxEngine)
    monkeypatch.setattr(engines, "find_spec", lambda name: name == "ai_edge_litert" or None)
    assert isinstance(modelwright.load(with_litert["text"]).engine, litert.LitertEngine)


@pytest.mark.parametrize("engine", ["onnx", "litert"])
def test_an_engine_that_is_not_installed_says_how_to_get_it(
    with_litert: dict[str, Path], engine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("onnxruntime", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modelwright\[(serve|edge)\]'"):
        modelwright.load(with_litert["text"], engine=engine)


@pytest.mark.parametrize("file", [onnx.FILE, "litert/float32.tflite"])
def test_a_file_that_was_cut_off_or_exchanged_is_not_loaded(
    with_litert: dict[str, Path], tmp_path: Path, file: str
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(with_litert["image"], folder)
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ServableError, match=f"{file} has changed"):
        modelwright.load(folder)
    # Even with a manifest that was made to agree: one line, and no crash.
    manifest.write(manifest.read(with_litert["image"]), folder)
    with pytest.raises(ServableError, match="cannot be loaded"):
        modelwright.load(folder, engine=file.partition("/")[0])


@pytest.mark.parametrize(
    "engines",
    [
        {},
        {"litert-../../x": {}},
        {"savedmodel": {"examples": "../elsewhere.jsonl"}},
        {"savedmodel": {"examples": "/etc/hostname"}},
    ],
)
def test_a_manifest_cannot_point_out_of_its_folder(
    image_servable: Path, tmp_path: Path, engines: dict[str, object]
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(image_servable, folder)
    record = json.loads((folder / manifest.MANIFEST).read_text("utf-8"))
    (folder / manifest.MANIFEST).write_text(json.dumps({**record, "engines": engines}), "utf-8")
    with pytest.raises(ServableError, match="is not listed|cannot be read: ValueError engines"):
        manifest.read(folder)


def test_what_is_not_installed_is_not_verified_and_said(
    with_litert: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelwright.servable import engines, verify

    monkeypatch.setattr(verify, "installed", lambda name: name == "onnx")
    report = modelwright.verify(with_litert["text"])
    assert list(report.engines) == ["onnx"]
    assert report.skipped == ("savedmodel", "litert-float32")
    assert "not installed here: only its file was checked" in report.render()
    assert not engines.installed("tensorrt-fp16")


def test_a_version_newer_than_this_program_is_one_line(
    with_litert: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(with_litert["image"], folder)
    record = json.loads((folder / manifest.MANIFEST).read_text("utf-8"))
    (folder / manifest.MANIFEST).write_text(json.dumps({**record, "format": 99}), "utf-8")
    with pytest.raises(ServableError, match="has servable format 99; this version reads 1"):
        modelwright.load(folder)


def test_a_converter_that_crashes_is_a_reason_and_not_a_crash(
    with_litert: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reasons = conversion.convert(with_litert["image"], ["int8", "float16"], tmp_path)
    assert reasons == {"int8": "int8 needs representative rows; none were given."}
    assert (tmp_path / "float16").exists() and not (tmp_path / "int8").exists()
    (tmp_path / "sitecustomize.py").write_text("import os\nos.kill(os.getpid(), 11)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    reasons = conversion.convert(with_litert["image"], ["onnx", "dynamic"], tmp_path)
    assert reasons == dict.fromkeys(("onnx", "dynamic"), "its process crashed (SIGSEGV)")


def test_a_network_that_cannot_be_onnx_is_exported_without(
    text_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversion, "convert", lambda *_: {"onnx": "no such operator"})
    report = modelwright.export(text_run, tmp_path / "m")
    assert report.missing == {"onnx": "no such operator"}
    assert "onnx is missing" in report.render()
    about = manifest.read(report.servable)
    assert set(about.engines) == {"savedmodel"}
    assert about.missing == report.missing
    with pytest.raises(ConfigError, match="has no engine 'onnx'"):
        modelwright.load(report.servable, engine="onnx")
