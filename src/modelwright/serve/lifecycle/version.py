"""One version of a model with its state, and the immutable map of a model's live versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.runner import Runner
from modelwright.serve.lifecycle.servable import Servable

START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"

Fingerprint = tuple[tuple[str, int, int], ...]
"""Path, size and modification time of every file in a version's folder."""


@dataclass
class Version:
    """One version of a model, from the first sight of its folder until it is unloaded."""

    number: int
    folder: Path
    state: str = START
    code: str = "OK"
    problem: str = ""
    servable: Servable | None = None
    runner: Runner | None = None
    requests: int = 0
    """Requests in progress; the version is unloaded when there are none."""
    fingerprint: Fingerprint = ()
    tried: float = 0.0
    """Time of the last attempt to load it, on ``time.monotonic()``'s clock."""
    replacement: Version | None = None
    """The version that will take its place, if its folder now has other files."""

    def __enter__(self) -> Runner:
        """Returns its runner, which stays loaded until the block ends."""
        if self.runner is None:
            raise Refused("UNAVAILABLE", f"version {self.number} is not loaded.")
        self.requests += 1
        return self.runner

    def __exit__(self, *_: object) -> None:
        self.requests -= 1


@dataclass(frozen=True)
class ServedModel:
    """The available versions of one model, the newest of them, and its labels."""

    name: str
    available: Mapping[int, Version] = field(default_factory=dict)
    newest: Version | None = None
    labels: Mapping[str, int] = field(default_factory=dict)


def folder_fingerprint(folder: Path) -> Fingerprint:
    """Returns the names, sizes and modification times of all files in a folder."""
    files = []
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        files.append((str(path.relative_to(folder)), status.st_size, status.st_mtime_ns))
    return tuple(files)
