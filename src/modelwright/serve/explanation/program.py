"""The program that explains answers for one worker.

``python -m modelwright.serve.explanation.program``.

It writes an empty answer when it is ready, then an answer for each question. It ends at once when
its input does, also within a question, so that it never outlives its server.
"""

from __future__ import annotations

import os
import sys
import threading
from queue import SimpleQueue
from typing import IO

from modelwright.core.backend import skip_unused_packages
from modelwright.core.errors import brief
from modelwright.serve import memory
from modelwright.serve.errors import Refused
from modelwright.serve.explanation import message
from modelwright.serve.explanation.opened_versions import OpenedVersions


def main() -> int:
    """Answers until the input ends."""
    # Text that a library prints must not mix with the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    memory.configure_allocator()
    skip_unused_packages()
    questions: SimpleQueue[bytes] = SimpleQueue()
    threading.Thread(target=_read, args=(sys.stdin.buffer, questions), daemon=True).start()
    versions = OpenedVersions()
    try:
        message.write_message(answers, message.OK)
        while True:
            message.write_message(answers, answer(versions, questions.get()))
    except BrokenPipeError:
        return 0


def answer(versions: OpenedVersions, content: bytes) -> bytes:
    """Returns the content of the answer to one question."""
    try:
        return message.OK + versions.answer(message.Question.from_bytes(content))
    except Refused as error:
        return message.refusal_content(error)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - logged; the process lives on for the next question
        sys.stderr.write(f"ERROR an answer could not be explained: {brief(error)}\n")
        return message.refusal_content(
            Refused("INTERNAL", "The answer could not be explained; the server's log says why.")
        )


def _read(file: IO[bytes], questions: SimpleQueue[bytes]) -> None:
    while (content := message.read_message(file)) is not None:
        questions.put(content)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
