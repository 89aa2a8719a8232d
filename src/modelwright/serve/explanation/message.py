"""The messages between a server and the process that explains: a question, then its answer.

A message is four bytes of length and its content. The content of a question is four bytes of
length, a JSON object, and the rows. That of an answer is one byte that says what follows.
"""

from __future__ import annotations

import json
import struct
from dataclasses import asdict, dataclass
from typing import IO

from modelwright.serve.errors import Refused

OK, REFUSED = b"\0", b"\1"
LENGTH = struct.Struct(">I")


@dataclass(frozen=True)
class Question:
    """Rows of one version to explain.

    Attributes:
        folder: of the version, links followed.
        fingerprint: of the files that the version was loaded from; see ``fingerprint_digest``.
        engine: the engine that answers for the version.
        rows: UTF-8 texts or image files; none if the version is only to be opened.
        label: the label to explain; None for the most probable one of each row.
        method: ``auto``, ``quick`` or the name of a method.
        segments: most segments of one row.
    """

    folder: str
    fingerprint: str
    engine: str
    rows: tuple[bytes, ...]
    label: str | None = None
    method: str = "auto"
    segments: int = 2_000

    def to_bytes(self) -> bytes:
        """Returns the content of the message."""
        record = {**asdict(self), "rows": [len(row) for row in self.rows]}
        head = json.dumps(record).encode()
        return b"".join((LENGTH.pack(len(head)), head, *self.rows))

    @classmethod
    def from_bytes(cls, content: bytes) -> Question:
        """Reads the content of a message that ``to_bytes`` made."""
        (size,) = LENGTH.unpack_from(content)
        at = LENGTH.size + size
        record = json.loads(content[LENGTH.size : at])
        rows = []
        for length in record["rows"]:
            rows.append(content[at : at + length])
            at += length
        return cls(**{**record, "rows": tuple(rows)})


def refusal_content(error: Refused) -> bytes:
    """Returns the content of an answer that refuses a question."""
    return REFUSED + json.dumps([error.code, error.message, error.retry_after]).encode()


def read_answer(content: bytes) -> bytes:
    """Returns the explanations in an answer.

    Raises:
        Refused: the answer refuses the question.
    """
    if content[:1] == OK:
        return content[1:]
    raise Refused(*json.loads(content[1:]))


def write_message(file: IO[bytes], content: bytes) -> None:
    """Writes one message."""
    file.write(LENGTH.pack(len(content)) + content)
    file.flush()


def read_message(file: IO[bytes]) -> bytes | None:
    """Reads one message; None at the end of the stream."""
    head = file.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (size,) = LENGTH.unpack(head)
    content = file.read(size)
    return content if len(content) == size else None
