"""Reads several tables as one source: a folder or a zip file with a table for each split."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path, PurePosixPath

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import SplitName
from modelwright.data.image_files import IMAGE_EXTENSIONS
from modelwright.data.readers.columns import ColumnNotFoundError, Role
from modelwright.data.readers.folder_notes import joined
from modelwright.data.readers.folder_walk import is_hidden
from modelwright.data.readers.packed import read_member
from modelwright.data.readers.tables import is_table, read_table, read_table_content, table_name
from modelwright.data.records import Records, join_records
from modelwright.data.split_names import read_split_names

_SHARD = re.compile(r"-\d+-of-\d+$")
_ReadPart = Callable[[SplitName, "Mapping[Role, str] | None"], Records]


def split_files(folder: Path) -> dict[Path, SplitName]:
    """Returns the tables of a folder that are named after splits, such as ``train.csv``.

    Raises:
        DataError: A split has the same table in several formats.
    """
    entries = sorted(folder.iterdir())
    # A .json file next to folders describes them more often than it is a table.
    skip = {".json"} if any(path.is_dir() for path in entries) else set()
    paths = [
        path
        for path in entries
        if is_table(path) and path.suffix.lower() not in skip and path.is_file()
    ]
    splits = _by_split([path.name for path in paths], folder.name)
    return {path: splits[path.name] for path in paths if path.name in splits}


def read_split_files(files: dict[Path, SplitName], folder: Path, config: DataConfig) -> Records:
    """Returns the tables that ``split_files`` found, as one source with splits.

    Raises:
        DataError: See ``read_table``.
    """

    def read(path: Path, split: SplitName, like: Mapping[Role, str] | None) -> Records:
        return read_table(path, config, split=split, like=like)

    readers = {path.name: (split, partial(read, path)) for path, split in files.items()}
    others = [
        f"{path.name}/" if path.is_dir() else path.name
        for path in sorted(folder.iterdir())
        if not is_hidden(path.name)
    ]
    return _read_parts(readers, others, str(folder))


def is_zip_of_tables(members: Iterable[str]) -> bool:
    """Returns whether the tables in a zip file are the rows, and not its images or text files.

    Args:
        members: Names of the files in it.
    """
    suffixes = [PurePosixPath(name).suffix.lower() for name in members]
    tables = sum(is_table(Path(name)) for name in members)
    images = sum(map(_is_image, members))
    # One image or text file next to a table describes it.
    return tables > 0 and images <= tables and suffixes.count(".txt") <= tables


def read_zipped_tables(path: Path, members: Mapping[str, str], config: DataConfig) -> Records:
    """Returns the one table in a zip file, or its tables that are named after splits.

    Args:
        path: The zip file.
        members: What ``members_of`` returned.
        config: As for ``read_table``.

    Raises:
        DataError: There are several tables and none is named after the training split; or see
            ``read_table``.
    """

    def read(name: str, split: SplitName | None, like: Mapping[Role, str] | None) -> Records:
        content = read_member(path, members[name])
        table = PurePosixPath(table_name(Path(name))).name
        records = read_table_content(content, path, table, config, split=split, like=like)
        return records if split is None else replace(records, source=name)

    names = sorted(name for name in members if is_table(Path(name)))
    if len(names) == 1:
        others = sorted(set(members) - {names[0]})
        left = f", and not {joined(others)}" if others else ""
        return read(names[0], None, None).with_notes(f"{names[0]} in {path.name} is read{left}")
    splits = _by_split([PurePosixPath(name).name for name in names], path.name)
    if "train" not in splits.values():
        raise DataError(
            f"{path.name} holds {len(names)} tables and none is named after the training split: "
            f"{', '.join(names[:10])}; unpack it and give one of them, or name them train, val and "
            "test"
        )
    readers = {
        name: (splits[base], partial(read, name))
        for name in names
        if (base := PurePosixPath(name).name) in splits
    }
    return _read_parts(readers, members, str(path))


def _is_image(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in IMAGE_EXTENSIONS


def _by_split(names: list[str], source: str) -> dict[str, SplitName]:
    """Returns the split of each table that is named after one."""
    stems = {name: _SHARD.sub("", Path(table_name(Path(name))).stem) for name in names}
    found = read_split_names(stems.values())
    # One more way, since it was always read: train-anything.csv.
    first = read_split_names(stem.partition("-")[0] for stem in stems.values())
    splits = {
        name: split
        for name, stem in stems.items()
        if (split := found.get(stem) or first.get(stem.partition("-")[0])) is not None
    }
    for split in set(splits.values()):
        formats = [name for name in splits if splits[name] == split]
        bases = {Path(table_name(Path(name))).stem for name in formats}
        if len(bases) < len(formats):
            raise DataError(
                f"{source} has the {split} split several times: {', '.join(formats[:4])}; keep one"
            )
    return splits


def _read_parts(
    readers: Mapping[str, tuple[SplitName, _ReadPart]], others: Iterable[str], source: str
) -> Records:
    """Reads the training split first, since it decides the columns of the others."""
    parts: dict[str, Records] = {}
    left_out = []
    like: Mapping[Role, str] | None = None
    for name in sorted(readers, key=lambda name: readers[name][0] != "train"):
        split, read = readers[name]
        try:
            parts[name] = read(split, like)
        except ColumnNotFoundError as error:
            if split == "train" or error.role != "label":
                raise
            left_out.append(name)
            continue
        like = like or parts[name].columns
    records = join_records([parts[name] for name in readers if name in parts], source)
    short = Path(source).name
    notes = [
        f"{name} in {short} is not read: it has no column of labels. Without labels a model can "
        "only be asked about its rows, not trained or measured on them"
        for name in left_out
    ]
    unread = sorted(name for name in others if name not in readers)
    tables = [name for name in unread if is_table(Path(name))]
    rest = [name for name in unread if name not in tables]
    if records.task == "image":  # the images lie there
        rest = [name for name in rest if not name.endswith("/") and not _is_image(name)]
    for names, why in ((tables, ": no split's name"), (rest, "")):
        if names:
            verb = "is" if len(names) == 1 else "are"
            notes.append(f"{joined(names)} in {short} {verb} not read{why}")
    return replace(records.with_notes(*notes), source=source)
