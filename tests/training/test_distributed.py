"""Training by two processes: the run is that of one process, and a lost process ends both."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.training.cluster_settings import free_port
from sample_data import weights

pytestmark = [
    pytest.mark.slow,  # each process compiles its steps for half a minute
    pytest.mark.skipif(
        util.find_spec("jax") is None, reason="jax is not installed: pip install 'modelwright[jax]'"
    ),
]

# A last batch of odd size, augmentation, mixed labels, dropout and balanced classes: whatever could
# depend on the number of processes. 75 rows are four batches of 16 and one of 11.
CONFIG = """
[data]
source = {source}
limit = 75
[model]
recipe = "cnn"
filters = [4, 8]
units = 8
dropout = 0.2
augment = "flip+crop"
mixup = 0.2
[train]
epochs = {epochs}
batch_size = 16
patience = 0
class_weight = "balanced"
optimizer = "sgd"
learning_rate = 0.05
lookahead = 4
precision = "float32"
min_steps = 0
[cluster]
processes = {processes}
"""


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    """Starts the command with a config file, under JAX and without XLA's optimizations."""
    return subprocess.Popen(
        [sys.executable, "-m", "modelwright", "train", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={
            **os.environ,
            "KERAS_BACKEND": "jax",
            "JAX_PLATFORMS": "cpu",
            "XLA_FLAGS": "--xla_backend_optimization_level=0",
        },
    )


def begin(
    folder: Path, source: Path, name: str, *, processes: int, epochs: int = 2
) -> subprocess.Popen[str]:
    text = CONFIG.format(source=json.dumps(str(source)), processes=processes, epochs=epochs)
    (folder / f"{name}.toml").write_text(text)
    return start(folder, f"{name}.toml", "--out", name, "--no-baselines", "--json")


def record(run: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((run / "run.json").read_text())
    return found


def history(run: Path) -> np.ndarray[Any, Any]:
    return np.loadtxt(run / "history.csv", delimiter=",", skiprows=1, ndmin=2)


def largest_difference(one: Path, other: Path) -> float:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    return max(float(np.abs(first[name] - second[name]).max()) for name in first)


@pytest.fixture(scope="module")
def trained(colors: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """Returns a folder with the runs of one process and of two, and the report of the latter."""
    folder = tmp_path_factory.mktemp("distributed")
    two = begin(folder, colors, "two", processes=2)
    one = begin(folder, colors, "one", processes=1)
    printed, errors = two.communicate(timeout=300)
    assert two.returncode == 0, errors[-3000:]
    _, alone = one.communicate(timeout=300)
    assert one.returncode == 0, alone[-3000:]
    return folder, json.loads(printed)


def test_two_processes_train_the_network_of_one(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = trained
    np.testing.assert_allclose(history(folder / "two"), history(folder / "one"), atol=1e-5)
    assert largest_difference(folder / "two", folder / "one") < 5e-5


def test_the_run_says_who_trained_it_and_how_fast(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, report = trained
    found = {"processes": 2, "devices": 2, "found": "--processes"}
    assert report["cluster"] == record(folder / "two")["cluster"] == found
    assert "cluster" not in record(folder / "one")
    for run in (record(folder / "two"), record(folder / "one")):
        assert run["metrics"]["speed"]["step_ms"] > 0
        assert 0 <= run["metrics"]["speed"]["waiting_share"] <= 1
        assert "gpu_utilization" not in run["metrics"]["speed"]


def test_the_config_does_not_hold_the_processes(trained: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = trained
    one, two = ((folder / name / "config.toml").read_text() for name in ("one", "two"))
    assert one.replace('"one"', '"two"') == two
    assert "cluster" not in two


def wait_for_epochs(run: Path, epochs: int, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 200
    while process.poll() is None and time.monotonic() < deadline:
        file = run / "history.csv"
        if file.exists() and len(file.read_text().splitlines()) > epochs:
            return
        time.sleep(0.1)
    pytest.fail(f"no epoch {epochs}: {process.communicate()[1][-3000:]}")


def children(process: subprocess.Popen[str]) -> list[int]:
    path = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return [int(number) for number in path.read_text().split()]


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_all_and_resuming_gives_the_same_bits(
    colors: Path, tmp_path: Path, rank: int
) -> None:
    whole = begin(tmp_path, colors, "whole", processes=2, epochs=60)
    whole.communicate(timeout=600)
    assert whole.returncode == 0
    killed = begin(tmp_path, colors, "killed", processes=2, epochs=60)
    wait_for_epochs(tmp_path / "killed", 3, killed)
    both = children(killed)
    os.kill(both[rank], signal.SIGKILL)
    started = time.monotonic()
    _, errors = killed.communicate(timeout=60)
    assert time.monotonic() - started < 20
    assert killed.returncode == 4
    assert f"the process with rank {rank} was ended by SIGKILL" in errors
    assert "--resume killed --processes 2" in errors
    assert not any(Path(f"/proc/{number}").exists() for number in both)
    shutil.copytree(tmp_path / "killed", tmp_path / "alone")
    resumed = start(tmp_path, "--resume", "killed", "--processes", "2", "--no-baselines")
    _, errors = resumed.communicate(timeout=600)
    assert resumed.returncode == 0, errors[-3000:]
    assert largest_difference(tmp_path / "killed", tmp_path / "whole") == 0
    alone = start(tmp_path, "--resume", "alone", "--no-baselines")
    printed, errors = alone.communicate(timeout=600)
    assert alone.returncode == 0, errors[-3000:]
    assert "the first epochs were trained by 2 processes, the others by 1 process" in " ".join(
        printed.split()
    )
    assert largest_difference(tmp_path / "alone", tmp_path / "whole") < 1e-3


def test_processes_started_apart_meet_and_end_together(colors: Path, tmp_path: Path) -> None:
    text = CONFIG.format(source=json.dumps(str(colors)), processes=2, epochs=5000)
    (tmp_path / "run.toml").write_text(text + f'coordinator = "127.0.0.1:{free_port()}"\n')
    first, second = (
        start(tmp_path, "run.toml", "--rank", rank, "--out", f"run{rank}", "--no-baselines")
        for rank in "01"
    )
    wait_for_epochs(tmp_path / "run0", 2, first)
    os.kill(children(second)[0], signal.SIGKILL)
    _, errors = second.communicate(timeout=30)
    assert second.returncode == 4
    assert "the process with rank 1 was ended by SIGKILL" in errors
    started = time.monotonic()
    _, errors = first.communicate(timeout=60)
    assert time.monotonic() - started < 20
    assert first.returncode == 4
    assert "one of the 2 processes of the training ended or cannot be reached" in errors
    assert "Traceback" not in errors
    assert not (tmp_path / "run1").exists()


def test_ctrl_c_ends_all_with_a_report(colors: Path, tmp_path: Path) -> None:
    process = begin(tmp_path, colors, "run", processes=2, epochs=5000)
    wait_for_epochs(tmp_path / "run", 2, process)
    both = children(process)
    process.send_signal(signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert json.loads(printed)["status"] == "stopped"
    assert not any(Path(f"/proc/{number}").exists() for number in both)


def test_the_end_of_the_command_ends_its_processes(colors: Path, tmp_path: Path) -> None:
    process = begin(tmp_path, colors, "run", processes=2, epochs=5000)
    wait_for_epochs(tmp_path / "run", 1, process)
    both = children(process)
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(Path(f"/proc/{pid}").exists() for pid in both):
        time.sleep(0.2)
    assert not any(Path(f"/proc/{number}").exists() for number in both)


def test_two_devices_of_one_process_share_the_batches(colors: Path, tmp_path: Path) -> None:
    with begin(tmp_path, colors, "one", processes=1) as one:
        one.communicate(timeout=300)
    assert one.returncode == 0
    flags = "--xla_backend_optimization_level=0 --xla_force_host_platform_device_count=2"
    code = "import modelwright; print(modelwright.train('one.toml', out='two').cluster)"
    environment = {**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "'devices': 2" in done.stdout
    assert largest_difference(tmp_path / "one", tmp_path / "two") < 5e-5
