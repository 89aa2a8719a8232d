"""Mixed load while versions are added, rolled back, corrupted and deleted, and workers are killed.

Clients send requests over REST (one row, batches in row and column format, status, metadata) and
gRPC without a pause. Each answer names its version and is compared with the answer of that
version's folder through ``modelwright.servable.predictor``. Two different servables alternate under
each name, so that an answer of the wrong version is noticed. Meanwhile the folder changes: a
version is added, at once or file by file; it is rolled back, half copied, or has one byte changed;
old versions, the live version and all versions are deleted. With several workers, one is ended and
in a separate phase one is killed. Only then, a request whose connection broke is sent once more and
counted separately. The gRPC clients retry on UNAVAILABLE, as gRPC's guide recommends.

With ``--record`` the server also records every answer, and each recorded row is compared with the
answer of the version that it names: what was asked, the label and every probability.

It counts requests, failed and wrong answers, latencies, the seconds until a change shows in the
answers, and the memory of each worker over time with its slope in the second half of its life.
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import itertools
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import harness
from harness import Figures, Option

OPTIONS = {
    "rounds": Option(1, 1, "number of runs"),
    "texts": Option([], [], "two version folders of one text task", many=True, local=True),
    "pictures": Option([], [], "two version folders of one image task", many=True, local=True),
    "minutes": Option(10.0, 0.7, "minutes of load for each number of workers"),
    "workers": Option([2], [2], "numbers of workers", many=True),
    "clients": Option(8, 4, "clients over REST"),
    "grpc_clients": Option(2, 1, "clients over gRPC"),
    "pause": Option(0.005, 0.005, "largest wait of a client before its next request, in seconds"),
    "record": Option(False, False, "record the answers, and check what was recorded"),
    "poll": Option(0.5, 0.5, "seconds between two looks of the server at the folder"),
}
COUNTED = (
    *("requests", "failed", "wrong", "retried_after_kill", "not_shown"),
    *("recorded", "recorded_wrong"),
)
RECORD_SECONDS = 5
SHOWS = 30.0
"""Longest time in seconds until a change must show in the answers."""
SAMPLE = 2.0
"""Seconds between two readings of the memory."""
RESPAWN = 20.0
ENDING = 0.4
"""Share of the run in which workers are ended and killed."""


def compare_sides(arguments: argparse.Namespace) -> Figures:
    """Runs the soak with each number of workers."""
    if len(arguments.texts) != 2 or len(arguments.pictures) != 2:
        raise SystemExit("expected two folders of versions for --texts and two for --pictures.")
    sources = {
        name: [str(Path(folder).resolve()) for folder in folders]
        for name, folders in (("sentiment", arguments.texts), ("objects", arguments.pictures))
    }
    keys = ("minutes", "clients", "grpc_clients", "pause", "poll", "record")
    sizes = {key: vars(arguments)[key] for key in keys}
    tasks = {
        f"{workers} workers": {"workers": workers, "sources": sources, **sizes}
        for workers in arguments.workers
    }
    runs = harness.run_in_turn(__file__, tasks, arguments.rounds, show=_line)
    shown = (*COUNTED, "p50_ms", "p99_ms")
    rows = [
        (name, *(f"{run[key]:,.0f}" if "ms" not in key else f"{run[key]:.1f}" for key in shown))
        for name, done in runs.items()
        for run in done
    ]
    harness.print_table("soak", ("", *shown), rows)
    for run in itertools.chain(*runs.values()):
        print(*run["examples"], *run["problems"], sep="\n")
    return {"totals": {name: _total(done) for name, done in runs.items()}, "runs": runs}


def _total(runs: Sequence[Figures]) -> Figures:
    """Returns the number of requests and of errors, and the worst latency and memory."""
    return {
        **{key: sum(run[key] for run in runs) for key in COUNTED},
        "p50_ms": max(run["p50_ms"] for run in runs),
        "p99_ms": max(run["p99_ms"] for run in runs),
        "rss_mib_max": max(one["rss_mib_max"] for run in runs for one in run["memory"]),
    }


def measure_side(workers: int, sources: dict[str, list[str]], **sizes: Any) -> Figures:
    """Runs one soak."""
    from served import client, process
    from served.recorded import check_recorded
    from served.store import Store

    with tempfile.TemporaryDirectory() as root, tempfile.TemporaryDirectory() as recorded:
        folders = {name: list(map(Path, paths)) for name, paths in sources.items()}
        store = Store(Path(root), folders)
        options = ["--record", recorded, "--record-seconds", str(RECORD_SECONDS)]
        with process.modelwright(
            Path(root),
            workers=workers,
            poll=sizes["poll"],
            options=options if sizes["record"] else (),
        ) as server:
            figures: Figures = client.run(Soak(server, store, workers, sizes).run())
            if figures["examples"] or figures["problems"]:
                sys.stderr.write(server.said()[-5_000:])
        return figures | check_recorded(Path(recorded), store)


class Soak:
    """The clients, the changes and the memory monitor of one server."""

    def __init__(self, server: Any, store: Any, workers: int, sizes: dict[str, Any]) -> None:
        from served.asking import Tally

        self._server, self._store, self._workers, self._sizes = server, store, workers, sizes
        self.tally = Tally()
        self._changes: Counter[str] = Counter()
        self._shown: dict[str, list[float]] = {}
        self._problems: list[str] = []
        self._memory: list[tuple[float, int, float, float]] = []
        self._ends_until = 0.0

    async def run(self) -> Figures:
        """Runs until the time is over and returns the results."""
        from served import asking

        sizes, port = self._sizes, self._server.rest
        started = time.perf_counter()
        clients = [
            asking.rest(port, self._store, self.tally, seed, sizes["pause"])
            for seed in range(sizes["clients"])
        ]
        clients += [
            asking.grpc(self._server.grpc, self._store, self.tally, seed, sizes["pause"])
            for seed in range(sizes["grpc_clients"])
        ]
        tasks = [asyncio.create_task(one) for one in clients]
        watching = asyncio.create_task(self._watch())
        end = started + 60 * sizes["minutes"]
        self._ends_until = started + ENDING * 60 * sizes["minutes"]
        steps = itertools.cycle(self._steps())
        while time.perf_counter() < end and self._server.alive() and not _broken(tasks):
            await next(steps)()
        self.tally.over = True
        await asyncio.gather(*tasks)
        watching.cancel()
        if not self._server.alive():
            self._problems.append(f"the server ended: {self._server.said()}")
        return {
            **self.tally.figures(),
            "seconds": time.perf_counter() - started,
            "changes": dict(self._changes),
            "shown_seconds": {
                kind: {"median": sorted(times)[len(times) // 2], "max": max(times)}
                for kind, times in self._shown.items()
            },
            "not_shown": len(self._problems),
            "problems": self._problems,
            "memory": self._figures(),
        }

    def _steps(self) -> list[Callable[[], Any]]:
        """Returns the changes of one cycle."""
        steps: list[Callable[[], Any]] = []
        for name in self._store.origin:
            steps += [
                functools.partial(self._change, "added", name, self._store.add),
                functools.partial(self._refuse, "half copied", name, self._store.add_half),
                functools.partial(self._change, "added", name, self._store.add),
                functools.partial(self._change, "rolled back", name, self._store.roll_back),
                functools.partial(self._refuse, "changed byte", name, self._store.add_changed),
                functools.partial(self._change, "added slowly", name, self._slowly),
                functools.partial(self._change, "deleted live", name, self._without_live),
                functools.partial(self._vanish, name),
            ]
        steps.insert(3, functools.partial(self._end, kill=False))
        steps.insert(10, functools.partial(self._end, kill=True))
        return steps

    async def _change(self, kind: str, name: str, change: Callable[[str], int]) -> None:
        """Makes a change after which a certain version must answer, and waits until it does."""
        self._changes[kind] += 1
        version = await asyncio.to_thread(change, name)
        started = time.perf_counter()
        while time.perf_counter() < started + SHOWS:
            seen, when = self.tally.seen.get(name, (0, 0.0))
            if seen == version and when > started:
                self._shown.setdefault(kind, []).append(time.perf_counter() - started)
                # Other workers look at the folder a little later.
                await asyncio.sleep(2 * self._sizes["poll"])
                return
            await asyncio.sleep(0.01)
        self._problems.append(f"{name}: {kind}, but version {version} did not answer, {seen} did")

    async def _refuse(self, kind: str, name: str, change: Callable[[str], int]) -> None:
        """Adds a bad version for a while; the answers are checked as always."""
        self._changes[kind] += 1
        number = await asyncio.to_thread(change, name)
        await asyncio.sleep(4 * self._sizes["poll"])
        await asyncio.to_thread(self._store.delete, name, number)

    async def _vanish(self, name: str) -> None:
        """Deletes all versions, while the last one goes on answering, and then adds one."""
        self._changes["deleted all"] += 1
        await asyncio.to_thread(self._store.delete_all, name)
        await asyncio.sleep(4 * self._sizes["poll"])
        await self._change("added after all were deleted", name, self._store.add)

    async def _end(self, *, kill: bool) -> None:
        """Ends or kills a worker, and waits until there are as many workers as before.

        It does so only early in the run, so that later workers live long enough for a slope.
        """
        if self._workers == 1 or time.perf_counter() > self._ends_until:
            return
        kind = "worker killed" if kill else "worker ended"
        self._changes[kind] += 1
        self.tally.killing = kill
        started = time.perf_counter()
        before = {worker.pid for worker in self._server.workers()}
        victim = self._server.workers()[0]
        victim.kill() if kill else victim.terminate()
        while time.perf_counter() < started + RESPAWN:
            now = {worker.pid for worker in self._server.workers()}
            if victim.pid not in now and len(now) >= len(before):
                self._shown.setdefault(kind, []).append(time.perf_counter() - started)
                break
            await asyncio.sleep(0.02)
        else:
            self._problems.append(f"{kind}, and after {RESPAWN:.0f} s no other replaced it")
        await asyncio.sleep(1)
        self.tally.killing = False

    def _slowly(self, name: str) -> int:
        number: int = self._store.add_slowly(name, 2 * self._sizes["poll"] / 10)
        return number

    def _without_live(self, name: str) -> int:
        self._store.delete(name, self._store.live(name))
        version: int = self._store.live(name)
        return version

    async def _watch(self) -> None:
        """Records the memory of each process at intervals."""
        started = time.perf_counter()
        while True:
            for one in self._server.memory()["processes"]:
                at = time.perf_counter() - started
                self._memory.append((at, one["pid"], one["rss_mib"], one["pss_mib"]))
            await asyncio.sleep(SAMPLE)

    def _figures(self) -> list[Figures]:
        """Returns the lifetime, memory and slope of each process."""
        found = []
        for pid in sorted({pid for _, pid, _, _ in self._memory}):
            lived = [(at, rss, pss) for at, of, rss, pss in self._memory if of == pid]
            half = lived[len(lived) // 2 :]
            found.append(
                {
                    "pid": pid,
                    "seconds": lived[-1][0] - lived[0][0],
                    "rss_mib": {"first": lived[0][1], "last": lived[-1][1]},
                    "rss_mib_max": max(rss for _, rss, _ in lived),
                    "pss_mib_max": max(pss for _, _, pss in lived),
                    "slope_mib_per_minute": slope([(at, rss) for at, rss, _ in half]),
                    "rss_mib_over_time": [round(rss, 1) for _, rss, _ in lived[::5]],
                }
            )
        return found


def slope(points: Sequence[tuple[float, float]]) -> float | None:
    """Returns the slope of (seconds, MiB) in MiB per minute, or None for less than five points."""
    if len(points) < 5:
        return None
    middle, level = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((at - middle) ** 2 for at, _ in points)
    return float(60 * sum((at - middle) * (value - level) for at, value in points) / spread)


def _broken(tasks: Sequence[asyncio.Task[None]]) -> bool:
    return any(task.done() for task in tasks)


def _line(run: Figures) -> str:
    return f"{run['requests']:,} requests, {run['failed']} failed, {run['wrong']} wrong"


if __name__ == "__main__":
    harness.run_benchmark(__file__, __doc__, OPTIONS, compare=compare_sides, measure=measure_side)
