"""Finds the images of a folder. What is no image is counted, never asked about."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from modelwright.core.errors import DataError
from modelwright.data.image_files import IMAGE_EXTENSIONS
from modelwright.data.readers.folder_walk import is_hidden
from modelwright.scoring.chunks import FAULT, no_faults


@dataclass
class FoundImages:
    """The images below a folder, and how many other files are there, by kind."""

    paths: list[Path] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def notes(self, folder: Path | str) -> list[str]:
        """Returns a line for each kind of file that was skipped."""
        return [f"{folder}: skipped {kind}: {count:,}" for kind, count in self.skipped.items()]


def find_images(folder: Path) -> FoundImages:
    """Returns the images in a folder and in the folders below it, sorted. Links are followed."""
    found = FoundImages()
    for parent, folders, files in os.walk(folder, followlinks=True):
        hidden = [name for name in folders if is_hidden(name)]
        folders[:] = [name for name in set(folders) - set(hidden) if not _is_loop(parent, name)]
        if hidden:
            found.skipped["hidden folders"] += len(hidden)
        for name in files:
            if is_hidden(name):
                found.skipped["hidden files, such as ._x and .DS_Store"] += 1
            elif Path(name).suffix.lower() in IMAGE_EXTENSIONS:
                found.paths.append(Path(parent, name))
            else:
                found.skipped["files that are not images"] += 1
    found.paths.sort()
    return found


def _is_loop(parent: str, name: str) -> bool:
    """Returns whether a folder is a link to a folder that it is in."""
    real = Path(os.path.realpath(Path(parent, name)))
    return Path(os.path.realpath(parent)).is_relative_to(real)


class FolderSource:
    """The images of a folder as rows with one column, ``path``, relative to the folder."""

    first_row = 1
    names = ("path",)
    schema = pa.schema([("0", pa.string())])

    def __init__(self, folder: Path) -> None:
        """Finds the images.

        Raises:
            DataError: There are none.
        """
        self._folder = folder
        self._found = find_images(folder)
        self.notes = self._found.notes(folder)
        if not self._found.paths:
            raise DataError(
                f"the folder {folder} has no images; expected files that end in one of"
                f" {', '.join(sorted(IMAGE_EXTENSIONS))}"
            )

    def listing(self) -> Iterator[str]:
        """Yields a line for each image that changes if the image does."""
        for path in self._found.paths:
            try:
                status = path.stat()
                known = f"{status.st_size}\0{status.st_mtime_ns}"
            except OSError as error:  # a link to nothing
                known = str(error.errno)
            yield f"{path.relative_to(self._folder)}\0{known}\n"

    def tables(self, rows: int) -> Iterator[tuple[Any, float]]:
        """Yields tables of ``rows`` rows, and the part of the images that is in them."""
        paths = self._found.paths
        for start in range(0, len(paths), rows):
            part = [
                path.relative_to(self._folder).as_posix() for path in paths[start : start + rows]
            ]
            shown = [name.encode("utf-8", "replace").decode() for name in part]
            table = pa.table([pa.array(shown, pa.string()), no_faults(len(part))], ["0", FAULT])
            yield table, (start + len(part)) / len(paths)

    def files(self, start: int, count: int) -> list[bytes]:
        """Returns the paths of some images as the file system knows them."""
        return [os.fsencode(path) for path in self._found.paths[start : start + count]]
