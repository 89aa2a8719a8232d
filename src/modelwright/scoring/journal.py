"""The folder next to an output in which an unfinished run keeps its rows and how far it is.

After a stop of any kind, the same command goes on from the last chunk that is safely on the disk.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from modelwright.core.errors import ConfigError
from modelwright.core.file_lock import try_lock
from modelwright.core.files import write_json

FORMAT = 1
_EXAMPLES = 5


@dataclass
class Done:
    """What has been scored: the figures of the report, and where to go on."""

    chunks: int = 0
    rows: int = 0
    rejected: int = 0
    size: int = 0
    """Bytes of the rows so far."""
    seconds: float = 0.0
    reasons: dict[str, int] = field(default_factory=dict)
    """Number of rejected rows by reason."""
    examples: list[tuple[str, str]] = field(default_factory=list)
    """The first rejected rows, each with its reason."""

    def reject(self, row: str, reason: str) -> None:
        """Counts a rejected row."""
        self.rejected += 1
        kind = _kind_of_reason(reason)
        self.reasons[kind] = self.reasons.get(kind, 0) + 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append((row, reason))


class Journal:
    """The folder of one output. Use it in a ``with`` statement: it is locked meanwhile."""

    def __init__(self, output: Path, identity: Mapping[str, Any]) -> None:
        """Takes the output, and everything that its rows depend on."""
        self.folder = output.with_name(f"{output.name}.part")
        self.part = self.folder / "rows"
        self.done = Done()
        self._identity = dict(identity)
        self._committed = True
        """Whether there are rows that a later run could go on from."""
        self._record = self.folder / "journal.json"
        self._lock: BinaryIO | None = None
        self._file: BinaryIO | None = None

    def __enter__(self) -> Journal:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("wb")
        if not try_lock(self._lock):
            self._lock.close()
            raise ConfigError(
                f"another process is writing {self.folder}; wait for it, or choose another output"
            )
        return self

    def __exit__(self, *_: object) -> None:
        for file in (self._file, self._lock):
            if file:
                file.close()
        if not self._committed:
            self.remove()

    def open(self, header: bytes) -> int:
        """Opens the file of the rows at the last commit, and returns how many chunks it has.

        Raises:
            ConfigError: The rows are those of another input, servable or choice of settings.
        """
        if self._record.exists() and self.part.exists():
            self.done = self._read()
            self._file = self.part.open("r+b")
            self._file.truncate(self.done.size)
            self._file.seek(self.done.size)
        else:
            self._committed = False
            self._file = self.part.open("wb")
            self._file.write(header)
            self.done = Done(size=len(header))
            self.commit()
        return self.done.chunks

    def add(self, content: bytes, rows: int) -> None:
        """Appends the rows of a chunk; they count after the next commit."""
        if self._file:
            self._file.write(content)
        self.done.chunks += 1
        self.done.rows += rows
        self.done.size += len(content)

    def commit(self) -> None:
        """Makes sure that everything so far survives a stop."""
        if self._file:
            self._file.flush()
            os.fsync(self._file.fileno())
        write_json(
            self._record, {"format": FORMAT, "identity": self._identity, "done": asdict(self.done)}
        )
        self._committed = self._committed or self.done.rows > 0

    def close(self) -> Path:
        """Commits, and returns the closed file with all rows."""
        self.commit()
        if self._file:
            self._file.close()
            self._file = None
        return self.part

    def remove(self) -> None:
        """Removes the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _read(self) -> Done:
        remedy = f"remove {self.folder} to begin again, or choose another output"
        try:
            record = json.loads(self._record.read_text("utf-8"))
            identity, done = record["identity"], Done(**record["done"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{self._record} cannot be read ({error}); {remedy}") from None
        changed = [
            name
            for name in dict.fromkeys([*self._identity, *identity])
            if identity.get(name) != self._identity.get(name)
        ]
        if changed or record.get("format") != FORMAT:
            raise ConfigError(
                f"{self.folder} has {done.rows:,} rows of an unfinished run, but since then this"
                f" changed: {', '.join(changed) or 'the format'}; {remedy}"
            )
        done.examples = [(str(row), str(reason)) for row, reason in done.examples]
        return done


def _kind_of_reason(reason: str) -> str:
    """Returns a reason without what differs from row to row."""
    return reason.partition(" (")[0].partition(": ")[0][:100]
