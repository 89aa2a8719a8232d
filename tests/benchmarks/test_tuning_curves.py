"""The comparison of searches: hand-made curves, and a search that never gets there."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import cpu_time
import tuning_curves
from tuning_curves import Curve


def test_a_curve_keeps_its_best_until_the_next() -> None:
    curve = Curve(10.0, [(2.0, 0.5), (6.0, 0.7)])
    assert curve.at(np.array([0.0, 1.9, 2.0, 5.9, 6.0, 10.0])).tolist() == [
        0, 0, 0.5, 0.5, 0.7, 0.7,
    ]  # fmt: skip
    assert curve.best == 0.7 and Curve(3.0).best == 0.0


def test_the_time_until_randoms_final_mean() -> None:
    random = [Curve(100.0, [(90.0, 0.8)]), Curve(100.0, [(50.0, 0.6)])]
    ours = [Curve(100.0, [(10.0, 0.6), (25.0, 0.9)]), Curve(100.0, [(40.0, 0.7)])]
    found = tuning_curves.compare(random, ours)
    assert found["random's final mean in %"] == pytest.approx(70)
    assert found["our final mean in %"] == pytest.approx(80)
    # The mean of ours is 0.45 at 25 s and 0.8 at 40 s.
    assert found["seconds until it"]["value"] == pytest.approx(40, abs=0.1)
    assert found["times sooner"]["value"] == pytest.approx(2.5, abs=0.01)
    assert found["points better at the end"]["value"] == pytest.approx(10)
    spread = found["times sooner"]
    assert spread["low"] is None  # with the worse curve alone, a draw of 80 % is never reached
    assert spread["high"] >= 2.5


def test_a_search_that_never_gets_there_says_never() -> None:
    found = tuning_curves.compare([Curve(10.0, [(5.0, 0.9)])], [Curve(10.0, [(1.0, 0.8)])])
    assert found["times sooner"] == {"value": None, "low": None, "high": None}
    assert found["seconds until it"] == {"value": None, "low": None, "high": None}
    assert found["points better at the end"]["value"] == pytest.approx(-10)


def test_processor_time_counts_children_that_ended(tmp_path: Path) -> None:
    pytest.importorskip("psutil")
    burn = "import time\nwhile time.process_time() < 0.3: pass\n"
    parent = f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-c', {burn!r}])\n"
    seen: list[float] = []
    command = [sys.executable, "-c", f"{parent}time.sleep(0.5)"]
    seconds = cpu_time.watch(command, dict(os.environ), tmp_path / "log", seen.append)
    assert seconds >= 0.3 and seen == sorted(seen)


def test_a_search_is_killed_at_its_budget_with_its_children(tmp_path: Path) -> None:
    psutil = pytest.importorskip("psutil")
    child = "import os\nopen('pid', 'w').write(str(os.getpid()))\nwhile True: pass\n"
    code = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])"
    command = [sys.executable, "-c", f"import os\nos.chdir({str(tmp_path)!r})\n{code}"]
    seconds = cpu_time.watch(command, dict(os.environ), tmp_path / "log", lambda _: None, 0.3)
    assert seconds >= 0.3
    pid = int((tmp_path / "pid").read_text())
    _, alive = psutil.wait_procs(_processes(psutil, pid), timeout=30)
    assert not [one for one in alive if one.status() != psutil.STATUS_ZOMBIE]


def _processes(psutil: Any, pid: int) -> list[Any]:
    return [psutil.Process(pid)] if psutil.pid_exists(pid) else []


def test_a_side_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    pytest.importorskip("psutil")
    command = [sys.executable, "-c", "raise ValueError('out of order')"]
    with pytest.raises(SystemExit, match=r"failed:(?s:.*)out of order"):
        cpu_time.watch(command, dict(os.environ), tmp_path / "log", lambda _: None)


def test_the_best_trials_are_compared_on_held_out_rows() -> None:
    random = [Curve(10.0, [(5.0, 0.9)], held_out=one) for one in (0.80, 0.82, None)]
    ours = [Curve(10.0, [(1.0, 0.8)], held_out=one) for one in (0.81, 0.84, 0.9)]
    found = tuning_curves.compare(random, ours)
    assert found["random's mean on held-out rows in %"] == pytest.approx(81)
    gain = found["points better on held-out rows"]
    assert gain["value"] == pytest.approx(1.5)
    assert gain["low"] < 0 < gain["high"]
    one = tuning_curves.compare(random[:1], ours[:1])
    assert "points better on held-out rows" not in one
