"""The server's side of the process that explains: start it, ask it, end it.

The process has the lowest priority, so that it gets what the server leaves of the processor. It is
started by the first question, and again by the next question after it has ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from modelwright.serve.errors import Refused
from modelwright.serve.explanation.message import LENGTH, Question, read_answer

_PROGRAM = "modelwright.serve.explanation.program"
_LOWEST = 19
_PREPARE_SECONDS = 120.0
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_log = logging.getLogger("modelwright.serve")


class Ended(Exception):  # noqa: N818 - how a process ended, for the message of the refusal
    """The process ended before it answered."""


@dataclass(frozen=True)
class Child:
    """A started process, and the connection to it."""

    process: subprocess.Popen[bytes]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    async def ask(self, question: Question) -> bytes:
        """Returns the content of the answer.

        Raises:
            Ended: there is none.
        """
        content = question.to_bytes()
        self.writer.write(LENGTH.pack(len(content)))
        self.writer.write(content)
        try:
            await self.writer.drain()
        except OSError:
            raise Ended(await self.wait()) from None
        return await self.receive()

    async def receive(self) -> bytes:
        """Reads one message.

        Raises:
            Ended: there is none.
        """
        try:
            (size,) = LENGTH.unpack(await self.reader.readexactly(LENGTH.size))
            return await self.reader.readexactly(size)
        except (OSError, asyncio.IncompleteReadError):
            raise Ended(await self.wait()) from None

    def kill(self) -> None:
        """Ends the process, which may still run for a moment."""
        self.writer.close()
        self.process.kill()  # without effect if it has ended

    async def wait(self) -> str:
        """Kills the process and returns how it ended."""
        self.kill()
        code = await asyncio.to_thread(self.process.wait)
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def lower_priority(pid: int) -> None:
    """Lets a process run only when nothing else wants the processor, as far as the system can.

    Linux runs a task of the policy idle only if no other task can run, and interrupts it at once
    when one can. Outside containers and services it first shares the processor between sessions, so
    the session gets the lowest priority, too.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, _LOWEST)
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
        with suppress(OSError):
            Path(f"/proc/{pid}/autogroup").write_text(str(_LOWEST))


async def start_child(lower: Callable[[int], None] = lower_priority) -> Child:
    """Starts the process, which writes an empty answer when it is ready.

    Args:
        lower: lowers the priority of a process; another function in tests, which must end on a busy
            machine, too.
    """
    ours, theirs = socket.socketpair()
    try:
        # If this is cancelled meanwhile, the process finds its input closed and ends.
        process = await asyncio.to_thread(_run_program, theirs)
        lower(process.pid)
        reader, writer = await asyncio.open_unix_connection(sock=ours)
    except BaseException:
        ours.close()
        raise
    return Child(process, reader, writer)


def _run_program(connection: socket.socket) -> subprocess.Popen[bytes]:
    """Starts the program with a socket as its input and output, and closes the socket here."""
    with connection:
        # Not with asyncio: uvloop forks, which would call gRPC's handlers of forks.
        return subprocess.Popen(
            [sys.executable, "-m", _PROGRAM],
            stdin=connection.fileno(),
            stdout=connection.fileno(),
            # Its own session: see ``lower_priority``. Ctrl+C does not reach it either.
            start_new_session=True,
            env={**os.environ, **dict.fromkeys(_THREADS, "1")},
        )


class ExplainingProcess:
    """One child process, which answers one question at a time."""

    def __init__(self, seconds: float, start: Callable[[], Awaitable[Child]] = start_child) -> None:
        """Starts nothing yet.

        Args:
            seconds: the time limit for one question, without what has to be loaded for it.
            start: starts the process.
        """
        self._seconds, self._start = seconds, start
        self._child: Child | None = None
        self._last_opened: Question | None = None
        """The question without rows that the process answered last."""
        self._preparing: asyncio.Task[Child] | None = None
        self._ending: set[asyncio.Task[str]] = set()

    @property
    def pid(self) -> int | None:
        """The ID of the process; None if it does not run."""
        return self._child.process.pid if self._child and self._child.runs else None

    async def ask(self, question: Question) -> bytes:
        """Returns the explanations as JSON. Ask one question at a time.

        If this is cancelled, the process ends, because nobody waits for its work any more. While
        the process still starts or opens the version, it goes on, for the next question.

        Raises:
            Refused: it refuses the question, took too long, or ended.
        """
        working = False
        try:
            child = await self._prepared(question)
            working = True
            async with asyncio.timeout(self._seconds):
                content = await child.ask(question)
            working = False
        except TimeoutError:
            raise Refused(
                "DEADLINE_EXCEEDED",
                f"Explaining took more than {self._seconds:g} s, which is what this server allows"
                " (--explain-timeout); send fewer rows or a shorter text, give the method 'quick',"
                " or try again when the machine is less busy.",
            ) from None
        except Ended as how:
            _log.error("the process of explanations ended (%s); it is started again", how)
            raise Refused(
                "UNAVAILABLE",
                f"The process that explains answers ended ({how}); the next request starts it"
                " again.",
                retry_after=1.0,
            ) from None
        finally:
            if working:
                self._end()
        return read_answer(content)

    async def stop(self) -> None:
        """Ends the process and waits for its end."""
        if self._preparing:
            self._preparing.cancel()
            await asyncio.wait([self._preparing])
        self._end()
        await asyncio.gather(*self._ending)

    async def _prepared(self, question: Question) -> Child:
        """Returns the process, started and with the version open."""
        while self._preparing:  # for a question that nobody waits for any more
            await asyncio.wait([self._preparing])
        opening = replace(question, rows=(), label=None, method="auto")
        if self._child and self._child.runs and self._last_opened == opening:
            return self._child
        self._preparing = asyncio.create_task(self._prepare(opening))
        self._preparing.add_done_callback(self._forget_preparing)
        return await asyncio.shield(self._preparing)

    async def _prepare(self, opening: Question) -> Child:
        """Starts the process if it does not run, and opens the version.

        Raises:
            Refused: the version cannot be opened, or this takes far too long.
            Ended: the process ended.
        """
        try:
            async with asyncio.timeout(_PREPARE_SECONDS):
                if self._child is None or not self._child.runs:
                    self._end()
                    self._child = await self._start()
                    await self._child.receive()
                opened = await self._child.ask(opening)
        except TimeoutError:
            self._end()
            raise Refused(
                "UNAVAILABLE", "The model could not be loaded to explain its answers.", 1.0
            ) from None
        except asyncio.CancelledError:
            self._end()
            raise
        read_answer(opened)
        self._last_opened = opening
        return self._child

    def _forget_preparing(self, task: asyncio.Task[Child]) -> None:
        self._preparing = None
        if not task.cancelled():
            task.exception()  # whoever waits for the task has it, too

    def _end(self) -> None:
        """Kills the process, if there is one."""
        child, self._child, self._last_opened = self._child, None, None
        if child is None:
            return
        child.kill()
        task = asyncio.get_running_loop().create_task(child.wait())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
