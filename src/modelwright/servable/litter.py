"""Litter: files that computers leave in a folder by themselves, and that no engine reads.

File managers, editors, archives and Kubernetes put such files next to those of a version. They are
no part of a servable: they are neither listed in its manifest nor a reason to refuse it.
"""

from __future__ import annotations

from pathlib import PurePosixPath

_NAMES = frozenset({"thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir", "lost+found"})
_ENDS = ("~", ".swp", ".swo", ".swx", ".bak", ".tmp", ".orig")


def is_litter(name: str) -> bool:
    """Returns whether a file is litter: hidden, or named as such files are.

    Args:
        name: its path in the version's folder, with forward slashes.

    >>> [is_litter(name) for name in (".DS_Store", "assets/Thumbs.db", "..data/x", "stray")]
    [True, True, True, False]
    """
    return any(_is_litter(part) for part in PurePosixPath(name).parts)


def _is_litter(part: str) -> bool:
    lower = part.lower()
    framed = len(lower) > 1 and lower.startswith("#") and lower.endswith("#")
    return lower.startswith(".") or lower in _NAMES or lower.endswith(_ENDS) or framed
