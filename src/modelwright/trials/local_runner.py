"""The runner ``local``: child processes of this machine, each of which carries out many trials.

A process that is killed or crashes costs only its trial; the next trial gets a new process. What
has been trained stays in the trial's run, so a later start goes on from there.
"""

from __future__ import annotations

import os
import queue
import time
from typing import Any

from modelwright.core.backend import keras_backend
from modelwright.core.child_process import keras_environment
from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.hardware import detect
from modelwright.core.kept import usual_room_mib
from modelwright.trials.runner import Event, Runner, TrialEnded, TrialKey
from modelwright.trials.trial import Trial
from modelwright.trials.trial_messages import event_from_json
from modelwright.trials.worker_process import Messages, WorkerProcess

_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
_SHARED_GPU = {"TF_FORCE_GPU_ALLOW_GROWTH": "true", "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}


class LocalRunner(Runner):
    """Carries out trials in child processes, ``workers`` at a time.

    Each worker gets an equal share of the cores, and none takes all memory of a GPU. Variables of
    the environment that set the number of threads or the memory take precedence. A single worker
    has all cores and the GPU to itself.

    Attributes:
        started: the number of processes started so far.
    """

    def __init__(self, workers: int = 1, *, growth_mib: int = 2048) -> None:
        """Starts no process yet.

        Args:
            workers: the number of processes.
            growth_mib: a worker whose memory, without what it keeps for the next trials, has grown
                by more since its first trial ended is replaced before its next trial.

        Raises:
            ConfigError: there is no worker.
        """
        if workers < 1:
            raise ConfigError(f"{workers} workers were given; expected at least 1.")
        self.started = 0
        self._slots, self._growth_mib = workers, growth_mib
        self._kept_mib = usual_room_mib(workers)
        self._workers: list[WorkerProcess] = []
        self._messages: Messages = Messages()

    @property
    def slots(self) -> int:
        """The number of trials that run at the same time."""
        return self._slots

    @property
    def pids(self) -> dict[TrialKey, int]:
        """The number of the process of each trial that runs."""
        return {worker.trial.key: worker.pid for worker in self._workers if worker.trial}

    def start(self, trial: Trial) -> None:
        """Starts a trial, or goes on with its run, and returns at once.

        Raises:
            RuntimeError: all slots are taken.
        """
        for worker in [one for one in self._workers if one.trial is None and not one.alive]:
            self._end(worker)
        idle = [worker for worker in self._workers if worker.trial is None]
        if not idle and len(self._workers) >= self._slots:
            raise RuntimeError(f"all {self._slots} slots are taken.")
        worker = idle[0] if idle else self._start_worker()
        worker.start(trial)

    def next_event(self, timeout: float | None = None) -> Event | None:
        """Returns the next event; None if no trial runs, or none came in ``timeout`` seconds.

        Raises:
            MissingDependencyError: a package is missing, for this trial and for all others.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while any(worker.trial for worker in self._workers):
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            try:
                worker, message = self._messages.get(timeout=left)
            except queue.Empty:
                return None
            if worker in self._workers and (event := self._read(worker, message)):
                return event
        return None

    def answer(self, key: TrialKey, *, go_on: bool) -> None:
        """Answers a finished epoch: the training goes on, or stops with a run that can go on."""
        for worker in self._workers:
            if worker.trial and worker.trial.key == key:
                worker.answer(go_on=go_on)

    def close(self) -> None:
        """Ends all trials and processes. A later start begins with new processes."""
        while self._workers:
            self._end(self._workers[-1])

    def _start_worker(self) -> WorkerProcess:
        worker = WorkerProcess(_environment(self._slots), self._messages, self._kept_mib)
        self._workers.append(worker)
        self.started += 1
        return worker

    def _read(self, worker: WorkerProcess, message: dict[str, Any] | None) -> Event | None:
        """Returns the event of a message; None if it is none of a trial."""
        if message is None:
            return self._read_end(worker)
        if "began" in message:
            worker.began = True
            return None
        if "missing" in message:
            raise MissingDependencyError(message["missing"])
        if "epoch" in message:
            return event_from_json(message["epoch"])
        worker.trial = None
        memory = float(message["memory_mib"])
        if worker.first_memory_mib is None:
            worker.first_memory_mib = memory
        if memory - worker.first_memory_mib > self._growth_mib:
            self._end(worker)
        return event_from_json(message["ended"])

    def _read_end(self, worker: WorkerProcess) -> TrialEnded | None:
        """Returns the event of a process that has ended."""
        reason, trial = worker.end_reason(), worker.trial
        self._end(worker)
        if trial is None:
            return None
        if worker.first_memory_mib is not None and not worker.began:
            self._start_worker().start(trial)  # it ended while it waited for this trial
            return None
        return TrialEnded(trial.key, "failed", reason=reason, seconds=worker.seconds)

    def _end(self, worker: WorkerProcess) -> None:
        worker.close()
        self._workers.remove(worker)


def _environment(workers: int) -> dict[str, str]:
    """Returns the environment of one of several workers."""
    shared: dict[str, str] = {}
    if workers > 1:
        threads = str(max(1, detect().cores // workers))
        shared = {**dict.fromkeys(_THREADS, threads), **_SHARED_GPU}
    return {
        **shared,
        **os.environ,
        **keras_environment(),
        "KERAS_BACKEND": keras_backend(),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
