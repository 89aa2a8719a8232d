"""Finds the files of a folder on the disk, and says what it passed over.

Links are followed, out of the folder too, since the user gave the folder. No file is read twice,
and a link to a folder around itself ends there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.core.types import Rejected
from modelwright.data.readers.folder_notes import joined

Parts = tuple[str, ...]
_SYSTEM = frozenset({"__macosx", "thumbs.db", "ehthumbs.db", "desktop.ini", "@eadir"})


@dataclass
class FoundFiles:
    """The files of a source by their folders, and what was passed over.

    Attributes:
        files: Path of each file below the root.
        rejected: Links that lead nowhere or to files that are read anyway.
        hidden: Files and folders of the system, and hidden ones.
        empty: Folders without any file.
        links: Links out of the folder, each with its target.
    """

    files: list[Parts] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    hidden: list[Parts] = field(default_factory=list)
    empty: list[Parts] = field(default_factory=list)
    links: list[tuple[Parts, Path]] = field(default_factory=list)

    def notes(self) -> list[str]:
        """Returns a note for each kind of thing that was passed over."""
        links = [f"{'/'.join(parts)} to {target}" for parts, target in self.links]
        hidden = ["/".join(parts) for parts in self.hidden]
        empty = [f"{'/'.join(parts)}/" for parts in self.empty]
        found = {
            "links out of the folder, which were followed": links,
            "hidden files or files of the system, which were not read": hidden,
            "empty folders, which are no classes": empty,
        }
        return [
            f"the source has {what} ({len(names):,}): {joined(names)}"
            for what, names in found.items()
            if names
        ]


def walk_folder(root: Path) -> FoundFiles:
    """Returns all files below a folder, sorted."""
    walk = _Walk(root.resolve())
    walk.folder(root, ())
    walk.follow()
    walk.found.files.sort()
    walk.found.hidden.sort()
    return walk.found


def is_hidden(name: str) -> bool:
    """Returns whether the system or a program made a file or folder for itself."""
    return name.startswith(".") or name.lower() in _SYSTEM


class _Walk:
    """One walk: first everything that lies in the folder, then the links, in order."""

    def __init__(self, root: Path) -> None:
        self.found = FoundFiles()
        self._root = root
        self._folders: set[Path] = set()
        self._files: set[Path] = set()
        self._waiting: list[tuple[Parts, Path]] = []

    def folder(self, folder: Path, below: Parts) -> None:
        """Collects the files of a folder and those below it, and remembers the links."""
        real = folder.resolve()
        self._folders.add(real)
        with os.scandir(folder) as scanned:
            entries = sorted(scanned, key=lambda entry: entry.name)
        for entry in entries:
            parts = (*below, entry.name)
            if is_hidden(entry.name):
                self.found.hidden.append(parts)
            elif entry.is_symlink():
                self._waiting.append((parts, Path(entry.path)))
            elif entry.is_dir():
                self.folder(Path(entry.path), parts)
            elif entry.is_file():
                self._files.add(real / entry.name)
                self.found.files.append(parts)
            else:
                self.found.rejected.append(Rejected("/".join(parts), "is not a file"))
        if not entries and below:
            self.found.empty.append(below)

    def follow(self) -> None:
        """Follows the links, and those that lie behind them."""
        while self._waiting:
            parts, link = self._waiting.pop(0)
            reason = self._follow_link(parts, link)
            if reason:
                self.found.rejected.append(Rejected("/".join(parts), reason))

    def _follow_link(self, parts: Parts, link: Path) -> str | None:
        """Follows one link, or returns why not."""
        try:
            target = link.resolve(strict=True)
        except (OSError, RuntimeError):
            return "is a link that leads nowhere, or in a circle"
        if target.is_dir():
            if self._root.is_relative_to(target):
                return f"is a link to {target}, which the folder itself lies in"
            if any(known.is_relative_to(target) for known in self._folders):
                return f"is a link to {target}, which is read already"
            if any(target.is_relative_to(known) for known in self._folders):
                return f"is a link into {target}, which is read already"
            self.folder(target, parts)
        elif not target.is_file():
            return "is a link to something that is not a file"
        elif target in self._files:
            return f"is a link to {target}, which is read already"
        else:
            self._files.add(target)
            self.found.files.append(parts)
        if not target.is_relative_to(self._root):
            self.found.links.append((parts, target))
        return None
