"""How one version is run: at once, or in a thread behind a queue, in batches where that helps.

A model that answers faster than a thread is woken is run where it is asked. Everything here but
the model itself runs in the thread of the event loop.
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

from modelwright.serve.config import Batching, Limits
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.served_model import DEFAULT, Checked, Servable, Tensors

AT_ONCE_SECONDS = 0.001
"""Longer than this the event loop is not held up."""
AT_ONCE_BYTES = 8 * 2**10
"""A small file can be a picture of many pixels, at most about a thousand times its size."""
_HELPS = 1.5
_TRIED = 8
_REPEATS = 5

_log = logging.getLogger("modelwright.serve")


@dataclass(frozen=True)
class Measured:
    """Seconds of one row; how much faster a row is among ``_TRIED``, 1 where none would wait."""

    row: float
    gain: float


@dataclass
class _Waiting:
    signature: str
    checked: Checked
    deadline: float
    answer: asyncio.Future[Tensors]


class Runner:
    """Runs one version."""

    def __init__(
        self,
        servable: Servable,
        measured: Measured | None,
        pool: Executor,
        limits: Limits,
        batching: Batching,
    ) -> None:
        """Take what was measured; with nothing measured every request goes to a thread."""
        self.servable = servable
        self._row = measured.row if measured else float("inf")
        helps = batching.asked or (measured is not None and measured.gain >= _HELPS)
        self.batched = helps and self._row >= AT_ONCE_SECONDS
        self._pool = pool
        self._limits = limits
        self._batching = batching
        self._queue: deque[_Waiting] = deque()
        self._busy = 0

    @property
    def at_once(self) -> bool:
        """Whether one small row is answered in the event loop."""
        return self._row < AT_ONCE_SECONDS

    async def run(self, signature: str, checked: Checked, deadline: float) -> Tensors:
        """The outputs of one request.

        Args:
            signature: its name.
            checked: the inputs.
            deadline: on ``time.monotonic()``'s clock.

        Raises:
            Refused: the model refuses them, too many wait, or it is too late.
        """
        if self._row * checked.rows < AT_ONCE_SECONDS and checked.size <= AT_ONCE_BYTES:
            return self._timely(signature, checked, deadline)
        if len(self._queue) >= self._limits.queue:
            raise Refused(
                "UNAVAILABLE",
                f"{len(self._queue)} requests are waiting already; try again later.",
                retry_after=1.0,
            )
        loop = asyncio.get_running_loop()
        waiting = _Waiting(signature, checked, deadline, loop.create_future())
        self._queue.append(waiting)
        self._start()
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                return await waiting.answer
        except TimeoutError:
            raise _late() from None

    def _start(self) -> None:
        """Begin a run for each free thread."""
        while self._queue and self._busy < self._batching.threads:
            self._busy += 1
            task = asyncio.get_running_loop().create_task(self._work())
            task.add_done_callback(_told)

    async def _work(self) -> None:
        try:
            if self.batched and self._batching.wait:
                await asyncio.sleep(self._batching.wait)
            while group := self._next():
                await self._answer(group)
        finally:
            self._busy -= 1

    def _next(self) -> list[_Waiting]:
        """The first that waits, and others that can be answered with it."""
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
                and _alike(first, group[0])
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
            checked = Checked(
                joined,
                sum(waiting.checked.rows for waiting in group),
                sum(waiting.checked.size for waiting in group),
            )
        else:
            checked = first.checked
        deadline = max(waiting.deadline for waiting in group)
        try:
            outputs = await loop.run_in_executor(
                self._pool, self._timely, first.signature, checked, deadline
            )
            if len(group) > 1 and not _rowwise(outputs, checked.rows):
                raise Refused("INTERNAL", "The answers cannot be told apart.")  # each runs alone
        except Exception as error:  # noqa: BLE001 - handed to those who wait for it
            if len(group) > 1 and isinstance(error, Refused):
                # One bad row must not spoil the answers of others.
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
                own = outputs if len(group) == 1 else {n: v[start:end] for n, v in outputs.items()}
                waiting.answer.set_result(own)
            start = end

    def _timely(self, signature: str, checked: Checked, deadline: float) -> Tensors:
        if time.monotonic() > deadline:
            raise _late()
        return self.servable.run(signature, checked.inputs)


def measure(servable: Servable) -> Measured | None:
    """Time one row and several; None where there is no row to time."""
    row = servable.example()
    if row is None:
        return None
    one = _fastest(servable, row)
    if one < AT_ONCE_SECONDS:
        return Measured(one, 1.0)
    several = {name: np.repeat(values, _TRIED, axis=0) for name, values in row.items()}
    return Measured(one, one * _TRIED / _fastest(servable, several))


def settled(batching: Batching, threads: int) -> Batching:
    """The same with the number of threads filled in."""
    return replace(batching, threads=batching.threads or threads)


def _fastest(servable: Servable, inputs: Tensors) -> float:
    """Seconds of the fastest of a few runs: what else the machine does only ever adds."""
    taken = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        servable.run(DEFAULT, inputs)
        taken.append(time.perf_counter() - start)
    return min(taken)


def _alike(one: _Waiting, other: _Waiting) -> bool:
    """Whether two requests can be joined: one signature, rows of one shape in every input."""
    return (
        one.signature == other.signature
        and _rowwise(one.checked.inputs, one.checked.rows)
        and _rowwise(other.checked.inputs, other.checked.rows)
        and all(
            values.shape[1:] == other.checked.inputs[name].shape[1:]
            for name, values in one.checked.inputs.items()
        )
    )


def _rowwise(arrays: Tensors, rows: int) -> bool:
    """Whether each array has an entry for each row."""
    return all(array.ndim and len(array) == rows for array in arrays.values())


def _late() -> Refused:
    return Refused("DEADLINE_EXCEEDED", "The request's time was over before it was answered.")


def _told(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and (error := task.exception()):
        _log.error("running a model failed", exc_info=error)
