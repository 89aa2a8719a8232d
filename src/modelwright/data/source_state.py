"""The state of the files that a source is read from: which there are, their sizes and times.

It reads no file. Two equal states stand for the same content, unless a file was changed in the
instant in which its state was taken; ``kept_data.py`` sees to that.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from modelwright.core.config import DataConfig
from modelwright.data.dispatch import READERS
from modelwright.data.named.cache import cached_file
from modelwright.data.named.definitions import NAMED_SETS
from modelwright.data.readers.tables import is_table, table_name

_MOST_FILES = 1_000_000
_Entry = tuple[str, os.stat_result]


@dataclass(frozen=True)
class SourceState:
    """The state of files.

    Attributes:
        digest: sha256 over their names, sizes and times.
        newest: when the last of them was changed, in nanoseconds since 1970.
    """

    digest: str
    newest: int


def source_state(config: DataConfig, images: Iterable[Path] = ()) -> SourceState | None:
    """Returns the state of all files that a source is read from.

    Args:
        config: the source.
        images: image files that its tables name.

    Returns:
        The state, or None if it cannot be told: a file is missing, another package reads it, or
        there are too many.
    """
    digest, newest = hashlib.sha256(), 0
    try:
        places = [*_places(config), *images]
        for count, (name, stat) in enumerate(_entries(places)):
            if count >= _MOST_FILES:
                return None
            changed = max(stat.st_mtime_ns, stat.st_ctime_ns)
            digest.update(
                f"{name}\0{stat.st_ino} {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}\n"
                .encode("utf-8", "surrogateescape")
            )  # fmt: skip
            newest = max(newest, changed)
    except (OSError, ValueError, LookupError):
        return None
    return SourceState(digest.hexdigest(), newest)


def _places(config: DataConfig) -> Iterator[Path]:
    """Yields the files and folders that a config names.

    Raises:
        LookupError: another package reads one of them, and may read other files too.
    """
    for source in (*_listed(config.source), *_listed(config.unlabelled)):
        if source in NAMED_SETS:
            folder = config.folder or os.environ.get("MODELWRIGHT_DATA")
            if folder:
                yield Path(folder).expanduser()
            elif (cached := cached_file(NAMED_SETS[source])).exists():
                yield cached
            continue
        path = Path(source).expanduser()
        name = table_name(path) if is_table(path) else path.name
        if not path.is_dir() and Path(name).suffix.lower() not in READERS:
            raise LookupError(source)
        yield path
    for place in (*_listed(config.drop), *_listed(config.image_root)):
        yield Path(place).expanduser()


def _listed(value: str | list[str]) -> list[str]:
    return [one for one in ([value] if isinstance(value, str) else value) if one.strip()]


def _entries(places: Iterable[Path]) -> Iterator[_Entry]:
    """Yields the files and folders in places, with links followed and no folder twice."""
    folders: set[tuple[int, int]] = set()
    waiting = [os.path.abspath(place) for place in places]  # noqa: PTH100 - resolves no links
    while waiting:
        name = waiting.pop()
        stat = os.stat(name)  # noqa: PTH116
        yield name, stat
        identity = stat.st_dev, stat.st_ino
        if not os.path.isdir(name) or identity in folders:  # noqa: PTH112
            continue
        folders.add(identity)
        with os.scandir(name) as found:
            entries = sorted(found, key=lambda entry: entry.name)
        for entry in entries:
            try:
                if entry.is_dir():
                    waiting.append(entry.path)
                else:
                    yield entry.path, entry.stat()
            except FileNotFoundError:  # a link that leads nowhere
                yield entry.path, entry.stat(follow_symlinks=False)
