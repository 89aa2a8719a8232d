"""Searches with real trainings: any process may be killed, and no trial changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sample_data import sentences, write_csv

pytestmark = pytest.mark.slow
SEARCH = """
name = "notes"
[base.data]
source = "notes.csv"
[base.model]
recipe = "bilstm"
embedding = 4
units = [4]
length = 12
[base.train]
epochs = 3
min_steps = 0
min_val_rows = 0
batch_size = 16
tensorboard = false
[space]
"model.cell" = ["lstm", "gru"]
"train.learning_rate" = { from = 1e-3, to = 1e-1, scale = "log" }
[search]
trials = 3
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("search")
    write_csv(folder / "notes.csv", sentences(120), ("text", "label"))
    (folder / "search.toml").write_text(SEARCH, "utf-8")
    return folder


def start(folder: Path, out: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "modelwright", "tune", "search.toml", "--out", out, "--json"],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors[-2000:]
    found: dict[str, Any] = json.loads(output)
    return found


@pytest.fixture(scope="module")
def undisturbed(folder: Path) -> dict[str, Any]:
    return finish(start(folder, "whole"))


def trials(search: dict[str, Any]) -> list[dict[str, Any]]:
    """Returns the trials without their times and attempts."""
    return [
        {key: one[key] for key in ("number", "values", "state", "epochs", "objective", "reason")}
        | {"figures": {key: one["figures"][key] for key in one["figures"] if key != "minutes"}}
        for one in search["records"]
    ]


def wait_until(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not ready():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_no_test_row_is_ever_measured(folder: Path, undisturbed: dict[str, Any]) -> None:
    assert undisturbed["status"] == "finished"
    measured = {path.name for path in folder.glob("whole/runs/*/evaluations/*")}
    assert measured == {"val"}
    for path in folder.glob("whole/trials/*/result.json"):
        figures = json.loads(path.read_text("utf-8"))["figures"]
        assert figures["rows"] == figures["splits"]["val"]


@pytest.mark.parametrize(
    "ready",
    ["runs/0000/run.json", "runs/0000/checkpoint.npz", "runs/0001/checkpoint.npz"],
)
def test_the_search_is_killed_and_goes_on(
    folder: Path, undisturbed: dict[str, Any], ready: str
) -> None:
    out = f"parent-{ready.replace('/', '-')}"
    process = start(folder, out)
    wait_until(lambda: (folder / out / ready).exists())
    process.kill()
    process.communicate()
    assert trials(finish(start(folder, out))) == trials(undisturbed)


def test_a_training_is_killed_and_its_trial_goes_on(
    folder: Path, undisturbed: dict[str, Any]
) -> None:
    process = start(folder, "child")
    wait_until(lambda: (folder / "child/runs/0001/checkpoint.npz").exists())
    command = ["pgrep", "-P", str(process.pid), "-f", "modelwright.trials.worker"]
    child = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    os.kill(child, signal.SIGKILL)
    found = finish(process)
    assert trials(found) == trials(undisturbed)
    assert found["records"][1]["attempts"] == 2


def test_the_best_settings_train_without_their_file(
    folder: Path, undisturbed: dict[str, Any]
) -> None:
    best = folder / "best.toml"
    best.write_bytes((folder / "whole/best.toml").read_bytes())
    modelwright = [sys.executable, "-m", "modelwright"]
    run = [*modelwright, "train", "--recipe", "best.toml", "--out", "run", "--no-baselines", "-q"]
    subprocess.run(run, cwd=folder, check=True, capture_output=True)
    best.unlink()
    config = json.loads((folder / "run/run.json").read_text("utf-8"))
    assert config["status"] == "finished"
    weights = (folder / "run/history.csv").read_text("utf-8")
    number = undisturbed["best"]["number"]
    assert weights == (folder / f"whole/runs/{number:04}/history.csv").read_text("utf-8")
    export = [*modelwright, "export", "run", "model", "-q"]
    subprocess.run(export, cwd=folder, check=True, capture_output=True)
