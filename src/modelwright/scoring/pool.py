"""Answers chunks on all cores, in the order of the input, with few chunks in memory."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol

from modelwright.scoring.chunks import Chunk

_AHEAD = 2
"""Chunks that wait for each process."""


class Answerer(Protocol):
    """Answers questions, one record batch at a time."""

    def ask(self, questions: Any) -> Any:
        """Returns the answers to a record batch of questions."""

    def close(self) -> None:
        """Frees what it holds."""


class AnswerPool:
    """Several answerers. Each is started when the others are busy."""

    def __init__(self, start: Callable[[], Answerer], workers: int) -> None:
        """Takes the function that starts an answerer, and the largest number of them."""
        self._start, self._workers = start, workers
        self._idle: queue.SimpleQueue[Answerer] = queue.SimpleQueue()
        self._all: list[Answerer] = []

    def answers(self, chunks: Iterable[Chunk]) -> Generator[tuple[Chunk, Any], None, None]:
        """Yields each chunk with its answers, in order.

        Raises:
            ServableError: A process failed.
        """
        pool = ThreadPoolExecutor(self._workers)
        waiting: deque[tuple[Chunk, Future[Any]]] = deque()
        try:
            for chunk in chunks:
                waiting.append((chunk, pool.submit(self._ask, chunk.questions)))
                while len(waiting) > self._workers * _AHEAD or (waiting and waiting[0][1].done()):
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            # Threads that wait for an answer go on when their process ends.
            for one in self._all:
                one.close()
            pool.shutdown()

    def _ask(self, questions: Any) -> Any:
        try:
            answerer = self._idle.get_nowait()
        except queue.Empty:
            answerer = self._start()
            self._all.append(answerer)
        found = answerer.ask(questions)
        self._idle.put(answerer)
        return found
