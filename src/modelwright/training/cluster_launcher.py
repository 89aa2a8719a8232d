"""Starts the processes of a training on this machine, and ends all of them together.

JAX ends a process that has lost another one from C++, with a trace that says nothing to a user. So
the command that the user gave stays outside: it watches the processes, and says what happened.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from types import FrameType

from modelwright.core.errors import ConfigError, RunError
from modelwright.training.cluster_settings import (
    RUN_PLACE,
    Cluster,
    LocalProcesses,
    free_port,
    lost_message,
)

NOISE = "MODELWRIGHT_NOISE"
"""Variable with the file for what JAX's C++ code writes to the terminal."""
_POLL_SECONDS = 0.1
_END_SECONDS = 5.0
_LEAVE_SECONDS = 30.0
_WELL = (None, 0, 130)
"""Codes of a process that runs, has ended, or was interrupted as the first one was."""
_LINES = 20  # of each process other than the first


@dataclass(frozen=True)
class _Started:
    """A started process; ``relay`` writes its lines to standard error, unless it does so itself."""

    rank: int
    process: subprocess.Popen[str]
    relay: threading.Thread | None = None


def run_processes(found: Cluster | LocalProcesses, command: Sequence[str]) -> int:
    """Runs a command in one process, or in several that train together; returns its exit code.

    The first process writes to the terminal. Lines of the others follow their rank.

    Args:
        found: the place of the one process, or the number of those to start.
        command: the command of each process.

    Raises:
        ConfigError: the machine has too few GPUs.
        RunError: a process was lost.
        KeyboardInterrupt: the user pressed Ctrl-C twice.
    """
    with tempfile.TemporaryDirectory(prefix="modelwright-") as name:
        folder = Path(name)
        started: list[_Started] = []
        try:
            with _forwarded_interrupt(started):
                for member in _members(found):
                    started.append(_start(member, command, folder, bool(started)))
                return _wait(started, found.processes, folder)
        finally:
            _end(started)


def _members(found: Cluster | LocalProcesses) -> list[Cluster]:
    if isinstance(found, Cluster):
        return [found]
    address = f"127.0.0.1:{free_port()}"
    return [
        Cluster(rank, found.processes, address, "--processes", local=True)
        for rank in range(found.processes)
    ]


def _start(member: Cluster, command: Sequence[str], folder: Path, silent: bool) -> _Started:
    """Starts a process, in a session of its own: Ctrl-C must reach it only once."""
    files = {RUN_PLACE: str(folder / "run"), NOISE: str(folder / f"noise-{member.rank}")}
    environment = {
        **os.environ,
        **member.to_environment(),
        **files,
        "TMPDIR": str(folder),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    if member.local:
        environment |= own_gpus(member.rank, member.processes, os.environ)
        # A proxy cannot reach the loopback address.
        environment["no_grpc_proxy"] = "127.0.0.1"
    process = subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if silent else None,
        stderr=subprocess.PIPE if silent else None,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    if not silent:
        return _Started(member.rank, process)
    relay = threading.Thread(target=_relay, args=(member.rank, process), daemon=True)
    relay.start()
    return _Started(member.rank, process, relay)


def own_gpus(rank: int, processes: int, environment: Mapping[str, str]) -> dict[str, str]:
    """Returns the variable that gives a process its share of the GPUs; nothing without GPUs.

    Raises:
        ConfigError: there are fewer GPUs than processes.
    """
    if environment.get("JAX_PLATFORMS", "").startswith("cpu") or not _jax_has_cuda():
        return {}
    visible = environment.get("CUDA_VISIBLE_DEVICES")
    names = [name for name in (visible or "").split(",") if name not in ("", "-1")]
    if visible is None and (program := shutil.which("nvidia-smi")):
        listed = subprocess.run(
            [program, "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=False,
        )
        names = listed.stdout.split() if listed.returncode == 0 else []
    if not names:
        return {}
    if len(names) < processes:
        raise ConfigError(
            f"{processes} processes were asked for, but this machine has {len(names)} visible"
            f" GPU{'s' if len(names) > 1 else ''}, and two processes cannot train on one. Give at"
            f" most --processes {len(names)}; JAX_PLATFORMS=cpu trains on the processor."
        )
    share = len(names) // processes
    return {"CUDA_VISIBLE_DEVICES": ",".join(names[rank * share : (rank + 1) * share])}


def _jax_has_cuda() -> bool:
    if util.find_spec("jax_plugins") is None:
        return False
    return any(util.find_spec(f"jax_plugins.xla_cuda{number}") for number in (12, 13))


def _relay(rank: int, process: subprocess.Popen[str]) -> None:
    """Writes the first lines of a process to standard error, after its rank."""
    for number, line in enumerate(process.stderr or ()):
        if number < _LINES:
            sys.stderr.write(f"[rank {rank}] {line.rstrip()}\n")
        elif number == _LINES:
            sys.stderr.write(f"[rank {rank}] … more lines are left out\n")
        sys.stderr.flush()


def _wait(started: Sequence[_Started], processes: int, folder: Path) -> int:
    """Waits for the first process, and for the end of the others after it."""
    first = started[0]
    while True:
        codes = {one.rank: one.process.poll() for one in started}
        if codes[first.rank] is not None or any(codes[rank] not in _WELL for rank in codes):
            break
        time.sleep(_POLL_SECONDS)
    if codes[first.rank] == 0:
        _let_leave(started)
        return 0
    # A process that lost another ends by SIGABRT or with an error. So a kill is the cause.
    time.sleep(_POLL_SECONDS)
    failed = {one.rank: code for one in started if (code := one.process.poll())}
    rank = min(failed, key=lambda one: (failed[one] == -signal.SIGABRT, failed[one] > 0, one))
    code = failed[rank]
    if code > 0:
        return code
    place = folder / "run"
    run = Path(place.read_text("utf-8")) if place.is_file() else None
    lost = lost_message(processes, run)
    if code == -signal.SIGABRT:
        raise RunError(lost)
    raise RunError(
        f"the process with rank {rank} was ended by {signal.Signals(-code).name}: {lost}"
    )


def _let_leave(started: Sequence[_Started]) -> None:
    deadline = time.monotonic() + _LEAVE_SECONDS
    while time.monotonic() < deadline and any(one.process.poll() is None for one in started):
        time.sleep(_POLL_SECONDS)


def _end(started: Sequence[_Started]) -> None:
    """Ends what still runs."""
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
    deadline = time.monotonic() + _END_SECONDS
    for one in started:
        try:
            one.process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            one.process.kill()
            one.process.wait()
        if one.relay and one.process.stderr:
            one.relay.join(_END_SECONDS)
            one.process.stderr.close()


@contextmanager
def _forwarded_interrupt(started: Sequence[_Started]) -> Iterator[None]:
    """Sends the first Ctrl-C to the first process, which stops with the others after a step."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def forward(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for one in started[:1]:
            one.process.send_signal(signal.SIGINT)

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, forward),
        signal.SIGTERM: signal.signal(signal.SIGTERM, end),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
