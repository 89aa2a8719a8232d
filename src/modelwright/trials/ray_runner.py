"""The runner ``ray``: actors of a Ray cluster, each of which carries out one trial at a time.

A process or machine that dies does not cost its trial, which goes on elsewhere after the last
saved epoch. The runs are on the machine of the search after each epoch.
"""

from __future__ import annotations

import math
import secrets
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.files import write_text
from modelwright.core.ray_cluster import RayCluster, ray_cluster, reason_of, require_ray
from modelwright.trials.ray_data import SentData
from modelwright.trials.ray_files import changed_since, relocate_run
from modelwright.trials.ray_host import HostEvent, Order, read_results
from modelwright.trials.ray_hosts import HostPool
from modelwright.trials.ray_task import RayTask
from modelwright.trials.runner import EpochFinished, Event, Outcome, Runner, TrialEnded, TrialKey
from modelwright.trials.trial import Trial

_PACKAGES = ("modelwright", "tensorflow", "tensorflow-cpu", "keras", "numpy")
_MOST_MOVES = 3
"""A trial at which machines keep dying would kill them for ever."""
_SECONDS_BETWEEN_CHECKS = 2.0


class RayRunner(Runner):
    """Carries out trials on a Ray cluster, ``workers`` at a time.

    Attributes:
        moved: How often a trial went on elsewhere because its process or machine died.
    """

    def __init__(
        self, workers: int = 1, *, address: str = "", cpus: float = 1, gpus: float | None = None
    ) -> None:
        """Connects to nothing yet.

        Args:
            workers: The number of trials at the same time.
            address: ``HOST:PORT`` of a cluster that this machine belongs to, or ``auto``; the
                variable RAY_ADDRESS by default, and without it a cluster of this machine alone.
            cpus: CPUs of each trial.
            gpus: GPUs of each trial; an equal share of the cluster's by default.

        Raises:
            ConfigError: There is no worker, or a number of CPUs or GPUs cannot be used.
            MissingDependencyError: Ray is not installed.
        """
        require_ray()
        if workers < 1:
            raise ConfigError(f"{workers} workers were given; expected at least 1.")
        if cpus <= 0 or (gpus is not None and gpus < 0):
            raise ConfigError(
                f"{cpus} CPUs and {gpus} GPUs were given for each trial; expected CPUs above 0, and"
                " GPUs of 0 or more."
            )
        self.moved = 0
        self._slots, self._address, self._cpus, self._gpus = workers, address, cpus, gpus
        self._open = ExitStack()
        self._cluster: RayCluster | None = None
        self._tasks: list[RayTask] = []
        self._waiting: deque[RayTask] = deque()
        self._working: dict[Any, RayTask] = {}
        """Trials by the reference to what their actor says next."""
        self._events: deque[Event] = deque()
        self._markers: dict[Path, tuple[Path, str]] = {}

    @property
    def slots(self) -> int:
        """The number of trials that run at the same time."""
        return self._slots

    def start(self, trial: Trial) -> None:
        """Starts a trial, or goes on with its run. The first call connects to the cluster.

        Raises:
            RuntimeError: All slots are taken.
            ConfigError: The cluster cannot be used, or is too small.
            MissingDependencyError: Ray is not installed, or a machine has other versions.
        """
        if len(self._tasks) >= self._slots:
            raise RuntimeError(f"all {self._slots} slots are taken.")
        if self._cluster is None:
            self._connect()
        place = replace(trial, run=trial.run.absolute(), result=trial.result.absolute())
        self._tasks.append(RayTask(trial, place))
        self._waiting.append(self._tasks[-1])
        self._assign()

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Returns the next event; None if no trial runs, or none came in ``timeout`` seconds.

        Raises:
            MissingDependencyError: A package is missing, for this trial and for all others.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._events and self._tasks:
            left = _SECONDS_BETWEEN_CHECKS
            if deadline is not None:
                left = min(left, deadline - time.monotonic())
                if left <= 0:
                    break
            self._wait(left)
        return self._events.popleft() if self._events else None

    def answer(self, key: TrialKey, *, go_on: bool) -> None:
        """Answers a finished epoch: the training goes on, or stops with a run that can go on."""
        for task in self._tasks:
            if task.trial.key == key and task.host is not None:
                task.stopped = not go_on
                task.host.answer.remote(go_on=go_on)
                self._listen(task)

    def close(self) -> None:
        """Ends all trials and the connection, and a cluster of its own."""
        if self._cluster is not None:
            self._hosts.close()
        for task in self._tasks:
            task.finish()
        for marker, _ in self._markers.values():
            marker.unlink(missing_ok=True)
        self._tasks, self._working, self._markers, self._cluster = [], {}, {}, None
        self._waiting.clear()
        self._events.clear()
        self._open.close()

    def _connect(self) -> None:
        cpus = math.ceil(self._slots * self._cpus)
        cluster = self._open.enter_context(
            ray_cluster(self._address, cpus=cpus, packages=_PACKAGES)
        )
        self._ray, self._data = cluster.ray, SentData(cluster.ray)
        self._hosts = HostPool(cluster, self._slots, cpus=self._cpus, gpus=self._gpus)
        self._cluster = cluster

    def _assign(self) -> None:
        """Gives waiting trials to free actors."""
        while self._waiting and (host := self._hosts.lend()) is not None:
            task = self._waiting.popleft()
            task.host = host
            self._begin(task)

    def _begin(self, task: RayTask, lacking: tuple[str, ...] = ()) -> None:
        place = task.place
        marker, token = self._mark(place.run.parent)
        files, _ = changed_since(place.run, {}) if place.run.exists() else (None, None)
        order = Order(
            trial=place,
            marker=marker,
            token=token,
            files=() if files is None else (self._ray.put(files),),
            results=read_results(place),
            sources=self._data.sources(place.config.data, lacking),
        )
        self._working[task.host.begin.remote(order)] = task

    def _mark(self, folder: Path) -> tuple[Path, str]:
        """Returns a file in a folder by which a machine knows that it shares it, and its text."""
        if folder not in self._markers:
            token = secrets.token_hex(16)
            self._markers[folder] = (folder / f".shared-{token[:8]}", token)
            write_text(*self._markers[folder])
        return self._markers[folder]

    def _listen(self, task: RayTask) -> None:
        self._working[task.host.next.remote()] = task

    def _wait(self, seconds: float) -> None:
        """Waits until an actor is ready, says something, or dies."""
        references = [*self._hosts.references, *self._working]
        if not references:
            time.sleep(min(seconds, 0.1))  # all trials wait for answers
            return
        ready, _ = self._ray.wait(references, num_returns=1, timeout=seconds)
        for reference in ready:
            if reference in self._working:
                self._hear(self._working.pop(reference), reference)
            else:
                self._hosts.started(reference)
        self._assign()
        if self._waiting and self._hosts.hopeless:
            self._end(self._waiting.popleft(), "failed", "no machine of the Ray cluster is free.")

    def _hear(self, task: RayTask, reference: Any) -> None:
        """Takes what an actor says, or the news of its death."""
        errors = self._ray.exceptions
        try:
            said = self._ray.get(reference)
        except errors.RayTaskError as error:
            if isinstance(error.cause, MissingDependencyError):
                raise MissingDependencyError(reason_of(error)) from None
            self._hosts.replace(task.host)
            task.host = None
            self._end(task, "failed", reason_of(error))
        except errors.RayError:
            self._move(task)
        else:
            if isinstance(said, HostEvent):
                self._take(task, said)
            elif isinstance(said, tuple):
                self._begin(task, said)
            else:
                task.data = said
                self._listen(task)

    def _take(self, task: RayTask, said: HostEvent) -> None:
        """Keeps what changed in the run, and passes the event on."""
        task.store(said)
        event = said.event
        if isinstance(event, EpochFinished):
            if event.number > task.epoch:
                task.epoch = event.number
                self._events.append(event)
            elif not event.earlier:
                self._events.append(event)
            if event.earlier:
                self._listen(task)
            return
        self._hosts.take_back(task.host)
        task.host = None
        self._tasks.remove(task)
        result = task.finish()
        seconds = time.monotonic() - task.since if task.moves else event.seconds
        kept = None if event.result is None else result
        self._events.append(replace(event, result=kept, seconds=seconds))

    def _move(self, task: RayTask) -> None:
        """Lets a trial whose actor died go on with another, unless it was to stop."""
        self._hosts.replace(task.host)
        task.host = None
        task.moves += 1
        if task.stopped:
            self._end(task, "stopped")
        elif task.moves > _MOST_MOVES:
            self._end(
                task,
                "failed",
                f"{task.moves} processes or machines that trained it died, perhaps out of memory.",
            )
        else:
            self.moved += 1
            relocate_run(task.place.run, task.places_here)
            self._waiting.appendleft(task)

    def _end(self, task: RayTask, outcome: Outcome, reason: str = "") -> None:
        """Ends a trial that has no actor any more."""
        task.finish()
        self._tasks.remove(task)
        seconds = time.monotonic() - task.since
        self._events.append(TrialEnded(task.trial.key, outcome, reason=reason, seconds=seconds))
