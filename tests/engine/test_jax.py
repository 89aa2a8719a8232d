"""Training under JAX in processes of its own: the same servable, the same bits when resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelwright
from conftest import weights
from modelwright.core.errors import RunError
from modelwright.engine import runtime

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
        "warmup": 0.2,
    },
}
BILSTM = {
    "model": {"recipe": "bilstm", "units": [4], "embedding": 8, "length": 8, "dropout": 0.1},
    "train": {"epochs": 4, "batch_size": 16, "learning_rate": 0.03},
}
TRAIN = """
import json, os, signal, sys
import modelwright
colours, reviews, out, cnn, bilstm = map(json.loads, sys.argv[1:])
def kill(what, done, total):
    if what.startswith("epoch 3/") and done >= total // 3 * 2 + 3:
        os.kill(os.getpid(), signal.SIGKILL)
# As many rows as fill whole batches: each other size is one more compilation.
pictures = {"source": colours, "limit": 80}
modelwright.train(data=pictures, **cnn, out=out + "/cnn")
modelwright.train(data={"source": reviews, "limit": 160}, **bilstm, out=out + "/bilstm")
for name in ("cnn", "bilstm"):
    modelwright.export(out + "/" + name, out + "/models/" + name, tta=name == "cnn")
modelwright.train(data=pictures, **cnn, out=out + "/killed", progress=kill)
"""


def under_jax(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Python in a process whose Keras computes with JAX."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "KERAS_BACKEND": "jax", "XLA_FLAGS": ""},
    )


@pytest.fixture(scope="module")
def trained(colours: Path, reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs cnn, bilstm and killed, and with models of the first two."""
    out = tmp_path_factory.mktemp("jax")
    given = (str(colours), str(reviews), str(out), CNN, BILSTM)
    done = under_jax("-c", TRAIN, *map(json.dumps, given))
    assert done.returncode == -signal.SIGKILL, done.stderr[-3000:]
    return out


def record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


@pytest.mark.parametrize("name", ["cnn", "bilstm"])
def test_the_servable_is_one_like_any_other(trained: Path, name: str) -> None:
    run = record(trained / name)
    assert run["backend"] == run["metrics"]["backend"] == "jax"
    assert run["versions"]["jax"]
    report = modelwright.verify(trained / "models" / name)
    assert report.engines["savedmodel"]["rows"] > 5
    about = modelwright.load(trained / "models" / name).manifest
    assert about.tolerance <= 1e-4
    assert about.tta == (name == "cnn")
    assert about.metrics["training"]["backend"] == "jax"
    assert about.engines["savedmodel"]["max_difference"] < 1e-5


def test_it_learned(trained: Path) -> None:
    assert record(trained / "bilstm")["metrics"]["val_accuracy"] > 0.9
    answers = modelwright.load(trained / "models" / "bilstm").predict(["酒店 很好", "awful room"])
    assert [answer.label for answer in answers] == ["pos", "neg"]


def test_tensorflow_measures_such_a_run_too(trained: Path) -> None:
    """The weights mean the same to both; what JAX reported, TensorFlow finds."""
    report = modelwright.evaluate(trained / "cnn", split="val")
    assert report.metrics.accuracy == record(trained / "cnn")["metrics"]["val_accuracy"]


def test_killed_and_resumed_it_ends_with_the_same_bits_and_only_under_jax(trained: Path) -> None:
    killed = trained / "killed"
    assert record(killed)["status"] == "running"
    with pytest.raises(RunError, match=r"began under JAX, .* not under TensorFlow; resume it with"):
        modelwright.resume(killed)
    command = ["train", "--resume", str(killed), "--quiet"]
    done = under_jax("-m", "modelwright.cli.main", *command)
    assert (done.returncode, done.stderr) == (0, "")
    assert "JAX" in done.stdout
    whole = weights(trained / "cnn")
    again = weights(killed)
    assert whole.keys() == again.keys()
    for name, value in whole.items():
        np.testing.assert_array_equal(value, again[name])
    assert (killed / "history.csv").read_text() == (trained / "cnn" / "history.csv").read_text()


def test_what_jax_says_of_a_gpu_is_what_the_precision_is_chosen_by(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Device:
        platform, device_kind, compute_capability = "gpu", "H", "9.0"

    monkeypatch.setattr(runtime.keras.config, "backend", lambda: "jax")
    monkeypatch.setattr(runtime, "_jax_devices", lambda: [Device()])
    assert runtime.gpu_details() == {"device_name": "H", "compute_capability": (9, 0)}
    Device.platform = "cpu"
    assert runtime.gpu_details() is None


def test_a_platform_that_jax_does_not_have_is_one_line(reviews: Path, tmp_path: Path) -> None:
    code = (
        "import os; os.environ['JAX_PLATFORMS'] = 'nowhere'\n"
        "from modelwright.cli.main import main\n"
        f"import sys; sys.argv = ['modelwright', 'train', '--data', {str(reviews)!r},"
        f" '--recipe', 'bilstm', '--out', {str(tmp_path / 'r')!r}, '-q']\nmain()"
    )
    done = under_jax("-c", code)
    assert done.returncode == 2, done.stderr[-2000:]
    assert done.stderr.startswith("error: JAX has nothing to compute on with JAX_PLATFORMS=")
    assert "Traceback" not in done.stderr
