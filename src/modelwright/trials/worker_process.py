"""A worker as the process that started it sees it: its messages, its end and the reason of it."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import IO, Any

from modelwright.core.errors import LONGEST
from modelwright.trials.trial import Trial
from modelwright.trials.trial_messages import trial_to_json

_LINES = 20
"""Last lines of standard error that are kept."""
_LONGEST_LINE = 65_536

Messages = queue.SimpleQueue[tuple["WorkerProcess", dict[str, Any] | None]]
"""The messages of all workers in the order of their arrival; None says that a worker has ended."""


class WorkerProcess:
    """A process that carries out one trial at a time.

    Attributes:
        trial: the trial that it carries out; None if it waits for one.
        began: whether it has received that trial.
        first_memory_mib: the memory that it took after its first trial; None before.
    """

    def __init__(self, environment: Mapping[str, str], messages: Messages, kept_mib: int) -> None:
        """Starts the process, which needs some seconds to load TensorFlow.

        Args:
            environment: all of its environment variables.
            messages: where its messages go.
            kept_mib: the most memory for what it keeps between trials.
        """
        self.trial: Trial | None = None
        self.began = False
        self.first_memory_mib: float | None = None
        self._started = 0.0
        self._messages = messages
        self._errors: deque[str] = deque(maxlen=_LINES)
        # In a session of its own, Ctrl-C in the terminal does not reach it. It ends with its
        # input, so it never outlives this process.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "modelwright.trials.worker", str(kept_mib)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environment),
            start_new_session=True,
        )
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._input, output, errors = pipes
        self._reader = threading.Thread(target=self._read, args=(output,), daemon=True)
        self._error_reader = threading.Thread(target=self._read_errors, args=(errors,), daemon=True)
        self._error_reader.start()
        self._reader.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    @property
    def seconds(self) -> float:
        """The time since it was handed its last trial."""
        return time.monotonic() - self._started

    def start(self, trial: Trial) -> None:
        """Hands it a trial."""
        self.trial, self.began, self._started = trial, False, time.monotonic()
        self._send({"trial": trial_to_json(trial)})

    def answer(self, *, go_on: bool) -> None:
        """Answers a finished epoch."""
        self._send({"go_on": go_on})

    def end_reason(self) -> str:
        """Returns why the process has ended, in one line."""
        code = self._process.wait()
        self._error_reader.join()
        last = self._errors[-1][:LONGEST] if self._errors else ""
        if code >= 0:
            return f"its process ended with code {code}: {last or 'no message'}"
        name = signal.Signals(-code).name
        if name == "SIGKILL":
            return "its process was killed (SIGKILL), perhaps out of memory"
        return f"its process crashed ({name})" + (f": {last}" if last else "")

    def close(self) -> None:
        """Ends the process, and what it started, at once."""
        try:
            if hasattr(os, "killpg"):
                os.killpg(self.pid, signal.SIGKILL)
            else:
                self._process.kill()
        except ProcessLookupError:
            pass  # it has ended, with all that it started
        self._process.wait()
        self._reader.join()
        self._error_reader.join()
        for pipe in (self._input, self._process.stdout, self._process.stderr):
            try:
                if pipe:
                    pipe.close()
            except BrokenPipeError:
                continue  # what was not sent has no reader any more

    def _send(self, message: dict[str, Any]) -> None:
        try:
            if self._input:
                self._input.write(json.dumps(message).encode() + b"\n")
                self._input.flush()
        except (BrokenPipeError, ValueError):
            return  # it has ended, which its reader reports

    def _read(self, output: IO[bytes]) -> None:
        for line in output:
            try:
                self._messages.put((self, json.loads(line)))
            except ValueError:
                break  # a line that was cut off by its end
        self._messages.put((self, None))

    def _read_errors(self, errors: IO[bytes]) -> None:
        while line := errors.readline(_LONGEST_LINE):
            if text := line.decode("utf-8", "replace").strip():
                self._errors.append(text)
