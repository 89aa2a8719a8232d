"""Trials on a Ray cluster of three machines, one of which is killed in the middle.

The machines are network namespaces of Linux on a bridge, each with an address of its own and a
folder of its own where the others have the data and the runs. So nothing is shared: the data travel
to the machines, and the runs come back. The first machine starts the trials and has no CPU for
them; the two others have one each.

The sides carry out the same trials: with one worker, with two, and with two of which a machine is
killed with SIGKILL, all its processes at once, after its first epoch. The answers of each trial and
its weights are compared with those of the first side. Needs Linux, ``ip`` and root.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

OPTIONS = {
    "table": Option("", "", "CSV of texts with their labels", local=True),
    "rows": Option(4000, 400, "largest number of rows of each split"),
    "trials": Option(4, 2, "trials, which differ in their seed"),
    "epochs": Option(4, 3, "epochs of each trial"),
}
SIDES = {"one worker": (1, False), "two workers": (2, False), "two workers, one killed": (2, True)}
PORT = 6379
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
"""All machines of a run have it, as those of a real cluster should."""


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Runs the sides in turn and compares the trials."""
    if not arguments.table:
        sys.exit("--table is needed")
    if os.geteuid() != 0 or not shutil.which("ip"):
        sys.exit("network namespaces need root and the command ip")
    shared = {
        "table": str(Path(arguments.table).absolute()),
        "rows": arguments.rows,
        "trials": arguments.trials,
        "epochs": arguments.epochs,
    }
    tasks = {
        side: {"workers": workers, "kill": kill, **shared}
        for side, (workers, kill) in SIDES.items()
    }
    runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
    every = [figures for one in runs.values() for figures in one]
    seconds = {
        side: sorted(run["seconds_of_trials"] for run in one)[len(one) // 2]
        for side, one in runs.items()
    }
    results = {
        "seconds": seconds,
        "one_worker_over_two": seconds["one worker"] / seconds["two workers"],
        "same_answers_and_weights": all(one["trials"] == every[0]["trials"] for one in every),
        "finished": sorted({len(one["trials"]) for one in every}),
        "machines_killed": sum(one["killed"] for one in every),
        "trials_moved": sum(one["moved"] for one in every),
    }
    for key, value in results.items():
        print(f"  {key}: {value}", flush=True)
    return {**results, "runs": runs}


def measure_side(workers: int, kill: bool, **work: Any) -> Figures:
    """Starts the machines and carries out the trials on them once."""
    with tempfile.TemporaryDirectory(prefix="mwm") as name, _machines(Path(name)) as machines:
        folder = Path(name) / "shared"
        shutil.copy(work["table"], folder / "table.csv")
        task = json.dumps({**work, "workers": workers, "address": f"{machines[0].address}:{PORT}"})
        with subprocess.Popen(
            machines[0].command(sys.executable, __file__, "--inside", task),
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={**os.environ, **harness.QUIET, **TOKEN},
        ) as driver:
            killed, last = 0, ""
            for line in driver.stdout or ():
                last = line
                if kill and not killed and line.startswith("epoch"):
                    machines[-1].kill()
                    killed = 1
        if driver.returncode:
            raise RuntimeError(f"the trials ended with {driver.returncode}: {last}")
        figures: Figures = {"killed": killed, **json.loads(last)}
        return figures


class Machine:
    """A network namespace with an address of its own on the bridge."""

    def __init__(self, number: int) -> None:
        """Makes the namespace and connects it to the bridge."""
        self.name, self.address = f"mwm{number}", f"10.77.0.{number}"
        _ip("netns", "add", self.name)
        _ip("link", "add", f"v{self.name}", "type", "veth", "peer", "name", "eth0",
            "netns", self.name)  # fmt: skip
        _ip("link", "set", f"v{self.name}", "netns", "mwbridge")
        _ip("-n", "mwbridge", "link", "set", f"v{self.name}", "master", "br0", "up")
        _ip("-n", self.name, "address", "add", f"{self.address}/24", "dev", "eth0")
        for device in ("lo", "eth0"):
            _ip("-n", self.name, "link", "set", device, "up")
        # Ray finds its own address by the route to the Internet, to which it sends nothing.
        _ip("-n", self.name, "route", "add", "default", "dev", "eth0")
        self._process: subprocess.Popen[bytes] | None = None

    def start_ray(self, folder: Path, *, head: Machine | None) -> None:
        """Starts Ray; all but the head see empty folders in place of the data's and Ray's."""
        temporary = Path(f"/tmp/{self.name}")  # noqa: S108 - Ray's sockets need a short path
        shutil.rmtree(temporary, ignore_errors=True)
        ray = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block",
               f"--node-ip-address={self.address}", "--disable-usage-stats",
               f"--object-store-memory={200 * 2**20}"]  # fmt: skip
        if head is None:
            ray += ["--head", f"--port={PORT}", "--num-cpus=0", "--include-dashboard=false"]
            ray += [f"--temp-dir={temporary}"]
            command = self.command(*ray)
        else:
            ray += [f"--address={head.address}:{PORT}", "--num-cpus=1"]
            hide = f'mount -t tmpfs none "{folder / "shared"}"'
            hide += f' && mount -t tmpfs none /tmp/{head.name} && exec "$@"'
            command = self.command("sh", "-c", hide, "sh", *ray)
        with (folder / f"{self.name}.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **harness.QUIET, **TOKEN}
            )

    def wait_for_ray(self) -> None:
        """Waits until the head answers."""
        probe = f"import socket; socket.create_connection(('{self.address}', {PORT}), 1)"
        deadline = time.monotonic() + 120
        while subprocess.run(
            self.command(sys.executable, "-c", probe), stderr=subprocess.DEVNULL, check=False
        ).returncode:
            if time.monotonic() > deadline:
                raise RuntimeError("Ray did not start on the first machine")
            time.sleep(0.5)

    def command(self, *arguments: str) -> Sequence[str]:
        """Returns a command that runs on this machine."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def kill(self) -> None:
        """Kills all processes of this machine at once."""
        found = subprocess.run(
            ["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False
        )
        for pid in found.stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
        if self._process:
            self._process.wait()

    def remove(self) -> None:
        """Kills its processes and deletes the namespace."""
        self.kill()
        _ip("netns", "delete", self.name)
        shutil.rmtree(f"/tmp/{self.name}", ignore_errors=True)  # noqa: S108 - made above


@contextmanager
def _machines(folder: Path) -> Iterator[list[Machine]]:
    """Yields three machines, the first of which is the head."""
    (folder / "shared").mkdir()
    with ExitStack() as stack:
        _ip("netns", "add", "mwbridge")
        stack.callback(_ip, "netns", "delete", "mwbridge")
        _ip("-n", "mwbridge", "link", "add", "br0", "type", "bridge")
        _ip("-n", "mwbridge", "link", "set", "br0", "up")
        machines: list[Machine] = []
        for number in (1, 2, 3):
            machines.append(Machine(number))
            stack.callback(machines[-1].remove)
        machines[0].start_ray(folder, head=None)
        machines[0].wait_for_ray()
        for machine in machines[1:]:
            machine.start_ray(folder, head=machines[0])
        yield machines


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def run_trials(task: str) -> None:
    """Carries out the trials on the first machine, and prints their answers as JSON."""
    from modelwright.core.ray_cluster import load_ray
    from modelwright.recipes.resolve import resolve_config
    from modelwright.trials.ray_runner import RayRunner
    from modelwright.trials.runner import EpochFinished
    from modelwright.trials.trial import Trial

    work = json.loads(task)
    _wait_for_nodes(load_ray(), work["address"], 3)
    todo = []
    for seed in range(work["trials"]):
        config = resolve_config(
            options={
                "data": {"source": "table.csv", "limit": work["rows"]},
                "model": {"recipe": "bilstm", "units": [16], "embedding": 16, "length": 80},
                "train": {"epochs": work["epochs"], "seed": seed, "tensorboard": False},
            }
        )
        todo.append(Trial("bilstm", config, Path(f"runs/{seed}"), Path(f"runs/{seed}.json")))
    found = {}
    started = time.monotonic()
    with RayRunner(work["workers"], address=work["address"]) as runner:
        running = 0
        while todo or running:
            while todo and running < runner.slots:
                runner.start(todo.pop(0))
                running += 1
            event = runner.next_event()
            if isinstance(event, EpochFinished):
                print(f"epoch {event.number} of trial {event.key[1]}", flush=True)
                if not event.earlier:
                    runner.answer(event.key, go_on=True)
            elif event is not None:
                running -= 1
                if event.result is None:
                    raise RuntimeError(event.reason)
                weights = Path(f"runs/{event.key[1]}/weights.weights.h5")
                found[str(event.key[1])] = {
                    "right": event.result.metrics.right,
                    "rows": event.result.right,
                    "weights": _hash_weights(weights),
                }
        moved = runner.moved
    seconds = time.monotonic() - started
    print(json.dumps({"trials": dict(sorted(found.items())), "moved": moved,
                      "seconds_of_trials": seconds}))  # fmt: skip


def _hash_weights(path: Path) -> str:
    """Returns a digest of all arrays; the names of layers depend on what a process built before."""
    import h5py

    digest = hashlib.sha256()

    def add(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset):
            digest.update(name.encode() + item[()].tobytes())

    with h5py.File(path) as file:
        file.visititems(add)
    return digest.hexdigest()


def _wait_for_nodes(ray: Any, address: str, count: int) -> None:
    ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    deadline = time.monotonic() + 180
    while sum(node["Alive"] for node in ray.nodes()) < count:
        if time.monotonic() > deadline:
            raise RuntimeError(f"fewer than {count} machines joined the cluster")
        time.sleep(0.5)
    ray.shutdown()


def _line(figures: Figures) -> str:
    killed = ", one machine killed" if figures["killed"] else ""
    return f"{figures['seconds_of_trials']:,.1f} s, {len(figures['trials'])} trials{killed}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--inside"]:
        run_trials(sys.argv[2])
    else:
        harness.run_benchmark(
            __file__, __doc__ or "", OPTIONS, compare=compare_sides, measure=measure_side
        )
