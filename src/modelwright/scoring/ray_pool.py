"""Answers chunks on a Ray cluster, in the order of the input, with few chunks in memory.

The chunks are those of a run on one machine, so the answers are the same, and a stopped run goes
on in either way. The actor of a process or machine that dies is started elsewhere, and its chunks
are asked again.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from modelwright.core.errors import ConfigError, ServableError
from modelwright.core.ray_cluster import RayCluster, ray_cluster, reason_of
from modelwright.scoring.chunks import Chunk
from modelwright.scoring.ray_answerer import (
    RemoteAnswerer,
    SentServable,
    from_stream,
    send_servable,
    to_stream,
    with_contents,
)
from modelwright.scoring.worker import THREADS, Setup
from modelwright.servable.engines.registry import engine_kind

_IN_FLIGHT = 2
"""Chunks that an actor has: one that it answers, and one that waits there."""
_AHEAD = 4
"""Chunks in memory for each actor."""
_TRIES = 3
"""Times that a chunk is asked. One at which actors keep dying would kill them for ever."""
_SECONDS_TO_START = 120.0
_SECONDS_BETWEEN_CHECKS = 5.0


@dataclass(frozen=True)
class RayWorkers:
    """Workers on a Ray cluster.

    Attributes:
        count: The number of workers, with a CPU each; 0 for all CPUs of the cluster.
        address: ``HOST:PORT`` or ``auto``; by default the variable RAY_ADDRESS, and without it a
            cluster of this machine alone.
    """

    count: int = 0
    address: str = ""


@contextmanager
def ray_pool(setup: Setup, workers: RayWorkers) -> Iterator[RayPool]:
    """Connects to a cluster, or starts one, while the block runs.

    Raises:
        ConfigError: The number of workers or the address cannot be used.
        MissingDependencyError: Ray is not installed, or a node has other versions.
    """
    if workers.count < 0:
        raise ConfigError(f"workers was given {workers.count}; expected 0 for all CPUs, or more")
    package = engine_kind(setup.engine).package
    packages = ("modelwright", "numpy", package.replace("_", "-"))
    with ray_cluster(workers.address, cpus=workers.count, packages=packages) as cluster:
        if workers.count > cluster.cpus:
            raise ConfigError(
                f"workers was given {workers.count}, but the Ray cluster has {cluster.cpus} CPUs;"
                " expected that number at most"
            )
        sent = send_servable(cluster.ray, setup)
        pool = RayPool(cluster, sent, workers.count or cluster.cpus)
        try:
            yield pool
        finally:
            pool.close()


@dataclass(eq=False)
class _Actor:
    """An actor, and the positions of the chunks that it has."""

    handle: Any
    loaded: bool = False
    chunks: dict[Any, int] = field(default_factory=dict)
    """The position of each chunk by the reference to its answers."""


class RayPool:
    """Actors of a Ray cluster. See ``AnswerPool``."""

    def __init__(self, cluster: RayCluster, sent: SentServable, workers: int) -> None:
        """Starts the actors.

        Args:
            cluster: The cluster.
            sent: The servable.
            workers: The number of actors.
        """
        self._cluster, self._ray, self._sent = cluster, cluster.ray, sent
        self._class = self._ray.remote(RemoteAnswerer).options(
            num_cpus=1, max_restarts=0, runtime_env={"env_vars": THREADS}
        )
        self._references: dict[Any, _Actor] = {}
        self._actors: list[_Actor] = []
        self._todo: deque[int] = deque()
        self._tries: dict[int, int] = {}
        self._found: dict[int, Any] = {}
        self._heard = time.monotonic()
        self.workers, self.lost = workers, 0
        for _ in range(workers):
            self._start()

    def answers(self, chunks: Iterable[Chunk]) -> Generator[tuple[Chunk, Any], None, None]:
        """Yields each chunk with its answers, in order.

        Raises:
            ServableError: The engine fails, or the cluster gives no CPU.
        """
        source = enumerate(chunks)
        window: dict[int, Chunk] = {}
        following, ended = 0, False
        while True:
            while not ended and len(window) < self.workers * _AHEAD:
                position, chunk = next(source, (None, None))
                if position is None or chunk is None:
                    ended = True
                else:
                    window[position] = chunk
                    self._todo.append(position)
            if not window:
                return
            self._ask(window)
            if following not in self._found:
                self._wait()
            while following in self._found:
                yield window.pop(following), self._found.pop(following)
                self._tries.pop(following, None)
                following += 1

    def close(self) -> None:
        """Ends the actors."""
        for actor in self._actors:
            self._ray.kill(actor.handle)
        self._actors = []

    def note(self) -> str:
        """Returns where the rows were answered, for a person."""
        nodes = sum(node["Alive"] for node in self._ray.nodes())
        where = f"the Ray cluster {self._cluster.address}" if self._cluster.address else "Ray here"
        machines = f"{nodes} machines" if nodes > 1 else "one machine"
        lost = f"; {self.lost} of them died, and their rows were asked again" if self.lost else ""
        return f"answered by {self.workers} workers on {where}, {machines}{lost}"

    def _start(self) -> None:
        actor = _Actor(self._class.remote(self._sent))
        self._actors.append(actor)
        self._references[actor.handle.ready.remote()] = actor

    def _ask(self, window: dict[int, Chunk]) -> None:
        """Gives chunks to the actors that have the fewest."""
        while self._todo:
            free = [one for one in self._actors if one.loaded and len(one.chunks) < _IN_FLIGHT]
            if not free:
                return
            actor = min(free, key=lambda one: len(one.chunks))
            position = self._todo.popleft()
            content = to_stream(with_contents(window[position].questions))
            reference = actor.handle.ask.remote(content)
            actor.chunks[reference] = position
            self._references[reference] = actor

    def _wait(self) -> None:
        """Waits until an actor answers, is loaded, or dies."""
        if not self._references:
            self._check_progress()
        ready, _ = self._ray.wait(
            list(self._references), num_returns=1, timeout=_SECONDS_BETWEEN_CHECKS
        )
        if not ready:
            self._check_progress()
        for reference in ready:
            actor = self._references.pop(reference, None)
            if actor is not None:
                self._heard = time.monotonic()
                self._take(actor, reference)

    def _take(self, actor: _Actor, reference: Any) -> None:
        errors = self._ray.exceptions
        try:
            value = self._ray.get(reference)
        except errors.RayTaskError as error:
            raise ServableError(f"a worker that answers failed: {reason_of(error)}") from None
        except errors.RayError as error:
            if getattr(error, "_actor_init_failed", False):
                raise ServableError(f"no worker can be started: {reason_of(error)}") from None
            self._replace(actor)
        else:
            position = actor.chunks.pop(reference, None)
            if position is None:
                actor.loaded = True
                self._cluster.check_nodes()
            else:
                self._found[position] = from_stream(value)

    def _replace(self, actor: _Actor) -> None:
        """Asks the chunks of a dead actor again, first of all, and starts another actor."""
        self.lost += 1
        lost = sorted(actor.chunks.values(), reverse=True)
        for position in lost:
            self._tries[position] = self._tries.get(position, 1) + 1
            if self._tries[position] > _TRIES:
                raise ServableError(
                    f"{_TRIES} workers of the Ray cluster died at the same rows; look for the"
                    " reason in its logs, which may be too little memory"
                )
        self._todo.extendleft(lost)
        for other in [one for one, owner in self._references.items() if owner is actor]:
            del self._references[other]
        self._actors.remove(actor)
        if actor.loaded or self.lost <= _TRIES * self.workers:
            self._start()

    def _check_progress(self) -> None:
        if any(actor.loaded for actor in self._actors):
            return
        if time.monotonic() - self._heard > _SECONDS_TO_START or not self._actors:
            free = int(self._ray.available_resources().get("CPU", 0))
            raise ServableError(
                f"the Ray cluster started no worker within {_SECONDS_TO_START:.0f} s; it has"
                f" {self._cluster.cpus} CPUs, {free} of them free. Wait for other work there, or"
                " give another cluster"
            )
