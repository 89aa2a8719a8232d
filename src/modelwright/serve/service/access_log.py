"""The access log: one line of JSON per request, with time, client, path, status and duration.

A thread writes the lines a few times a second, so that no request waits for a disk. No line holds
any content of a request. A log that cannot be written never stops the server: a bounded number of
lines waits, and those that do not fit are counted.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError

STANDARD_ERROR = "-"
_SECONDS = 0.25
_AT_ONCE = 500
_WAITING = 10_000
_STOP_SECONDS = 5.0
_STDERR = 2

_log = logging.getLogger("modelwright.serve")


class AccessLog:
    """Appends lines to a file; ``-`` stands for standard error.

    If the file was moved or deleted, as ``logrotate`` does, it is opened again under its name.
    """

    def __init__(self, name: str, waiting: int = _WAITING) -> None:
        """Opens the file.

        Args:
            name: of the file, or ``-``.
            waiting: the most lines that wait while the file cannot be written.

        Raises:
            ConfigError: the file cannot be opened.
        """
        self._name = name
        self._path = None if name == STANDARD_ERROR else Path(name)
        try:
            self._file = self._open()
        except OSError as error:
            raise ConfigError(
                f"--access-log {name} cannot be opened: {error.strerror}; expected a file in a"
                " folder that is there and can be written, or - for standard error."
            ) from None
        self._waiting = waiting
        self._lines: deque[bytes] = deque()
        self._lost = 0
        self._failing = False
        self._torn = False
        """Whether the file ends within a line."""
        self._reopen = False
        self._stopped = threading.Event()
        self._writer = threading.Thread(target=self._write_lines, name="access-log", daemon=True)
        self._writer.start()

    def write(self, scope: Mapping[str, Any], status: int, request: bytes, seconds: float) -> None:
        """Adds a line for one HTTP request."""
        client = scope.get("client")
        self.add(
            {
                "client": client[0] if client else None,
                "method": scope["method"],
                "path": scope["raw_path"].decode("latin-1")[:500],
                "status": status,
                "request": request.decode("latin-1"),
                "ms": round(seconds * 1e3, 3),
            }
        )

    def add(self, record: Mapping[str, Any]) -> None:
        """Adds a line with these fields and the time, unless too many lines wait."""
        if len(self._lines) >= self._waiting:
            self._lost += 1
        else:
            self._lines.append(_line(record))

    def reopen(self) -> None:
        """Opens the file under its name at the next look, also if no line waits."""
        self._reopen = True

    def close(self) -> None:
        """Writes the remaining lines, says how many could not be written, and closes the file."""
        self._stopped.set()
        self._writer.join(_STOP_SECONDS)
        if missing := self._lost + len(self._lines):
            _log.error("%d lines of the access log %s were not written", missing, self._name)
        if self._path:
            with suppress(OSError):
                os.close(self._file)

    def _open(self) -> int:
        if self._path is None:
            return _STDERR
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(self._path, flags, 0o666)

    def _write_lines(self) -> None:
        while not self._stopped.wait(_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        try:
            if self._reopen:
                self._reopen = False
                self._follow_name()
            while self._lines:
                self._follow_name()
                self._write_some()
        except OSError as error:
            if not self._failing:
                self._failing = True
                _log.error(
                    "the access log %s cannot be written: %s; up to %d lines wait, and further"
                    " ones are lost until it can",
                    self._name,
                    error.strerror,
                    self._waiting,
                )

    def _follow_name(self) -> None:
        """Opens the file again if another one, or none, now has its name."""
        if self._path is None:
            return
        with suppress(FileNotFoundError):
            if os.path.samestat(self._path.stat(), os.fstat(self._file)):
                return
        opened, old = self._open(), self._file
        self._file, self._torn = opened, False
        os.close(old)

    def _write_some(self) -> None:
        """Writes lines, of which a full disk may take only a part."""
        lost = self._lost
        note = [_line({"lost": lost})] if lost else []
        # What remains of a torn line stays; the whole line follows it.
        start = b"\n" if self._torn else b""
        content = start + b"".join([*note, *islice(self._lines, _AT_ONCE)])
        written = os.write(self._file, content)
        if written:
            self._torn = content[written - 1 : written] != b"\n"
        whole = content[len(start) : written].count(b"\n")
        if self._failing and whole:
            self._failing = False
            _log.warning("the access log %s is written again; %d lines were lost", self._name, lost)
        if whole:
            self._lost -= lost
        for _ in range(whole - len(note)):
            self._lines.popleft()


def _line(record: Mapping[str, Any]) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return (json.dumps({"time": now, **record}, ensure_ascii=False) + "\n").encode()
