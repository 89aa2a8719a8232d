"""One version of a model with its state, and the immutable map of a model's live versions."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from modelwright.servable.litter import is_litter
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.runner import Runner
from modelwright.serve.lifecycle.servable import Servable

START, LOADING, AVAILABLE, UNLOADING, END = "START", "LOADING", "AVAILABLE", "UNLOADING", "END"

Fingerprint = tuple[tuple[str, int, int, int], ...]
"""Path, size, and times of modification and change of every file in a version's folder."""


@dataclass
class Version:
    """One version of a model, from the first sight of its folder until it is unloaded."""

    number: int
    folder: Path
    loaded_folder: Path | None = None
    """The folder that it was loaded from, links followed."""
    state: str = START
    code: str = "OK"
    problem: str = ""
    servable: Servable | None = None
    runner: Runner | None = None
    requests: int = 0
    """Requests in progress; the version is unloaded when there are none."""
    fingerprint: Fingerprint = ()
    """Of its folder at the last look."""
    tried_fingerprint: Fingerprint | None = None
    """Of its folder at the last attempt to load it."""
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
    """Returns what changes when the files of a version do, links followed.

    Copies keep the time of a modification, and no copy keeps that of a change. So two folders that
    a link led to one after the other differ, even where their files have equal names and sizes.
    Litter and files that vanish meanwhile are left out.
    """
    found: list[tuple[str, int, int, int]] = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if is_litter(name):
            continue
        with suppress(OSError):
            status = path.stat()
            if path.is_dir():
                # Its times also change with the litter in it.
                found.append((name, 0, 0, 0))
            else:
                found.append((name, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return tuple(found)


def fingerprint_digest(fingerprint: Fingerprint) -> str:
    """Returns a checksum of a fingerprint, to compare it in another process."""
    return sha256(repr(fingerprint).encode("utf-8", "surrogateescape")).hexdigest()
