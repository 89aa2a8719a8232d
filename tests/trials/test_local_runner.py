"""The runner of child processes: events, answers, going on, and the end of a process."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from modelwright.core.errors import ConfigError
from modelwright.runs.run import load_run
from modelwright.trials.local_runner import LocalRunner
from modelwright.trials.run_trial import run_trial
from modelwright.trials.runner import EpochFinished
from modelwright.trials.trial_result import read_trial_result
from sample_data import weights, write_images
from small_trials import image_trial, until_end


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images"), 12, side=8)


@pytest.fixture(scope="module")
def runner() -> Iterator[LocalRunner]:
    """One worker for all tests, because each takes seconds to start."""
    with LocalRunner() as runner:
        yield runner


def same_weights(one: Path, other: Path) -> bool:
    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(
        np.array_equal(first[name], second[name]) for name in first
    )


@pytest.mark.slow
def test_an_answer_stops_a_training_that_goes_on_to_the_bits_of_a_whole_one(
    runner: LocalRunner, source: Path, tmp_path: Path
) -> None:
    here, trial = image_trial(source, tmp_path / "here"), image_trial(source, tmp_path)
    expected = run_trial(here)
    assert expected is not None
    runner.start(trial)
    with pytest.raises(RuntimeError, match="all 1 slots are taken"):
        runner.start(here)
    stopped_epochs, ended = until_end(runner, go_on=False)
    assert [(epoch.number, epoch.earlier) for epoch in stopped_epochs] == [(1, False)]
    assert set(stopped_epochs[0].values) == {"accuracy", "loss", "val_accuracy", "val_loss"}
    assert (ended.key, ended.outcome, ended.result) == (("small", 3), "stopped", None)
    assert not load_run(trial.run, unfinished=True).finished
    runner.start(trial)
    all_epochs, ended = until_end(runner)
    assert [(epoch.number, epoch.earlier) for epoch in all_epochs] == [(1, True), (2, False)]
    assert all_epochs[0].values == stopped_epochs[0].values
    assert (ended.outcome, ended.reason) == ("finished", "")
    assert ended.seconds > 0
    assert ended.result == read_trial_result(trial.result)
    assert ended.result is not None
    assert (ended.result.right, ended.result.order) == (expected.right, expected.order)
    assert ended.result.metrics.train_accuracy == expected.metrics.train_accuracy
    assert same_weights(trial.run, here.run)
    # What is trained and measured is reported with its epochs, and not touched.
    before = trial.result.stat().st_mtime_ns
    runner.start(trial)
    epochs, again = until_end(runner)
    assert [(epoch.number, epoch.earlier) for epoch in epochs] == [(1, True), (2, True)]
    assert [epoch.values for epoch in epochs] == [epoch.values for epoch in all_epochs]
    assert again.result == ended.result
    assert trial.result.stat().st_mtime_ns == before
    assert runner.next_event() is None, "no trial runs"
    assert runner.started == 1


def test_a_trial_that_fails_has_a_reason_and_the_process_lives_on(
    runner: LocalRunner, source: Path, tmp_path: Path
) -> None:
    trial = image_trial(source, tmp_path, learning_rate=10, epochs=3)
    model = trial.config.model.model_copy(
        update={"builder": "custom", "options": {"function": "nowhere:build"}}
    )
    config = trial.config.model_copy(update={"model": model})
    runner.start(type(trial)("wrong", config, trial.run, trial.result))
    started = runner.started
    epochs, ended = until_end(runner)
    assert (epochs, ended.outcome, ended.result) == ([], "failed", None)
    assert "nowhere" in ended.reason
    gone = image_trial(tmp_path / "gone", tmp_path, "gone")
    runner.start(gone)
    assert "there is no file, folder or named set" in until_end(runner)[1].reason
    assert runner.started == started


@pytest.mark.slow
def test_a_killed_process_costs_only_its_trial(
    runner: LocalRunner, source: Path, tmp_path: Path
) -> None:
    trial = image_trial(source, tmp_path)
    runner.start(trial)
    epoch = runner.next_event(120)
    assert isinstance(epoch, EpochFinished)
    pid = runner.pids[trial.key]
    os.kill(pid, signal.SIGKILL)
    _, ended = until_end(runner)
    assert (ended.key, ended.outcome) == (trial.key, "failed")
    assert ended.reason == "its process was killed (SIGKILL), perhaps out of memory"
    assert ended.seconds > 0
    assert not Path(f"/proc/{pid}").exists()
    started = runner.started
    runner.start(trial)
    epochs, ended = until_end(runner)
    assert [(one.number, one.earlier) for one in epochs] == [(1, True), (2, False)]
    assert epochs[0].values == epoch.values
    assert ended.outcome == "finished"
    assert runner.started == started + 1


@pytest.mark.slow
def test_a_worker_that_was_killed_while_idle_is_replaced(
    runner: LocalRunner, source: Path, tmp_path: Path
) -> None:
    runner.start(image_trial(source, tmp_path, epochs=1))
    pid = next(iter(runner.pids.values()))
    assert until_end(runner)[1].outcome == "finished"
    os.kill(pid, signal.SIGKILL)
    runner.start(image_trial(source, tmp_path, "second", epochs=1))
    assert until_end(runner)[1].outcome == "finished"


def test_no_worker_is_refused() -> None:
    with pytest.raises(ConfigError, match="0 workers were given; expected at least 1"):
        LocalRunner(0)


_PARENT = """
import sys
from pathlib import Path
from modelwright.trials.local_runner import LocalRunner
from small_trials import image_trial
runner = LocalRunner()
runner.start(image_trial(Path(sys.argv[1]), Path(sys.argv[2]), epochs=500, patience=0))
event = runner.next_event()
print(*runner.pids.values(), flush=True)
while event := runner.next_event():
    runner.answer(event.key, go_on=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_is_left_behind(source: Path, tmp_path: Path, how: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(source), str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as parent:
        assert parent.stdout is not None
        pid = parent.stdout.readline().strip()
        assert pid
        worker = Path("/proc") / pid
        assert worker.exists()
        parent.send_signal(how)
        parent.wait(20)
    deadline = time.monotonic() + 10
    while worker.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not worker.exists()
    trial = image_trial(source, tmp_path, epochs=500, patience=0)
    assert trial.begun and not trial.trained


@pytest.mark.slow
def test_a_worker_whose_memory_has_grown_is_replaced(source: Path, tmp_path: Path) -> None:
    with LocalRunner(growth_mib=-1) as runner:
        for variant in ("one", "two"):
            runner.start(image_trial(source, tmp_path, variant, epochs=1))
            assert until_end(runner)[1].outcome == "finished"
        assert runner.started == 2
    with LocalRunner() as runner:
        for variant in ("three", "four"):
            runner.start(image_trial(source, tmp_path, variant, epochs=1))
            assert until_end(runner)[1].outcome == "finished"
        assert runner.started == 1
    shutil.rmtree(tmp_path)
