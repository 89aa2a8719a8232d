"""Links in the models folder: where they may lead, and which folder they lead to now.

Links are followed at each look, because tools such as git-sync and Kubernetes publish new files by
swapping a link. What is behind a link must lie in the models folder, or in a folder that the
server's settings name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from modelwright.core.errors import ServableError


def is_inside(roots: Sequence[Path], path: Path) -> bool:
    """Whether a path, its links followed, is one of the folders ``roots`` or lies in one."""
    real = _real(path)
    return any(real.is_relative_to(_real(root)) for root in roots)


def check_inside(root: Path, folder: Path, links: Sequence[Path] = ()) -> None:
    """Checks that a version's folder and every file in it lie in ``root``, links followed.

    Args:
        root: the models folder.
        folder: the version's folder.
        links: further folders that links may lead to.

    Raises:
        ServableError: one of them lies outside.
    """
    roots = (root, *links)
    for path in (folder, *_walk(folder)):
        if path.is_symlink() and not is_inside(roots, path):
            raise ServableError(f"{path} is a link that leads out of {root}; see --allow-links-to.")
    if not is_inside(roots, folder):
        raise ServableError(f"{folder} leads out of {root}; see --allow-links-to.")


def real_folder(folder: Path) -> Path:
    """Returns the folder that a path leads to now, which a later swap of a link does not change.

    Some links have no path behind them that can be opened, such as those in ``/proc``. The path
    itself is then the answer.
    """
    real = _real(folder)
    try:
        return real if real.samefile(folder) else folder
    except OSError:
        return folder


def _walk(folder: Path) -> Iterator[Path]:
    """Yields everything below a folder, also behind links to folders; loops end.

    A link is yielded before anything behind it.
    """
    seen: set[str] = set()
    for name, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(name)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        yield from (Path(name, one) for one in (*folders, *files))


def _real(path: Path) -> Path:
    # Unlike Path.resolve, this does not fail for links in a circle.
    return Path(os.path.realpath(path))
