"""The data of trials on other machines: read where it is the same there, otherwise sent once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelwright.core.config import DataConfig
from modelwright.core.files import sha256_file, write_bytes
from modelwright.trials.ray_files import Stamps, data_paths, stamp_files


@dataclass(frozen=True)
class SentSource:
    """A file or folder of the data as the workers get it.

    Attributes:
        written: Its path as the config has it.
        place: Its absolute path where the search runs.
        stamps: The size and the time of change of each file; a file alone has an empty path.
        checksum: The sha256 of all files with their paths.
        content: A reference to the object with the bytes of each file, in a list, so that Ray
            fetches it only where it is asked for; empty until a machine lacks the data.
    """

    written: str
    place: Path
    stamps: Stamps
    checksum: str
    content: Sequence[Any]

    def is_at(self, place: Path) -> bool:
        """Returns whether the same data is at a path of this machine."""
        if not place.exists():
            return False
        stamps = _stamps(place)
        if stamps == self.stamps:
            return True
        sizes = [{name: size for name, (size, _) in one.items()} for one in (stamps, self.stamps)]
        return sizes[0] == sizes[1] and _checksum(place, stamps) == self.checksum

    def unpack(self, ray: Any, folder: Path) -> Path:
        """Writes the data below a folder, unless it is there, and returns its path."""
        place = folder / self.checksum[:16] / self.place.name
        if not self.is_at(place):
            for name, content in ray.get(self.content[0]).items():
                write_bytes(place / name if name else place, content)
        return place


class SentData:
    """The data of all trials of a runner. Each source is put into the object store once at most."""

    def __init__(self, ray: Any) -> None:
        """Takes the module ``ray``."""
        self._ray = ray
        self._known: dict[tuple[Path, str], SentSource] = {}

    def sources(self, config: DataConfig, lacking: Sequence[str] = ()) -> tuple[SentSource, ...]:
        """Returns the sources of a config that are paths. Named sets are found on each machine.

        Args:
            config: The settings of the data.
            lacking: The paths of sources that a machine lacks, as they are written.
        """
        written = [path for path in data_paths(config) if Path(path).expanduser().exists()]
        return tuple(self._find(path, content=path in lacking) for path in written)

    def _find(self, written: str, *, content: bool) -> SentSource:
        place = Path(written).expanduser().absolute()
        stamps = _stamps(place)
        key = (place, repr(sorted(stamps.items())))
        known = self._known.get(key)
        if known is None:
            known = SentSource(written, place, stamps, _checksum(place, stamps), ())
        if content and not known.content:
            files = {name: (place / name).read_bytes() for name in stamps}
            known = replace(known, content=(self._ray.put(files),))
        self._known[key] = known
        return replace(known, written=written)


class LackingDataError(Exception):
    """This machine lacks sources that were not sent yet."""

    def __init__(self, written: Sequence[str]) -> None:
        """Takes their paths, as the config has them."""
        super().__init__(", ".join(written))
        self.written = tuple(written)


def find_data(
    ray: Any, sources: Sequence[SentSource], folder: Callable[[], Path], *, same_folder: bool
) -> Mapping[str, str]:
    """Returns where this machine has the data, by the paths in the config that must change.

    Args:
        ray: The module ``ray``.
        sources: The data.
        folder: Returns where data is written that this machine does not have.
        same_folder: Whether relative paths mean the same as where the search runs.

    Raises:
        LackingDataError: Data is not here and was not sent.
    """
    here = {source.written for source in sources if source.is_at(source.place)}
    if lacking := [one.written for one in sources if one.written not in here and not one.content]:
        raise LackingDataError(lacking)
    places = {}
    for source in sources:
        if source.written not in here:
            places[source.written] = str(source.unpack(ray, folder()))
        elif not same_folder and not Path(source.written).expanduser().is_absolute():
            places[source.written] = str(source.place)
    return places


def _stamps(place: Path) -> Stamps:
    if place.is_dir():
        return stamp_files(place)
    status = place.stat()
    return {"": (status.st_size, status.st_mtime_ns)}


def _checksum(place: Path, stamps: Stamps) -> str:
    digest = hashlib.sha256()
    for name in sorted(stamps):
        digest.update(f"{name}\0{sha256_file(place / name)}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
