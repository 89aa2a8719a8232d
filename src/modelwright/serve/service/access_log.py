"""One line of JSON for each request: when, who, what, how it ended, how long it took.

Lines are gathered and written a few times a second by one thread, so that no request waits for a
disk; what a request holds is never in them.
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
    """A file that lines are added to, ``-`` for standard error."""

    def __init__(self, name: str) -> None:
        """Open it.

        Raises:
            OSError: it cannot be written.
        """
        self._file: TextIO = (
            sys.stderr if name == "-" else Path(name).open("a", encoding="utf-8")  # noqa: SIM115 - open until close()
        )
        self._lines: deque[str] = deque()
        self._stopped = threading.Event()
        self._writer = threading.Thread(target=self._work, name="access-log", daemon=True)
        self._writer.start()

    def write(self, scope: Mapping[str, Any], status: int, request: bytes, seconds: float) -> None:
        """Tell of one HTTP request."""
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
        """Tell of anything."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._lines.append(json.dumps({"time": now, **record}, ensure_ascii=False))

    def close(self) -> None:
        """Write what is left."""
        self._stopped.set()
        self._writer.join()
        if self._file is not sys.stderr:
            self._file.close()

    def _work(self) -> None:
        while not self._stopped.wait(_SECONDS):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        told = False
        while self._lines:
            self._file.write(self._lines.popleft() + "\n")
            told = True
        if told:
            self._file.flush()
