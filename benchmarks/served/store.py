"""The folder that a server watches in a soak, and what is done to it.

Each model is one of two servables of one task, which answer the same rows differently, under ever
new numbers: an answer that names a version can be checked against that version's.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from served.rows import ROWS, TOLERANCE, Row, answered, raw


class Store:
    """``root/NAME/NUMBER``, copies of the sources in turn."""

    def __init__(self, root: Path, sources: Mapping[str, Sequence[Path]]) -> None:
        """Put the first version of each model there.

        Raises:
            SystemExit: two servables answer too much alike.
        """
        self.root = root
        self._sources = sources
        self._next = dict.fromkeys(sources, 1)
        self.origin: dict[str, dict[int, int]] = {name: {} for name in sources}
        """Of each model the good versions that ever were there, by their source's place."""
        self.there: dict[str, set[int]] = {name: set() for name in sources}
        self.withdrawn: dict[str, set[int]] = {name: set() for name in sources}
        self._rows = {name: self._answers(folders) for name, folders in sources.items()}
        for name in sources:
            self.add(name)

    def rows(self, name: str, version: int) -> list[Row] | None:
        """The rows of a model with the answers of a version, None if it never was a good one."""
        place = self.origin[name].get(version)
        return None if place is None else self._rows[name][place]

    def live(self, name: str) -> int:
        """The version that should answer: the newest that is there and not withdrawn."""
        return max(self.there[name] - self.withdrawn[name])

    def add(self, name: str) -> int:
        """A new version, whole at once."""
        number, source = self._number(name)
        self._expect(name, number)
        shutil.copytree(source, hidden := self.root / name / f".copy-{number}")
        hidden.rename(self.root / name / str(number))
        return number

    def add_slowly(self, name: str, pause: float) -> int:
        """A new version, file by file where it is watched."""
        number, source = self._number(name)
        self._expect(name, number)
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            target = self.root / name / str(number) / file.relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            content = file.read_bytes()
            with target.open("wb") as out:
                out.write(content[: len(content) // 2])
                out.flush()
                time.sleep(pause)
                out.write(content[len(content) // 2 :])
        return number

    def add_half(self, name: str) -> int:
        """A new version whose copying stopped half-way: it must never answer."""
        number, source = self._number(name)
        target = self.root / name / str(number)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("variables", "*.onnx"))
        content = (source / "onnx" / "model.onnx").read_bytes()
        (target / "onnx" / "model.onnx").write_bytes(content[: len(content) // 2])
        return number

    def add_changed(self, name: str) -> int:
        """A new version with one byte changed in its network: it must never answer."""
        number, source = self._number(name)
        shutil.copytree(source, hidden := self.root / name / f".copy-{number}")
        path = hidden / "onnx" / "model.onnx"
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        hidden.rename(self.root / name / str(number))
        return number

    def roll_back(self, name: str) -> int:
        """As a user does; the version that should answer now."""
        before = self.live(name)
        command = [sys.executable, "-m", "modelwright", "rollback", str(self.root / name)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"the rollback failed: {done.stderr[-500:]}")
        self.withdrawn[name].add(before)
        return self.live(name)

    def delete(self, name: str, number: int) -> None:
        """Remove a version's folder, file by file."""
        shutil.rmtree(self.root / name / str(number))
        self.there[name].discard(number)

    def delete_all(self, name: str) -> None:
        """Remove all of them."""
        for number in sorted(self.there[name], key=lambda number: os.urandom(1)):
            self.delete(name, number)

    def _number(self, name: str) -> tuple[int, Path]:
        number = self._next[name]
        self._next[name] += 1
        sources = self._sources[name]
        return number, sources[number % len(sources)]

    def _expect(self, name: str, number: int) -> None:
        self.origin[name][number] = number % len(self._sources[name])
        self.there[name].add(number)

    def _answers(self, folders: Sequence[Path]) -> list[list[Row]]:
        """The rows that the two answer most differently."""
        inputs = raw(folders[0])
        made = [answered(folder, inputs) for folder in folders]
        apart = [_apart(*pair) for pair in zip(*made, strict=True)]
        chosen = sorted(range(len(inputs)), key=lambda place: -apart[place])[: ROWS // 2]
        if apart[chosen[-1]] < 10 * TOLERANCE:
            raise SystemExit(f"{' and '.join(map(str, folders))} cannot be told apart.")
        return [[rows[place] for place in chosen] for rows in made]


def _apart(one: Row, other: Row) -> float:
    return max(abs(a - b) for a, b in zip(one.probabilities, other.probabilities, strict=True))
