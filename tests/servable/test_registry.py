"""A registered engine is used everywhere: by an entry point, or by a line in the table."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

import modelwright
from child_processes import run_without_child_process
from modelwright.core.errors import ConfigError, MissingDependencyError, ModelwrightError
from modelwright.servable import replay
from modelwright.servable import verify as verify_module
from modelwright.servable.engines import registry
from modelwright.servable.manifest import read_manifest

FAKE_ENGINE = '''
"""An engine of another package. Its file is an ONNX file behind four bytes."""

import numpy as np
import onnxruntime

from modelwright.servable.engines.kinds import EngineKind
from modelwright.servable.engines.onnx import convert_to_onnx
from modelwright.servable.preprocessing import Preparation


class FakeEngine:
    takes_padded_rows = True

    def __init__(self, folder, manifest, engine):
        content = (folder / FAKE.file(engine)).read_bytes()
        self.session = onnxruntime.InferenceSession(content.removeprefix(b"FAKE"))
        self.prepare = Preparation(folder, manifest)
        self.row = self.prepare.row

    def run(self, rows):
        return self.session.run(None, {self.session.get_inputs()[0].name: rows})[0]

    def probabilities(self, inputs):
        return self.run(self.prepare(inputs))


def convert(network, settings, samples):
    return b"FAKE" + convert_to_onnx(network, settings)


FAKE = EngineKind(
    name="fake",
    open=FakeEngine,
    files=("fake/model.bin",),
    package="fake_engine",
    requirement="fake-engine",
    tolerance=2e-4,
    convert=convert,
    exported=True,
)
'''
ENTRY_POINTS = "[modelwright.engines]\nfake = fake_engine:{}\n"


def install(folder: Path, attribute: str = "FAKE", name: str = "fake-engine") -> Path:
    """Makes a folder for the module path that has the package ``fake-engine`` in it."""
    metadata = folder / f"{name.replace('-', '_')}-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(ENTRY_POINTS.format(attribute))
    (folder / "fake_engine.py").write_text(FAKE_ENGINE)
    return folder


def add_to_table(folder: Path) -> Path:
    """Makes a folder for the module path that adds the engine to the table of each process."""
    folder.mkdir(parents=True)
    (folder / "fake_engine.py").write_text(FAKE_ENGINE)
    (folder / "sitecustomize.py").write_text(
        "from modelwright.servable.engines import registry\n"
        "registry.BUILT_IN['fake'] = 'fake_engine:FAKE'\n"
    )
    return folder


def activate(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Puts a folder on the module path of this process and of its child processes."""
    patch.syspath_prepend(str(folder))
    patch.setenv("PYTHONPATH", str(folder), prepend=":")
    patch.delitem(sys.modules, "fake_engine", raising=False)


@pytest.fixture(scope="module")
def exported(image_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A servable that was exported where the entry point was installed."""
    with pytest.MonkeyPatch.context() as patch:
        activate(patch, install(tmp_path_factory.mktemp("entry-point")))
        # A child process converts, and one of the verification below loads the engine.
        run_without_child_process(patch, replay)
        report = modelwright.export(image_run, tmp_path_factory.mktemp("models") / "colours")
    sys.modules.pop("fake_engine", None)
    assert report.parity["fake"]["passed"]
    assert report.missing == {}
    return report.servable


@pytest.fixture(params=[install, add_to_table], ids=["entry-point", "table"])
def registered(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    activate(monkeypatch, request.param(tmp_path / "site"))
    if request.param is add_to_table:
        monkeypatch.setitem(registry.BUILT_IN, "fake", "fake_engine:FAKE")
    yield


@pytest.mark.usefixtures("registered")
def test_a_registered_engine_is_listed_after_the_built_in_ones() -> None:
    assert registry.engine_names() == ["onnx", "savedmodel", "litert", "fake"]
    assert registry.engine_kind("fake-variant").name == "fake"
    in_table = "fake" in registry.BUILT_IN  # a broken package must not hide other versions
    assert ("fake" in registry.added_folders()) == in_table


def test_an_export_writes_the_files_of_a_registered_engine(exported: Path) -> None:
    manifest = read_manifest(exported)
    assert list(manifest.engines) == ["savedmodel", "onnx", "fake"]
    assert manifest.tolerance_of("fake") == 2e-4
    assert (exported / "fake" / "model.bin").read_bytes().startswith(b"FAKE")


@pytest.mark.usefixtures("registered")
def test_verify_and_benchmark_run_a_registered_engine(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_module, "is_installed", lambda name: name == "fake")
    assert modelwright.verify(exported).engines["fake"]["passed"]
    report = modelwright.benchmark(exported, engines=["fake"], rounds=1, seconds=0.05)
    assert list(report.engines) == ["fake"]


@pytest.mark.usefixtures("registered")
def test_predict_runs_a_registered_engine(exported: Path, colors: Path) -> None:
    loaded = modelwright.load(exported, engine="fake")
    assert type(loaded.engine).__module__ == "fake_engine"
    images = [(colors / color / "001.png").read_bytes() for color in ("red", "green", "blue")]
    assert [answer.label for answer in loaded.predict(images)] == ["red", "green", "blue"]
    onnx = modelwright.load(exported, engine="onnx").engine.probabilities(images)
    np.testing.assert_allclose(loaded.engine.probabilities(images), onnx, atol=1e-6)
    assert type(modelwright.load(exported).engine).__module__ != "fake_engine"


@pytest.mark.usefixtures("registered")
def test_a_server_answers_with_a_registered_engine(exported: Path, tmp_path: Path) -> None:
    ports, log = tmp_path / "ports.json", tmp_path / "log"
    command = [sys.executable, "-m", "modelwright", "serve", exported.parents[1]]
    command += ["--engine", "fake", "--rest-port", "0", "--grpc-port", "0", "--port-file", ports]
    with log.open("wb") as file:
        process = subprocess.Popen([*map(str, command)], stdout=file, stderr=file)
    try:
        end = time.monotonic() + 60
        while not ports.exists() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        assert ports.exists(), log.read_text()
        url = f"http://127.0.0.1:{json.loads(ports.read_text())['rest']}/v1/models/colours:predict"
        example = json.loads((exported / "examples.jsonl").read_text().splitlines()[0])
        body = json.dumps({"instances": [example["instance"]]}).encode()
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=30) as answer:
            (prediction,) = json.load(answer)["predictions"]
        expected = example["probabilities"]
        np.testing.assert_allclose(prediction["probabilities"], expected, atol=1e-4)
    finally:
        process.terminate()
        process.wait(30)


def test_an_engine_of_a_package_that_is_gone_is_skipped(exported: Path) -> None:
    assert not registry.is_known("fake") and not registry.is_installed("fake")
    assert modelwright.load(exported).engine
    with pytest.raises(ConfigError, match="has no engine 'fake'.* It holds: onnx, savedmodel"):
        modelwright.load(exported, engine="fake")
    with pytest.raises(ConfigError, match="no engine 'litret'. Did you mean 'litert'"):
        registry.engine_kind("litret")


@pytest.mark.parametrize(
    ("attribute", "kind", "message"),
    [
        (
            "MISSING",
            MissingDependencyError,
            "^fake-engine .* registers 'fake' .* 'fake_engine:MISSING' cannot be loaded",
        ),
        ("FakeEngine", ConfigError, "FakeEngine.*; expected an EngineKind with that name"),
    ],
)
def test_an_entry_point_that_cannot_be_loaded_is_named(
    exported: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cli: Callable[..., tuple[int, str, str]],
    attribute: str,
    kind: type[ModelwrightError],
    message: str,
) -> None:
    activate(monkeypatch, install(tmp_path / "site", attribute))
    with pytest.raises(kind, match=message):
        modelwright.load(exported, engine="fake")
    code, _, errors = cli("verify", exported)
    assert code == kind.exit_code and "'fake'" in errors
    assert len(errors.strip().splitlines()) == 1


def test_no_other_file_names_an_engine() -> None:
    source = Path(modelwright.__file__).parent
    engines = source / "servable" / "engines"
    names = {*registry.BUILT_IN, "onnx/model.onnx"}
    # A sentence encoder that teaches is an ONNX file of somebody else, whatever the engines are.
    encoder = source / "distillation" / "encoder_folder.py"
    for path in sorted(source.rglob("*.py")):
        if path.parent != engines and path != encoder:
            constants = {
                node.value
                for node in ast.walk(ast.parse(path.read_text("utf-8")))
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
            assert not constants & names, f"{path} names {constants & names}"


def test_two_engines_with_one_name_are_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate(monkeypatch, install(tmp_path / "one"))
    activate(monkeypatch, install(tmp_path / "two", "OTHER", name="other-engine"))
    with pytest.raises(ConfigError, match="registered by several packages: fake-engine .*, other"):
        registry.engine_kind("fake")


def test_a_package_that_is_missing_is_named_with_its_requirement(
    exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    activate(monkeypatch, install(tmp_path / "site"))
    assert registry.engine_kind("fake").is_installed()
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependencyError, match="'onnx' needs onnxruntime"):
        modelwright.load(exported, engine="onnx")
    monkeypatch.setattr(registry.engine_kind("onnx").__class__, "is_installed", lambda _: False)
    with pytest.raises(MissingDependencyError, match="serve.' for onnx, 'fake-engine' for fake"):
        modelwright.benchmark(exported, engines=["onnx", "fake"])
