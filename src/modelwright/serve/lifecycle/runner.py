"""Runs one version: in the event loop, or in a thread behind a queue, in batches where that helps.

A model that answers faster than a thread wakes up runs in the event loop. Everything here except
the model itself runs in the event loop's thread.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from modelwright.serve.config import Batching, RequestLimits
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.input_check import CheckedInputs
from modelwright.serve.lifecycle.servable import DEFAULT, Servable, Tensors

AT_ONCE_SECONDS = 0.001
"""The longest that a model may block the event loop."""
AT_ONCE_BYTES = 8 * 2**10
"""The largest input for the event loop: an image may unpack to a thousand times its file."""
_WORTHWHILE_GAIN = 1.5
_BATCH = 8
_REPEATS = 5

_log = logging.getLogger("modelwright.serve")


@dataclass(frozen=True)
class Speed:
    """How fast a version is, alone and in a batch."""

    row: float
    """Seconds for a run of one row."""
    gain: float
    """How many times faster a row is in a batch of eight; 1 for a model too fast to batch."""


@dataclass
class _Waiting:
    signature: str
    checked: CheckedInputs
    deadline: float
    answer: asyncio.Future[Tensors]


class Runner:
    """Runs one version."""

    def __init__(
        self,
        servable: Servable,
        speed: Speed | None,
        pool: Executor,
        limits: RequestLimits,
        batching: Batching,
    ) -> None:
        """Without a measured ``speed``, every request goes to a thread."""
        self.servable = servable
        self._row = speed.row if speed else float("inf")
        worthwhile = speed is not None and speed.gain >= _WORTHWHILE_GAIN
        self.batched = (batching.requested or worthwhile) and self._row >= AT_ONCE_SECONDS
        self._pool = pool
        self._limits = limits
        self._batching = batching
        self._queue: deque[_Waiting] = deque()
        self._busy_threads = 0

    @property
    def at_once(self) -> bool:
        """Whether one small row runs in the event loop."""
        return self._row < AT_ONCE_SECONDS

    async def run(self, signature: str, checked: CheckedInputs, deadline: float) -> Tensors:
        """Returns the outputs of one request.

        Args:
            signature: the name of the signature.
            checked: the inputs.
            deadline: on ``time.monotonic()``'s clock.

        Raises:
            Refused: the model refuses the inputs, the queue is full, or the deadline is over.
        """
        if self._row * checked.rows < AT_ONCE_SECONDS and checked.size <= AT_ONCE_BYTES:
            return self._run_in_time(signature, checked, deadline)
        if len(self._queue) >= self._limits.queue:
            raise Refused(
                "UNAVAILABLE",
                f"{len(self._queue)} requests are waiting already; try again later.",
                retry_after=1.0,
            )
        loop = asyncio.get_running_loop()
        waiting = _Waiting(signature, checked, deadline, loop.create_future())
        self._queue.append(waiting)
        self._start_runs()
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await waiting.answer
        except TimeoutError:
            raise _late() from None

    def _start_runs(self) -> None:
        """Starts a task for each free thread."""
        while self._queue and self._busy_threads < self._batching.threads:
            self._busy_threads += 1
            task = asyncio.get_running_loop().create_task(self._empty_queue())
            task.add_done_callback(_log_failure)

    async def _empty_queue(self) -> None:
        try:
            if self.batched and self._batching.wait:
                await asyncio.sleep(self._batching.wait)
            while group := self._next_group():
                await self._answer(group)
        finally:
            self._busy_threads -= 1

    def _next_group(self) -> list[_Waiting]:
        """Takes the first request of the queue, and those that can run together with it."""
        group: list[_Waiting] = []
        rows = 0
        while self._queue:
            first = self._queue[0]
            if first.answer.done():
                self._queue.popleft()
                continue
            fits = not group or (
                self.batched
                and rows + first.checked.rows <= self._batching.rows
                and _can_join(first, group[0])
            )
            if not fits:
                break
            rows += first.checked.rows
            group.append(self._queue.popleft())
        return group

    async def _answer(self, group: Sequence[_Waiting]) -> None:
        loop = asyncio.get_running_loop()
        first = group[0]
        if len(group) > 1:
            names = first.checked.inputs
            joined = {n: np.concatenate([w.checked.inputs[n] for w in group]) for n in names}
            checked = CheckedInputs(
                joined,
                sum(waiting.checked.rows for waiting in group),
                sum(waiting.checked.size for waiting in group),
            )
        else:
            checked = first.checked
        deadline = max(waiting.deadline for waiting in group)
        try:
            outputs = await loop.run_in_executor(
                self._pool, self._run_in_time, first.signature, checked, deadline
            )
            if len(group) > 1 and not _has_rows(outputs, checked.rows):
                # Caught below: each request of the group then runs alone.
                raise Refused("INTERNAL", "The answers cannot be told apart.")
        except Exception as error:  # noqa: BLE001 - passed on to each request of the group
            if len(group) > 1 and isinstance(error, Refused):
                # A bad row must not spoil the answers of other requests.
                for waiting in group:
                    await self._answer([waiting])
                return
            for waiting in group:
                if not waiting.answer.done():
                    waiting.answer.set_exception(error)
            return
        start = 0
        for waiting in group:
            end = start + waiting.checked.rows
            if not waiting.answer.done():
                answer = outputs
                if len(group) > 1:
                    answer = {n: values[start:end] for n, values in outputs.items()}
                waiting.answer.set_result(answer)
            start = end

    def _run_in_time(self, signature: str, checked: CheckedInputs, deadline: float) -> Tensors:
        if time.monotonic() > deadline:
            raise _late()
        return self.servable.run(signature, checked.inputs)


def measure_speed(servable: Servable) -> Speed | None:
    """Times a run of one row and one of a batch; None if the version has no example row."""
    row = servable.example()
    if row is None:
        return None
    one = _fastest(servable, row)
    if one < AT_ONCE_SECONDS:
        return Speed(one, 1.0)
    batch = {name: np.repeat(values, _BATCH, axis=0) for name, values in row.items()}
    return Speed(one, one * _BATCH / _fastest(servable, batch))


def with_threads(batching: Batching, threads: int) -> Batching:
    """Returns the same batching, its number of threads filled in if it has none."""
    return replace(batching, threads=batching.threads or threads)


def _fastest(servable: Servable, inputs: Tensors) -> float:
    """Returns the seconds of the fastest of a few runs: other load only makes a run slower."""
    seconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        servable.run(DEFAULT, inputs)
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def _can_join(one: _Waiting, other: _Waiting) -> bool:
    """Whether two requests can be joined: one signature, rows of one shape in every input."""
    return (
        one.signature == other.signature
        and _has_rows(one.checked.inputs, one.checked.rows)
        and _has_rows(other.checked.inputs, other.checked.rows)
        and all(
            values.shape[1:] == other.checked.inputs[name].shape[1:]
            for name, values in one.checked.inputs.items()
        )
    )


def _has_rows(arrays: Tensors, rows: int) -> bool:
    """Whether the first dimension of every array is the rows."""
    return all(array.ndim and len(array) == rows for array in arrays.values())


def _late() -> Refused:
    return Refused("DEADLINE_EXCEEDED", "The request's time was over before it was answered.")


def _log_failure(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.error("running a model failed", exc_info=error)
