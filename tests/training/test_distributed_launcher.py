"""The processes that a command starts: their output, their end, and their share of the GPUs."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from modelwright.core.errors import ConfigError, RunError
from modelwright.training import cluster_launcher
from modelwright.training.cluster_launcher import own_gpus, run_processes
from modelwright.training.cluster_settings import Cluster, LocalProcesses

PLACE = "import json, os, sys, time, signal; me = json.loads(os.environ['MODELWRIGHT_CLUSTER']); "


def run(code: str, found: Cluster | None = None) -> int:
    return run_processes(found or LocalProcesses(2), [sys.executable, "-S", "-c", PLACE + code])


def test_each_process_knows_its_place_and_the_first_speaks(
    capfd: pytest.CaptureFixture[str],
) -> None:
    code = "print(me['rank'], me['processes'], me['coordinator'][:10]); print('x', file=sys.stderr)"
    assert run(code) == 0
    printed, errors = capfd.readouterr()
    assert printed == "0 2 127.0.0.1:\n"
    assert sorted(errors.splitlines()) == ["[rank 1] x", "x"]


def test_lines_of_the_others_are_limited(capfd: pytest.CaptureFixture[str]) -> None:
    code = "[print(n, file=sys.stderr) for n in range(1000 * me['rank'])]; time.sleep(0.3)"
    assert run(code) == 0
    lines = capfd.readouterr().err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "[rank 1] … more lines are left out"


def test_the_exit_code_is_that_of_the_process_that_failed() -> None:
    started = time.monotonic()
    assert run("sys.exit(3) if me['rank'] else time.sleep(60)") == 3
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_ends_the_others_and_is_named(rank: int) -> None:
    code = f"open(os.environ['MODELWRIGHT_RUN_PLACE'], 'w').write('runs/a'); time.sleep(0.2); \
os.kill(os.getpid(), 9) if me['rank'] == {rank} else time.sleep(60)"
    with pytest.raises(RunError, match=rf"rank {rank} was ended by SIGKILL.*--resume runs/a"):
        run(code)


def test_a_process_that_lost_another_machine_gets_a_clear_line() -> None:
    member = Cluster(1, 2, "10.0.0.1:5", "the options")
    with pytest.raises(RunError, match="one of the 2 processes .* cannot be reached, so all end"):
        run("os.kill(os.getpid(), signal.SIGABRT)", member)


def test_ctrl_c_reaches_the_first_process_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    ready = tmp_path / "ready"
    monkeypatch.setenv("READY", str(ready))

    def interrupt() -> None:
        while not ready.exists():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    code = """
def stop(*_): print('asked'); time.sleep(0.2); sys.exit(130)
signal.signal(signal.SIGINT, stop)
if me['rank'] == 0: open(os.environ['READY'], 'w')
time.sleep(60)"""
    threading.Thread(target=interrupt).start()
    assert run(code) == 130
    assert capfd.readouterr().out == "asked\n"


def fake_smi(folder: Path, monkeypatch: pytest.MonkeyPatch, lines: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\nprintf '{lines}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr(cluster_launcher, "_jax_has_cuda", lambda: True)


def test_each_process_gets_its_share_of_the_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_smi(tmp_path, monkeypatch, r"0\n1\n2\n3\n")
    assert own_gpus(1, 2, {}) == {"CUDA_VISIBLE_DEVICES": "2,3"}
    assert own_gpus(1, 2, {"CUDA_VISIBLE_DEVICES": "5,7"}) == {"CUDA_VISIBLE_DEVICES": "7"}
    assert own_gpus(1, 2, {"CUDA_VISIBLE_DEVICES": "-1"}) == {}
    assert own_gpus(1, 2, {"JAX_PLATFORMS": "cpu"}) == {}
    with pytest.raises(ConfigError, match="5 processes .* this machine has 4 visible GPUs"):
        own_gpus(4, 5, {})
