"""Finds a named set in a folder, the cache, or on the network; checks it; caches it.

A set is searched in this order, and every row is checked before it is used or cached:

1. the folder that the user names (``data.folder`` or ``MODELWRIGHT_DATA``), in the layouts that
   the set's authors publish, unpacked or not;
2. the local cache (``MODELWRIGHT_CACHE``, or the system's folder for caches);
3. its publisher;
4. a released package, by an ordinary package client in a child process.

A source on the network that fails is skipped. A source with the wrong rows ends the search,
because something is wrong there. Rows are neither cleaned nor split here.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Block, Note, Table
from modelwright.core.downloads import (
    CommandRunner,
    Opener,
    download,
    fetch_package,
    open_url,
    run_command,
)
from modelwright.core.errors import DataError, ModelwrightError
from modelwright.core.nearest import nearest
from modelwright.core.report import Report
from modelwright.core.types import Progress
from modelwright.data.named.archives import FolderFiles, read_archive
from modelwright.data.named.cache import cached_file, write_cache
from modelwright.data.named.content import Content, fingerprint_part
from modelwright.data.named.definitions import NAMED_SETS, SET_NAMES, NamedSet
from modelwright.data.named.layouts import read_layout


@dataclass(frozen=True)
class FetchReport(Report):
    """Where a set was found and what it holds.

    Attributes:
        name: Name of the set.
        path: The cached file, or the folder that the user named.
        origin: ``folder``, ``cache``, ``publisher`` or ``package NAME VERSION``.
        rows: Number of rows of each split; ``all`` is for a set whose authors did not split it.
        fingerprints: Checksum of each split, as ``content.py`` defines it.
        notes: What differs from the published set, and what could not be checked.
    """

    name: str
    path: Path
    origin: str
    rows: dict[str, int]
    fingerprints: dict[str, str]
    notes: tuple[str, ...] = ()

    def blocks(self) -> Sequence[Block]:
        """The origin, the splits and the notes."""
        rows = [(part, count, self.fingerprints[part]) for part, count in self.rows.items()]
        blocks: list[Block] = [
            Note(f"{self.name}, from {self.origin}: {self.path}"),
            Table(("split", "rows", "sha256"), rows),
        ]
        return [*blocks, Note("\n".join(self.notes))] if self.notes else blocks

    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON can hold them."""
        return {
            "name": self.name,
            "path": str(self.path),
            "origin": self.origin,
            "rows": self.rows,
            "fingerprints": self.fingerprints,
            "notes": list(self.notes),
        }


def fetch(
    name: str, *, folder: Path | None = None, progress: Progress | None = None
) -> FetchReport:
    """Finds a named set, downloads it if necessary, and checks it.

    Example:
        ``print(fetch("mnist").render())``

    Raises:
        DataError: The name is unknown, the set was not found, or its checksum is wrong.
    """
    return obtain_set(name, folder=folder, progress=progress)[0]


def obtain_set(
    name: str,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    opener: Opener = open_url,
    run: CommandRunner = run_command,
) -> tuple[FetchReport, Content]:
    """Returns a set with its report. ``opener`` and ``run`` are what reaches the network.

    Raises:
        DataError: The name is unknown, the set was not found, or its checksum is wrong.
    """
    definition = NAMED_SETS.get(name)
    if definition is None:
        raise DataError(
            f"'{name}' is not a named set.{nearest(name, SET_NAMES)} Named sets: "
            f"{', '.join(SET_NAMES)}."
        )
    variable = os.environ.get("MODELWRIGHT_DATA")
    searched = folder or (Path(variable) if variable else None)
    if searched is not None and (content := _read_folder(definition, searched)) is not None:
        return _check_content(definition, content, searched, "folder"), content
    cached = cached_file(definition)
    if cached.is_file():
        content = _read_cache(definition, cached)
        return _check_content(definition, content, cached, "cache"), content
    tried = [
        "folder: none was named"
        if searched is None
        else f"folder {searched}: no known layout in it",
        f"cache: no {cached}",
    ]
    for origin, get in _network_sources(definition, progress, opener, run):
        try:
            content = get()
        except ModelwrightError as error:
            tried.append(f"{origin}: {error}")
            continue
        report = _check_content(definition, content, cached, origin)
        _cache_content(definition, content, cached)
        return report, content
    raise DataError(
        f"{name} was found nowhere. Tried {'; '.join(one.rstrip('.') for one in tried)}. "
        "Put its files into a folder and name it: data.folder=FOLDER or MODELWRIGHT_DATA=FOLDER."
    )


def _read_folder(definition: NamedSet, folder: Path) -> Content | None:
    if not folder.is_dir():
        raise DataError(
            f"the folder {folder} was named for {definition.name} and is not there; expected one "
            "with its files."
        )
    published = definition.published
    archive = published.url.rpartition("/")[2] if published else ""
    for candidate in (folder, folder / definition.name):
        try:
            content = read_layout(FolderFiles(candidate), definition.layouts)
            if content is None and published and (candidate / archive).is_file():
                content = _unpack(definition, candidate / archive, published.members)
        except DataError as error:
            raise DataError(
                f"the files of {definition.name} in {candidate} cannot be read ({error}); expected "
                "one of the layouts that its authors publish."
            ) from error
        if content is not None:
            return content
    return None


def _read_cache(definition: NamedSet, cached: Path) -> Content:
    try:
        content = read_layout(FolderFiles(cached.parent), definition.layouts[:1])
    except DataError as error:
        raise DataError(f"{cached} cannot be read ({error}); remove it and try again.") from error
    if content is None:
        raise DataError(f"{cached} has no rows; remove it and try again.")
    return content


def _cache_content(definition: NamedSet, content: Content, cached: Path) -> None:
    try:
        write_cache(definition, content)
    except OSError as error:
        raise DataError(
            f"{cached} cannot be written ({error}); set MODELWRIGHT_CACHE to a folder that can."
        ) from error


def _network_sources(
    definition: NamedSet, progress: Progress | None, opener: Opener, run: CommandRunner
) -> Iterator[tuple[str, Callable[[], Content]]]:
    """Yields the name of each source on the network, and a function that returns the set."""
    published, package = definition.published, definition.package

    def from_publisher() -> Content:
        if published is None:
            raise DataError("no archive is published.")
        with tempfile.TemporaryDirectory(prefix="modelwright-") as folder:
            path = download(published, Path(folder), opener=opener, progress=progress)
            return _unpack(definition, path, published.members)

    def from_package() -> Content:
        if package is None:
            raise DataError("no package has it.")
        with tempfile.TemporaryDirectory(prefix="modelwright-") as folder:
            path = fetch_package(package, Path(folder), run=run, progress=progress)
            return _unpack(definition, path, package.members)

    yield "publisher", from_publisher
    yield f"package {package.name} {package.version}" if package else "package", from_package


def _unpack(definition: NamedSet, path: Path, members: str) -> Content:
    """Returns the content of a fetched file: a .npz is a layout itself, others are archives."""
    pattern = re.compile(members)
    try:
        if path.suffix == ".npz":
            content = read_layout(FolderFiles(path.parent), definition.layouts)
        else:
            files = read_archive(path, lambda name: pattern.fullmatch(name) is not None)
            content = read_layout(files, definition.layouts)
    except DataError as error:
        raise DataError(f"{path.name} cannot be used: {error}") from error
    if content is None:
        raise DataError(
            f"{path.name} does not hold the files of {definition.name}; fetch it again."
        )
    return content


def _check_content(definition: NamedSet, content: Content, path: Path, origin: str) -> FetchReport:
    """Returns the report on a set, after checking that its rows are the known ones.

    Raises:
        DataError: A checksum is wrong, or a split is missing.
    """
    sums: dict[str, str] = {}
    notes: list[str] = []
    for part, rows in content.items():
        sums[part] = fingerprint_part(rows)
        actual, expected = sums[part], definition.sums.get(part, "no such split")
        name: str = part
        loose = definition.loose.get((part, len(rows)))
        if loose is not None:
            label, expected = loose
            actual, name = fingerprint_part(rows.with_label(label)), f"{part} ({label})"
            notes.append(
                f"{part}: of its {len(rows):,} rows those of '{label}' were checked; for the "
                f"others no checksum is known."
            )
        if actual != expected:
            raise DataError(
                f"{definition.name} {name} from {origin} ({path}) has {len(rows):,} rows with the "
                f"sha256 {actual}; expected {definition.rows.get(part, 0):,} with {expected}. "
                "Remove those files, or name another folder with data.folder."
            )
        published = definition.published_rows.get(part, 0)
        if len(rows) < published:
            notes.append(
                f"{part}: this copy has {len(rows):,} of the {published:,} published rows."
            )
    notes += _note_missing(definition, content, path, origin)
    counts = {str(part): len(rows) for part, rows in content.items()}
    return FetchReport(definition.name, path, origin, counts, sums, tuple(notes))


def _note_missing(definition: NamedSet, content: Content, path: Path, origin: str) -> Iterator[str]:
    """Yields a note for each optional split that is missing."""
    for part in sorted(definition.sums.keys() - content.keys()):
        if part not in definition.optional:
            raise DataError(f"{definition.name} from {origin} ({path}) lacks its {part} split.")
        yield (
            f"{part}: {origin} lacks it; name a folder that has it with data.folder, or remove "
            f"{path} to ask the publisher again."
        )
