"""The server's side of the process that explains: start it, ask it, end it.

The process has the lowest priority, so that it gets what the server leaves of the processor. It is
started by the first question, and again by the next question after it has ended.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress

from modelwright.serve.errors import Refused
from modelwright.serve.explanation.message import LENGTH, Question, read_answer

_PROGRAM = "modelwright.serve.explanation.program"
_LOWEST = 19
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

_log = logging.getLogger("modelwright.serve")


class ExplainingProcess:
    """One child process, which answers one question at a time."""

    def __init__(self, seconds: float) -> None:
        """``seconds`` is the time limit for one question, without the start of the process."""
        self._seconds = seconds
        self._process: Process | None = None
        self._ending: set[asyncio.Task[int]] = set()

    @property
    def pid(self) -> int | None:
        """The ID of the process; None if it does not run."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def ask(self, question: Question) -> bytes:
        """Returns the explanations as JSON.

        If this is cancelled, the process ends, because nobody waits for its work any more.

        Raises:
            Refused: it refuses the question, took too long, or ended.
        """
        answered = False
        try:
            process = await self._running()
            async with asyncio.timeout(self._seconds):
                content = await _exchange(process, question)
            answered = True
        except TimeoutError:
            raise Refused(
                "DEADLINE_EXCEEDED",
                f"Explaining took more than {self._seconds:g} s, which is what this server allows"
                " (--explain-timeout); send fewer rows or a shorter text, or give the method"
                " 'quick'.",
            ) from None
        except (OSError, asyncio.IncompleteReadError):
            how = await self._how_it_ended()
            _log.error("the process of explanations ended (%s); it is started again", how)
            raise Refused(
                "UNAVAILABLE",
                f"The process that explains answers ended ({how}); the next request starts it"
                " again.",
                retry_after=1.0,
            ) from None
        finally:
            if not answered:
                self._end()
        return read_answer(content)

    async def stop(self) -> None:
        """Ends the process and waits for its end."""
        self._end()
        await asyncio.gather(*self._ending)

    async def _running(self) -> Process:
        """Returns the process, started if it does not run."""
        if self._process is not None and self._process.returncode is None:
            return self._process
        self._end()
        environment = dict.fromkeys(_THREADS, "1")
        self._process = process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            _PROGRAM,
            stdin=PIPE,
            stdout=PIPE,
            # No new session: where the system shares the processor between sessions first, the
            # priority would count for nothing.
            env={**os.environ, **environment},
        )
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _LOWEST)
        await _receive(process)
        return process

    def _end(self) -> None:
        """Kills the process, if there is one."""
        process, self._process = self._process, None
        if process is None:
            return
        with suppress(ProcessLookupError):
            process.kill()
        if process.stdin:
            process.stdin.close()
        task = asyncio.get_running_loop().create_task(process.wait())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _how_it_ended(self) -> str:
        process = self._process
        if process is None:
            return "not started"
        with suppress(ProcessLookupError):
            process.kill()  # without effect if it has ended
        code = await process.wait()
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"


async def _exchange(process: Process, question: Question) -> bytes:
    content = question.to_bytes()
    if process.stdin is None:
        raise BrokenPipeError
    process.stdin.write(LENGTH.pack(len(content)))
    process.stdin.write(content)
    await process.stdin.drain()
    return await _receive(process)


async def _receive(process: Process) -> bytes:
    """Reads one message.

    Raises:
        IncompleteReadError: the process ended.
    """
    if process.stdout is None:
        raise BrokenPipeError
    (size,) = LENGTH.unpack(await process.stdout.readexactly(LENGTH.size))
    return await process.stdout.readexactly(size)
