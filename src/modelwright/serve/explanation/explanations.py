"""The explanations of one worker: one question at a time, behind a bounded queue of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from modelwright.serve.errors import Refused
from modelwright.serve.explanation.explaining_process import Child, ExplainingProcess, start_child
from modelwright.serve.explanation.message import Question
from modelwright.serve.limits import EXPLAIN_OPTIONS, ExplainLimits
from modelwright.serve.service.metrics import (
    EXPLAIN_TIME,
    EXPLAIN_WAITING,
    EXPLAINED,
    Metrics,
)
from modelwright.serve.service.request_counter import RequestCounter


class Explanations:
    """Passes questions to the process that explains, one after the other."""

    def __init__(
        self,
        limits: ExplainLimits,
        metrics: Metrics,
        start: Callable[[], Awaitable[Child]] | None = None,
    ) -> None:
        """``start`` starts the process, and is another function in tests."""
        self.limits = limits
        self.process = ExplainingProcess(limits.seconds, start or start_child)
        self._metrics = metrics
        self._turn = asyncio.Lock()
        self._waiting = 0
        self._counters: dict[str, RequestCounter] = {}

    def counter(self, model: str) -> RequestCounter:
        """Returns what counts the requests of a model."""
        found = self._counters.get(model)
        if found is None:
            found = RequestCounter(self._metrics, model, EXPLAINED, EXPLAIN_TIME)
            self._counters[model] = found
        return found

    async def explain(self, model: str, question: Question, deadline: float) -> bytes:
        """Returns the explanations as JSON.

        Args:
            model: the name of the model, for the metrics.
            question: what to explain.
            deadline: of the whole request, on ``time.monotonic()``'s clock.

        Raises:
            Refused: too many requests wait, the time is over, or there is no explanation.
        """
        if self._turn.locked() and self._waiting >= self.limits.queue:
            raise Refused(
                "UNAVAILABLE",
                f"{self._waiting} requests are waiting to be explained already"
                f" ({EXPLAIN_OPTIONS['queue']}); try again later.",
                retry_after=1.0,
            )
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await self._wait_for_turn()
                start = time.perf_counter()
                try:
                    return await self.process.ask(question)
                finally:
                    self._turn.release()
                    seconds = time.perf_counter() - start
                    self.counter(model).runtime.add(seconds * 1e6)
        except TimeoutError:
            raise Refused(
                "DEADLINE_EXCEEDED",
                "The request's time was over before it was explained (--timeout). Too many requests"
                " wait, or the machine is too busy: explanations get only what it has left.",
            ) from None

    async def stop(self) -> None:
        """Ends the process."""
        await self.process.stop()

    async def _wait_for_turn(self) -> None:
        self._count(1)
        try:
            await self._turn.acquire()
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self._waiting += change
        self._metrics.gauge(EXPLAIN_WAITING, self._waiting)
