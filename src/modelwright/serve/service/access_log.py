"""The access log: one line of JSON per request, with time, client, path, status and duration.

A thread writes the lines a few times a second, so that no request waits for a disk. No line holds
any content of a request.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

_SECONDS = 0.25


class AccessLog:
    """Appends lines to a file; ``-`` stands for standard error."""

    def __init__(self, name: str) -> None:
        """Opens the file.

        Raises:
            OSError: the file cannot be written.
        """
        self._file: TextIO = (
            sys.stderr if name == "-" else Path(name).open("a", encoding="utf-8")  # noqa: SIM115 - open until close()
        )
        self._lines: deque[str] = deque()
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
        """Adds a line with these fields and the time."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._lines.append(json.dumps({"time": now, **record}, ensure_ascii=False))

    def close(self) -> None:
        """Writes the remaining lines and closes the file."""
        self._stopped.set()
        self._writer.join()
        if self._file is not sys.stderr:
            self._file.close()

    def _write_lines(self) -> None:
        while not self._stopped.wait(_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        written = False
        while self._lines:
            self._file.write(self._lines.popleft() + "\n")
            written = True
        if written:
            self._file.flush()
