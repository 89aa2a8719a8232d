"""Decides which folders are classes, which are splits, and which only lie around the others.

    [OUTER/][SPLIT/][OUTER/]CLASS/any/depth/file
    [OUTER/]CLASS/SPLIT/file

It sees paths alone. Whatever could be meant in two ways is an error that names both, or a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelwright.core.errors import DataError
from modelwright.core.nearest import nearest
from modelwright.core.types import Rejected, SplitName
from modelwright.data.readers.folder_notes import (
    class_note,
    flat_splits_error,
    inside_note,
    joined,
    mixed_splits_error,
    odd_folders_error,
    outer_note,
    shown_path,
    skip_note,
    splits_note,
    unlabeled_note,
)
from modelwright.data.readers.named_folders import NamedFolders, Parts
from modelwright.data.split_names import is_split_name, read_split_names

_NO_CLASS = frozenset({
    "image", "images", "img", "imgs", "all", "data", "unknown", "unlabeled", "unlabelled", "none",
    "未知", "图片", "图像", "未标注",
})  # fmt: skip
"""Folders that hold images without labels, in lower case."""


@dataclass(frozen=True)
class Layout:
    """The files that are rows, their classes and splits, and what was decided.

    ``splits`` is None where no folder is a split. ``above`` has the folders that hold the classes.
    """

    rows: list[Parts]
    labels: list[str]
    splits: list[SplitName | None] | None
    rejected: list[Rejected]
    notes: list[str]
    above: tuple[Parts, ...] = ()


def leave_out(
    files: Sequence[Parts], skip: Iterable[Parts], source: str
) -> tuple[list[Parts], list[str]]:
    """Returns the files outside of the folders ``skip``, and a note for each of these.

    Raises:
        DataError: A folder of ``skip`` is not there.
    """
    kept, notes = list(files), []
    for path in skip:
        whole = _resolve(path, kept, _outer(kept), source, "data.skip")
        left = [parts for parts in kept if not _below(parts, whole)]
        notes.append(skip_note(whole, len(kept) - len(left)))
        kept = left
    return kept, notes


def find_layout(files: Sequence[Parts], named: NamedFolders, source: str) -> Layout:
    """Returns the rows of a folder.

    Args:
        files: The files that may be rows: the images, or the texts.
        named: The folders of splits that the user names. ``skip`` is not read.
        source: Name of the source, for messages.

    Raises:
        DataError: Some folders are splits and others are not, or a named folder is not there.
    """
    outer = _outer(files)
    prefixes: dict[Parts, SplitName | None] = {}
    for path, split in named.splits.items():
        prefixes[_resolve(path, files, outer, source, f"data.{split}_folder")] = split
    given = tuple(prefixes)
    notes = [outer_note(outer)] if outer else []
    unlabeled: list[Parts] = []
    if outer not in prefixes:
        found, unlabeled, more = _read_level(files, outer, prefixes, source)
        prefixes |= found
        notes += more
    below = _splits_below_classes(files, outer, source) if prefixes == {outer: None} else {}
    if not below:
        prefixes = _unwrap(files, prefixes)
        for path in _unlabeled_inside(files, prefixes):
            del prefixes[path]
            unlabeled.append(path)
            notes.append(unlabeled_note(path, sum(_below(parts, path) for parts in files)))
        # Where the user names the folders, nothing was guessed.
        guessed = [path for path in prefixes if not any(path[: len(p)] == p for p in given)]
        notes += _folders_inside(files, guessed)
    else:
        notes.append(splits_note({(split,): name for split, name in below.items()}, "CLASS/"))
    if named_splits := {path: split for path, split in prefixes.items() if split}:
        notes.append(splits_note(named_splits))
    return _assign(files, prefixes, below, unlabeled, notes)


def _read_level(
    files: Sequence[Parts],
    outer: Parts,
    given: Mapping[Parts, SplitName | None],
    source: str,
) -> tuple[dict[Parts, SplitName | None], list[Parts], list[str]]:
    """Returns the folders below ``outer`` that are splits, those without labels, and notes.

    Where none is a split, ``outer`` itself holds the classes.
    """
    depth = len(outer)
    rest = [parts for parts in files if not any(_below(parts, path) for path in given)]
    groups = _folders(rest, depth)
    names = read_split_names(groups)
    deep = [name for name in names if any(len(parts) > depth + 2 for parts in groups[name])]
    flat = [name for name in names if name not in deep]
    others = [name for name in groups if name not in names]
    if not deep and not given:
        if flat and not others:
            raise flat_splits_error(source, outer, flat)
        return {outer: None}, [], [class_note(name) for name in flat]
    splits: dict[Parts, SplitName | None] = {(*outer, name): names[name] for name in deep}
    if others:
        raise odd_folders_error(source, {**given, **splits}, [(*outer, name) for name in others])
    counts = {(*outer, name): len(groups[name]) for name in flat}
    notes = [unlabeled_note(path, count) for path, count in counts.items()]
    return splits, list(counts), notes


def _splits_below_classes(
    files: Sequence[Parts], outer: Parts, source: str
) -> dict[str, SplitName]:
    """Returns the folders of splits that lie in the folders of classes."""
    depth = len(outer) + 1
    inside = [parts for parts in files if len(parts) > depth]
    folders = _folders(inside, depth)
    names = read_split_names(folders)
    if "train" not in names.values() or len(set(names.values())) < 2:
        return {}
    stray = next((p for p in inside if len(p) == depth + 1 or p[depth] not in names), None)
    if stray is not None:
        raise mixed_splits_error(source, outer, sorted(names), stray)
    return names


def _assign(
    files: Sequence[Parts],
    prefixes: Mapping[Parts, SplitName | None],
    below: Mapping[str, SplitName],
    unlabeled: Sequence[Parts],
    notes: list[str],
) -> Layout:
    """Gives each file the split and the class of the folders that it lies in."""
    rows: list[Parts] = []
    labels: list[str] = []
    splits: list[SplitName | None] = []
    rejected: list[Rejected] = []
    for parts in files:
        if any(_below(parts, path) for path in unlabeled):
            continue
        around = [path for path in prefixes if _below(parts, path)]
        prefix = max(around, key=len, default=parts)
        if len(parts) <= len(prefix) + 1:
            rejected.append(Rejected("/".join(parts), "lies in no folder of a class"))
            continue
        rows.append(parts)
        labels.append(parts[len(prefix)])
        splits.append(below[parts[len(prefix) + 1]] if below else prefixes[prefix])
    return Layout(rows, labels, splits if any(splits) else None, rejected, notes, tuple(prefixes))


def _outer(files: Sequence[Parts]) -> Parts:
    """Returns the folders around all others: each lies alone and is neither a class nor a split.

    A folder that also holds files itself, or is named after a split, is one only if the folders
    of splits lie in it.
    """
    outer: Parts = ()
    path: Parts = ()
    certain = True
    while len(folders := _folders(files, len(path))) == 1:
        ((name, inside),) = folders.items()
        path = (*path, name)
        below = _folders(inside, len(path))
        if read_split_names(below):
            return path
        direct = any(len(parts) == len(path) + 1 for parts in inside)
        certain = certain and bool(below) and not direct and not is_split_name(name)
        outer = path if certain else outer
    return outer


def _unwrap(
    files: Sequence[Parts], prefixes: Mapping[Parts, SplitName | None]
) -> dict[Parts, SplitName | None]:
    """Returns the prefixes with a folder that lies alone in a split, around the classes.

    It is a class where another split has several classes and it is one of them.
    """
    classes = {
        path: set(_folders([p for p in files if _below(p, path)], len(path))) for path in prefixes
    }
    several = {name for names in classes.values() if len(names) > 1 for name in names}
    found: dict[Parts, SplitName | None] = {}
    for path, split in prefixes.items():
        inside = [parts for parts in files if _below(parts, path)]
        alone = next(iter(classes[path])) if len(classes[path]) == 1 else None
        direct = any(len(parts) == len(path) + 2 for parts in inside)
        wrapped = (
            split
            and alone is not None
            and alone not in several
            and not direct
            and len(_folders(inside, len(path) + 1)) > 1
        )
        found[(*path, str(alone)) if wrapped else path] = split
    return found


def _unlabeled_inside(
    files: Sequence[Parts], prefixes: Mapping[Parts, SplitName | None]
) -> list[Parts]:
    """Returns the splits whose one folder is no class: ``test/images/``, ``test/unknown/``."""
    classes = {
        path: set(_folders([p for p in files if _below(p, path)], len(path))) for path in prefixes
    }
    trained = {
        name for path, names in classes.items() if prefixes[path] == "train" for name in names
    }
    return [
        path
        for path, names in classes.items()
        if prefixes[path] in ("val", "test")
        and len(names) == 1
        and not names & trained
        and all(name.lower() in _NO_CLASS or is_split_name(name) for name in names)
    ]


def _folders_inside(files: Sequence[Parts], prefixes: Iterable[Parts]) -> list[str]:
    """Returns notes about classes that hold several folders each, and no files."""
    notes = []
    for path in prefixes:
        depth = len(path)
        found = _folders([parts for parts in files if _below(parts, path)], depth)
        inside = {name: set(_folders(below, depth + 1)) for name, below in found.items()}
        direct = any(len(parts) == depth + 2 for below in found.values() for parts in below)
        if len(found) > 1 and not direct and any(len(names) > 1 for names in inside.values()):
            notes.append(inside_note({(*path, name): names for name, names in inside.items()}))
    return notes


def _resolve(path: Parts, files: Sequence[Parts], outer: Parts, source: str, key: str) -> Parts:
    """Returns a folder that the user named, from the root or from below the outer folders.

    Raises:
        DataError: There is no such folder.
    """
    for whole in ((*outer, *path), path):
        if any(_below(parts, whole) for parts in files):
            return whole
    names = sorted(_folders(files, len(outer)))
    raise DataError(
        f"{source} has no folder '{shown_path(path)}' with such files, given as {key}."
        f"{nearest(path[-1] if path else '.', names)} Folders here: {joined(names)}"
    )


def _folders(files: Iterable[Parts], depth: int) -> dict[str, list[Parts]]:
    """Returns the files of each folder at a depth."""
    found: dict[str, list[Parts]] = {}
    for parts in files:
        if len(parts) > depth + 1:
            found.setdefault(parts[depth], []).append(parts)
    return found


def _below(parts: Parts, folder: Parts) -> bool:
    return len(parts) > len(folder) and parts[: len(folder)] == folder
