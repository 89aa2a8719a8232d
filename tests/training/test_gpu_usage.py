"""How busy a GPU is: from what nvidia-smi prints, and never in the way of a training."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelwright.runs.details import describe_speed
from modelwright.training import gpu_usage
from modelwright.training.gpu_usage import GpuUsage, read_utilization
from modelwright.training.step_times import StepTimes

TEXT = "0, GPU-aaaa-1, 80\n1, GPU-bbbb-2, 40\n2, GPU-cccc-3, [N/A]\n"


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(gpu_usage.shutil, "which", lambda name: str(program))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)


def test_utilization_is_the_mean_of_samples_of_the_visible_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, monkeypatch, f"echo x >> {tmp_path}/calls; printf '{TEXT}'")
    monkeypatch.setattr(gpu_usage, "_peak_bytes", lambda: 3 * 2**20)
    with GpuUsage(active=True, seconds=0.01) as usage:
        calls = tmp_path / "calls"
        wait_until(lambda: calls.exists() and len(calls.read_text().splitlines()) > 2)
    assert usage.figures() == {"gpu_utilization": 0.6, "gpu_memory_mib": 3.0}


@pytest.mark.parametrize(
    ("visible", "found"),
    [
        (None, [80, 40]),
        ("1", [40]),
        ("GPU-aaaa", [80]),
        ("0, 2", [80]),
        ("", []),
        ("-1", []),
        ("MIG-1", []),
    ],
)
def test_only_visible_gpus_count(visible: str | None, found: list[float]) -> None:
    assert read_utilization(TEXT, visible) == found


@pytest.mark.parametrize(
    "script", ["exit 9", "echo no GPU here", "printf '0, GPU-a, [N/A]'", "exec /does/not/exist"]
)
def test_a_failing_program_gives_no_figure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    fake(tmp_path, monkeypatch, f"echo x >> {tmp_path}/calls\n{script}")
    monkeypatch.setattr(gpu_usage, "_peak_bytes", lambda: 0)
    with GpuUsage(active=True, seconds=0.01) as usage:
        wait_until((tmp_path / "calls").exists)
    assert usage.figures() == {}


def test_nothing_is_started_without_a_gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake(tmp_path, monkeypatch, "echo x")
    before = threading.active_count()
    with GpuUsage(active=False) as usage:
        assert threading.active_count() == before
    assert usage.figures() == {}


@pytest.mark.parametrize(("stats", "peak"), [({"peak_bytes_in_use": 7}, 7), ({}, 0), (None, 0)])
def test_the_peak_is_what_jax_counted(
    monkeypatch: pytest.MonkeyPatch, stats: dict[str, int] | None, peak: int
) -> None:
    backend = SimpleNamespace(backend=lambda: "jax")
    device = SimpleNamespace(memory_stats=lambda: stats)
    monkeypatch.setitem(sys.modules, "keras", SimpleNamespace(config=backend))
    monkeypatch.setitem(sys.modules, "jax", SimpleNamespace(local_devices=lambda: [device]))
    assert gpu_usage._peak_bytes() == peak
    monkeypatch.setattr(device, "memory_stats", lambda: 1 / 0)
    assert gpu_usage._peak_bytes() == 0


def test_step_times_leave_out_the_first_step_of_each_epoch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    batches, now = SimpleNamespace(waited=0.0), [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    times = StepTimes(batches)
    assert times.figures() == {}
    for _ in range(2):
        times.start_epoch()
        for seconds, waited in ((9.0, 9.0), (0.01, 0.001), (0.03, 0.003), (0.02, 0.002)):
            now[0] += seconds
            batches.waited += waited
            times.end_step()
    assert times.figures() == {"step_ms": 20.0, "waiting_share": 0.1}


def test_the_report_shows_what_is_known() -> None:
    speed = {"step_ms": 12.34, "waiting_share": 0.05}
    assert describe_speed({}) == []
    assert describe_speed(speed) == [
        ("steps", "12.3 ms each, 5.00 % of the time waiting for batches")
    ]
    gpu = describe_speed({**speed, "gpu_utilization": 0.85, "gpu_memory_mib": 1234.0})[1]
    assert gpu == ("GPU", "85.00 % busy, at most 1,234 MiB")
