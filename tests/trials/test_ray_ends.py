"""However a process ends, its Ray cluster and its trainings end with it, and its folder goes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sample_data import write_images

pytest.importorskip("ray", reason="the package ray is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the processes in /proc"),
]

SCRIPT = """
import sys
from pathlib import Path
from small_trials import image_trial
from modelwright.trials.ray_runner import RayRunner

with RayRunner(1) as runner:
    runner.start(image_trial(Path("images"), Path("out"), epochs=3))
    event = runner.next_event()
    print("epoch", flush=True)
    if sys.argv[1] == "fails":
        raise SystemExit("failed")
    runner.next_event(1000 if sys.argv[1] == "waits" else 0)
"""


@pytest.fixture
def temporary() -> Iterator[Path]:
    """A temporary folder with a short path, which Ray needs; it names the processes, too."""
    folder = Path(tempfile.mkdtemp(prefix="mwt", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def start(how: str, folder: Path, temporary: Path) -> subprocess.Popen[str]:
    """Starts the script without a network, where the system allows, until its first epoch."""
    write_images(folder / "images", 12, side=8)
    paths = [Path(__file__).parent, Path(__file__).parent.parent, *sys.path]
    alone = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    probe = [*alone, "true"]
    can = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")
    if not can or subprocess.run(probe, capture_output=True, check=False).returncode:
        alone = []
    process = subprocess.Popen(
        [*alone, sys.executable, "-c", SCRIPT, how],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": ":".join(map(str, paths))},
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line == "epoch\n", process.communicate()[1][-2000:]
    return process


def processes_of(temporary: Path) -> list[str]:
    """Returns the command lines of processes whose environment names the folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={temporary}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:100])
        except OSError:
            continue
    return [line for line in found if line]


def wait_until_gone(temporary: Path) -> None:
    deadline = time.monotonic() + 30
    while processes_of(temporary) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert processes_of(temporary) == []


@pytest.mark.parametrize("how", ["succeeds", "fails"])
def test_nothing_is_left_after_an_end(how: str, tmp_path: Path, temporary: Path) -> None:
    with start(how, tmp_path, temporary) as process:
        shown, errors = process.communicate(timeout=180)
    assert process.returncode == (1 if how == "fails" else 0), errors
    assert shown == "", "Ray prints nothing"
    wait_until_gone(temporary)
    assert list(temporary.iterdir()) == []


def test_nothing_is_left_after_an_interrupt(tmp_path: Path, temporary: Path) -> None:
    with start("waits", tmp_path, temporary) as process:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=180)
    wait_until_gone(temporary)
    assert list(temporary.iterdir()) == []
    assert not list((tmp_path / "out").glob(".shared-*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_after_a_kill(
    number: signal.Signals, tmp_path: Path, temporary: Path
) -> None:
    with start("waits", tmp_path, temporary) as process:
        assert len(processes_of(temporary)) >= 5, "Ray and the training run"
        process.send_signal(number)
        _, errors = process.communicate(timeout=180)
    assert "Traceback" not in errors
    wait_until_gone(temporary)
    assert list(temporary.iterdir()) == []
