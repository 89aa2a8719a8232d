"""Training under JAX in separate processes: the same servable, the same bits when resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelwright
from modelwright.core.errors import ConfigError, RunError
from modelwright.training import runtime
from sample_data import weights

pytestmark = pytest.mark.skipif(
    util.find_spec("jax") is None, reason="jax is not installed: pip install 'modelwright[jax]'"
)

CNN = {
    "model": {"recipe": "cnn", "filters": [4, 8], "units": 8, "dropout": 0.2},
    "train": {
        "epochs": 3,
        "batch_size": 16,
        "class_weight": "balanced",
        "label_smoothing": 0.1,
        "optimizer": "sgd",
        "learning_rate": 0.05,
        "bias_rate": 2.0,
        "lookahead": 4,
        "tensorboard": False,
        "warmup": 0.2,
    },
}
BILSTM = {
    "model": {"recipe": "bilstm", "units": [4], "embedding": 8, "length": 8, "dropout": 0.1},
    "train": {"epochs": 4, "batch_size": 16, "learning_rate": 0.03},
}
# The limits fill whole batches, because each other batch size is one more compilation.
TRAIN = """
import json, os, signal, sys
import modelwright
name, source, limit, tables, out = map(json.loads, sys.argv[1:])
data = {"source": source, "limit": limit}
modelwright.train(data=data, **tables, out=out + "/" + name)
modelwright.export(out + "/" + name, out + "/models/" + name, tta=name == "cnn")
def kill(what, done, total):
    if what.startswith("epoch 3/") and done >= total // 3 * 2 + 3:
        os.kill(os.getpid(), signal.SIGKILL)
if name == "cnn":
    modelwright.train(data=data, **tables, out=out + "/killed", progress=kill)
"""


def under_jax(*arguments: str) -> subprocess.Popen[str]:
    """Starts Python with JAX as Keras' backend, and without XLA's optimizations."""
    settings = {"KERAS_BACKEND": "jax", "XLA_FLAGS": "--xla_backend_optimization_level=0"}
    return subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **settings},
    )


@pytest.fixture(scope="module")
def trained(colors: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with a run on images and its model, a killed run, and its resumed copy."""
    out = tmp_path_factory.mktemp("jax")
    _, errors, code = train("cnn", colors, 80, CNN, out)
    assert code == -signal.SIGKILL, errors[-3000:]
    shutil.copytree(out / "killed", out / "resumed")
    command = ["train", "--resume", str(out / "resumed"), "--quiet"]
    resumed = under_jax("-m", "modelwright", *command)
    printed, errors = resumed.communicate()
    assert (resumed.returncode, errors) == (0, "")
    assert "JAX" in printed
    return out


@pytest.fixture(scope="module")
def trained_on_texts(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with a run on texts and its model."""
    out = tmp_path_factory.mktemp("jax-texts")
    _, errors, code = train("bilstm", reviews, 160, BILSTM, out)
    assert code == 0, errors[-3000:]
    return out


def train(
    name: str, source: Path, limit: int, tables: dict[str, Any], out: Path
) -> tuple[str, str, int]:
    """Trains and exports in a process, and returns what it printed and its exit code."""
    process = under_jax("-c", TRAIN, *map(json.dumps, (name, str(source), limit, tables, str(out))))
    printed, errors = process.communicate()
    return printed, errors, process.returncode


def record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fixture"),
    [("cnn", "trained"), pytest.param("bilstm", "trained_on_texts", marks=pytest.mark.slow)],
)
def test_the_servable_has_the_usual_record_and_parity(
    request: pytest.FixtureRequest, name: str, fixture: str
) -> None:
    trained = request.getfixturevalue(fixture)
    run = record(trained / name)
    assert run["backend"] == run["metrics"]["backend"] == "jax"
    assert run["versions"]["jax"]
    manifest = modelwright.load(trained / "models" / name).manifest
    assert manifest.tolerance <= 1e-4
    assert manifest.tta == (name == "cnn")
    assert manifest.metrics["training"]["backend"] == "jax"
    assert manifest.engines["savedmodel"]["max_difference"] < 1e-5


@pytest.mark.slow
@pytest.mark.usefixtures("export_in_process")
def test_the_model_learned_and_its_servable_is_verified(trained_on_texts: Path) -> None:
    trained = trained_on_texts
    report = modelwright.verify(trained / "models" / "bilstm")
    assert report.engines["savedmodel"]["rows"] > 5
    assert record(trained / "bilstm")["metrics"]["val_accuracy"] > 0.9
    answers = modelwright.load(trained / "models" / "bilstm").predict(["酒店 很好", "awful room"])
    assert [answer.label for answer in answers] == ["pos", "neg"]


@pytest.mark.slow
def test_tensorflow_measures_the_same_accuracy(trained: Path) -> None:
    """The weights mean the same to both backends."""
    report = modelwright.evaluate(trained / "cnn", split="val")
    assert report.metrics.accuracy == record(trained / "cnn")["metrics"]["val_accuracy"]


@pytest.mark.slow
def test_a_killed_run_resumes_to_the_same_bits_and_only_under_jax(trained: Path) -> None:
    assert record(trained / "killed")["status"] == "running"
    with pytest.raises(RunError, match=r"began under JAX .* set KERAS_BACKEND=jax"):
        modelwright.resume(trained / "killed")
    resumed = trained / "resumed"
    assert record(resumed)["status"] == "finished"
    whole = weights(trained / "cnn")
    again = weights(resumed)
    assert whole.keys() == again.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(value, again[name])
    assert (resumed / "history.csv").read_text() == (trained / "cnn" / "history.csv").read_text()


def test_gpu_details_of_jax_have_the_compute_capability(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Device:
        platform, device_kind, compute_capability = "gpu", "H", "9.0"

    monkeypatch.setattr(runtime.keras.config, "backend", lambda: "jax")
    monkeypatch.setattr(runtime, "_jax_devices", lambda: [Device()])
    assert runtime.gpu_details() == {"device_name": "H", "compute_capability": (9, 0)}
    Device.platform = "cpu"
    assert runtime.gpu_details() is None


def test_an_unknown_platform_of_jax_is_a_one_line_error(monkeypatch: pytest.MonkeyPatch) -> None:
    jax = pytest.importorskip("jax")

    def devices() -> list[object]:
        raise RuntimeError("Unknown backend nowhere\nin two lines")

    monkeypatch.setattr(jax, "devices", devices)
    monkeypatch.setenv("JAX_PLATFORMS", "nowhere")
    monkeypatch.setattr(runtime.keras.config, "backend", lambda: "jax")
    with pytest.raises(ConfigError, match=r"JAX_PLATFORMS='nowhere': Unknown backend nowhere Set"):
        runtime.gpu_details()
