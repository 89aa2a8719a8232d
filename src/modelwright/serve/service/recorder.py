"""Records requests with their answers, for labeling them later. No request waits for it.

The event loop appends rows to a bounded queue. A thread takes them from there a few times a second,
and writes whole files. What does not fit into the queue is dropped and counted. After an error of
the disk, nothing more is recorded, and the server goes on answering.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.core.errors import brief
from modelwright.core.types import Task
from modelwright.serve.lifecycle.servable import DEFAULT
from modelwright.serve.record_settings import RecordSettings
from modelwright.serve.service.answered import Answered
from modelwright.serve.service.metrics import (
    RECORD_DELETED,
    RECORD_DROPPED,
    RECORD_STOPPED,
    RECORDED,
    Metrics,
)
from modelwright.serve.service.recorded_files import RecordedFiles, RecordedRows

_SECONDS = 0.25
_STOP_SECONDS = 10.0
_LOG_SECONDS = 60.0
_WAITING_BYTES = 64 * 2**20
"""The texts and images of one worker that wait in the queue; as many may be held to be written."""

_log = logging.getLogger("modelwright.serve")


@dataclass
class _Buffer:
    """The rows of one model that will be one file."""

    recorded: list[RecordedRows] = field(default_factory=list)
    rows: int = 0
    size: int = 0
    since: float = 0.0
    """Time of the first row, on ``time.monotonic()``'s clock."""

    def add(self, rows: RecordedRows) -> None:
        """Adds rows."""
        if not self.rows:
            self.since = time.monotonic()
        self.recorded.append(rows)
        self.rows += len(rows.values)
        self.size += rows.size

    def clear(self) -> None:
        """Forgets the rows."""
        self.recorded, self.rows, self.size = [], 0, 0


class Recorder:
    """Records the answers of one worker."""

    def __init__(self, settings: RecordSettings, metrics: Metrics) -> None:
        self._settings = settings
        self._file_rows, self._file_bytes = settings.file_rows, settings.file_bytes
        self._metrics = metrics
        self._lock = threading.Lock()
        """For the queue, and for the counts that the thread shares with the event loop."""
        self._queue: deque[tuple[str, RecordedRows]] = deque()
        self._taken: deque[tuple[str, RecordedRows]] = deque()
        """Rows that the thread took from the queue, and has not put into a buffer yet."""
        self._waiting_rows = self._waiting_bytes = 0
        self._buffers: dict[tuple[str, Task], _Buffer] = defaultdict(_Buffer)
        """By model and task, which a new version may change: a file has texts or images."""
        self._draw = random.Random().random  # noqa: S311 - a choice of rows, no secret
        self._stopped = False
        self._said: set[str] = set()
        self._lost, self._lost_said = 0, float("-inf")
        self._ending = threading.Event()
        metrics.gauge(RECORD_STOPPED, 0)
        self._thread = threading.Thread(target=self._write_files, name="recorder", daemon=True)
        self._thread.start()

    def add(self, answered: Answered) -> None:
        """Takes the rows of a request, or a share of them, unless too many wait."""
        description = answered.servable.description
        if "task" not in description or answered.signature != DEFAULT:
            self._skip(answered, foreign="task" not in description)
            return
        (values,) = answered.inputs.values()
        probabilities = answered.outputs["probabilities"]
        chosen = values.tolist()
        if self._settings.share < 1:
            places = [at for at in range(len(chosen)) if self._draw() < self._settings.share]
            if not places:
                return
            chosen, probabilities = [chosen[at] for at in places], probabilities[places]
        size = sum(map(len, chosen))
        with self._lock:
            if self._stopped:
                self._drop(answered.model, len(chosen), "stopped")
            elif (
                self._waiting_rows + len(chosen) > self._settings.queue
                or self._waiting_bytes + size > _WAITING_BYTES
            ):
                self._drop(answered.model, len(chosen), "queue_full")
                self._lost += len(chosen)
            else:
                labels = description["labels"]
                task, number = description["task"], answered.version
                rows = RecordedRows(task, number, labels, chosen, probabilities, time.time_ns())
                self._queue.append((answered.model, rows))
                self._waiting_rows += len(chosen)
                self._waiting_bytes += size

    def close(self) -> None:
        """Writes what waits. What a slow disk does not take in time is lost, and logged."""
        self._ending.set()
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive():
            _log.error(
                "the last recorded rows were not written to %s in time", self._settings.folder
            )
        self._tell_lost(0.0)

    def _skip(self, answered: Answered, *, foreign: bool) -> None:
        """Counts rows that cannot be recorded, and says so once for each model."""
        reason = "foreign_model" if foreign else "prepared_input"
        rows = max((len(v) for v in answered.inputs.values() if v.ndim), default=1)
        with self._lock:
            self._drop(answered.model, rows, reason)
        if (key := f"{answered.model} {reason}") not in self._said:
            self._said.add(key)
            why = "TensorFlow runs it" if foreign else "they are about prepared rows, not raw ones"
            _log.warning("some answers of model %s are not recorded: %s", answered.model, why)

    def _drop(self, model: str, rows: int, reason: str) -> None:
        self._metrics.count(RECORD_DROPPED, rows, model_name=model, reason=reason)

    def _write_files(self) -> None:
        while not self._ending.wait(_SECONDS):
            self._turn(everything=False)
        self._turn(everything=True)

    def _turn(self, *, everything: bool) -> None:
        """Takes what waits, and writes the files that are full or due."""
        with self._lock:
            self._taken.extend(self._queue)
            self._queue.clear()
            self._waiting_rows = self._waiting_bytes = 0
        try:
            while self._taken:
                self._take_first()
            held = sum(buffer.size for buffer in self._buffers.values())
            now = time.monotonic()
            for (model, _), buffer in self._buffers.items():
                due = now - buffer.since >= self._settings.seconds
                if buffer.rows and (everything or due or held > _WAITING_BYTES):
                    self._write(model, buffer)
        except Exception as error:  # noqa: BLE001 - recording ends, and the answers go on
            self._stop(error)
        self._tell_lost(_LOG_SECONDS)

    def _take_first(self) -> None:
        """Moves the first rows that were taken to the buffer of their model."""
        model, rows = self._taken.popleft()
        first, rest = rows.cut(self._file_rows, self._file_bytes)
        if rest is not None:
            self._taken.appendleft((model, rest))
        buffer = self._buffers[model, rows.task]
        if buffer.rows + len(first.values) > self._file_rows:
            self._taken.appendleft((model, first))  # counted there if the disk refuses the file
            self._write(model, buffer)
            self._taken.popleft()
        buffer.add(first)
        if buffer.rows == self._file_rows or buffer.size >= self._file_bytes:
            self._write(model, buffer)

    def _write(self, model: str, buffer: _Buffer) -> None:
        limits = self._settings
        files = RecordedFiles(
            Path(limits.folder), model, rows=limits.rows, size=limits.size, files=limits.files
        )
        deleted = files.write(buffer.recorded)
        with self._lock:
            self._metrics.count(RECORDED, buffer.rows, model_name=model)
            if deleted:
                self._metrics.count(RECORD_DELETED, deleted, model_name=model)
        buffer.clear()

    def _stop(self, error: Exception) -> None:
        """Records nothing more, counts what was held, and says so once."""
        with self._lock:
            self._stopped = True
            self._metrics.gauge(RECORD_STOPPED, 1)
            for (model, _), buffer in self._buffers.items():
                self._drop(model, buffer.rows, "stopped")
            for model, rows in (*self._taken, *self._queue):
                self._drop(model, len(rows.values), "stopped")
            for held in (self._buffers, self._taken, self._queue):
                held.clear()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else brief(error)
        _log.warning(
            "recording to %s has stopped: %s; answers are given as before, and are recorded again"
            " after a restart",
            self._settings.folder,
            reason,
            exc_info=None if isinstance(error, OSError) else error,
        )

    def _tell_lost(self, seconds: float) -> None:
        """Says how many rows did not fit into the queue, at most once in so many seconds."""
        now = time.monotonic()
        with self._lock:
            if not self._lost or now - self._lost_said < seconds:
                return
            lost, self._lost, self._lost_said = self._lost, 0, now
        _log.warning(
            "%d rows were not recorded: more than --record-queue %d rows or %d MiB waited",
            lost,
            self._settings.queue,
            _WAITING_BYTES // 2**20,
        )
