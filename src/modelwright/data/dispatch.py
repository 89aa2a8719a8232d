"""Chooses the reader of a source: a named set, a folder, or a file by its extension.

To add a reader for a kind of file: a module in ``readers/`` and one line in ``READERS``. Another
package registers one as an entry point in the group ``modelwright.readers``, under the extension
without its dot; that group is only read for an extension that is not in ``READERS``.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.folders import is_run
from modelwright.core.nearest import nearest
from modelwright.core.plugins import find_plugin
from modelwright.core.types import Progress
from modelwright.data.named.definitions import SET_NAMES
from modelwright.data.named.records import read_named
from modelwright.data.readers.arrays import read_npz
from modelwright.data.readers.cifar import is_cifar, read_cifar
from modelwright.data.readers.folders import read_folder, read_zip
from modelwright.data.readers.named_folders import NamedFolders
from modelwright.data.readers.packed import members_of
from modelwright.data.readers.parquet_parts import parquet_parts, read_parts
from modelwright.data.readers.split_tables import (
    is_zip_of_tables,
    read_split_files,
    read_zipped_tables,
    split_files,
)
from modelwright.data.readers.tables import TABLE_EXTENSIONS, is_table, read_table, table_name
from modelwright.data.records import Records, join_records
from modelwright.data.unused_settings import unused_settings

PLUGINS = "modelwright.readers"
"""Group of the entry points with which other packages register readers."""

Reader = Callable[[Path, DataConfig], Records]
"""Returns the rows of a file, as they are found: ``Records`` are cleaned and split later."""


def _read_zip(path: Path, config: DataConfig) -> Records:
    members = members_of(path, config.encoding)
    if is_zip_of_tables(members):
        return read_zipped_tables(path, members, config)
    records = read_zip(path, config.encoding, NamedFolders.of(config, path))
    return records.with_notes(*unused_settings(config, "folders"))


def _read_npz(path: Path, config: DataConfig) -> Records:
    return read_npz(path).with_notes(*unused_settings(config, "arrays"))


READERS: dict[str, Reader] = {
    **dict.fromkeys(sorted(TABLE_EXTENSIONS), read_table),
    ".npz": _read_npz,
    ".zip": _read_zip,
}

KINDS = (
    f"a named set ({', '.join(SET_NAMES)}), a folder per class or a zip file of it, CIFAR's python "
    "batches, .npz, .csv, .tsv, .json, .jsonl or .parquet"
)
_PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth"})
_ADVICE = {
    ".xlsx": "save it as CSV in UTF-8",
    ".xls": "save it as CSV in UTF-8",
    ".txt": "make it a table (.csv or .tsv) with a column of labels",
    ".gz": "unpack it",
    ".bz2": "unpack it",
    ".xz": "unpack it",
    ".tar": "unpack it",
    ".tgz": "unpack it",
    ".7z": "unpack it",
    ".rar": "unpack it",
    ".npy": "save images and labels as one .npz file",
}


def read_sources(config: DataConfig, progress: Progress | None = None) -> Records:
    """Returns the rows of all sources of a config, joined.

    Raises:
        DataError: No source is given, a source is missing or cannot be read, or the sources do
            not fit together.
    """
    sources = [config.source] if isinstance(config.source, str) else config.source
    sources = [source for source in sources if source.strip()]
    if not sources:
        raise DataError(f"no data source is given (data.source); expected {KINDS}")
    if twice := sorted({source for source in sources if sources.count(source) > 1}):
        raise DataError(f"the source {twice[0]} is given twice; give each source once")
    parts = [read_source(source, config, progress) for source in sources]
    return join_records(parts, ", ".join(part.source for part in parts))


def read_source(source: str, config: DataConfig, progress: Progress | None = None) -> Records:
    """Returns the rows of one source.

    A named set comes before a file of the same name, which can be given as ``./mnist``.

    Raises:
        DataError: The source is missing, of an unknown kind, or cannot be read.
    """
    if source in SET_NAMES:
        folder = None if config.folder is None else Path(config.folder).expanduser()
        records = read_named(source, folder, progress)
        return records.with_notes(*unused_settings(config, "named sets"))
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            return _read_folder(path, config)
        if path.is_file():
            return _find_reader(path)(path, config)
    except PermissionError as error:
        raise DataError(
            f"{error.filename} cannot be read; its permissions do not allow it"
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(f"{source[:200]!r} cannot be read ({error})") from None
    raise DataError(
        f"there is no file, folder or named set '{source[:200]}'."
        f"{nearest(source.lower(), SET_NAMES)} Expected {KINDS}"
    )


def _read_folder(path: Path, config: DataConfig) -> Records:
    if is_run(path):
        raise DataError(
            f"{path} is a run, not data; to continue it, run: modelwright train --resume"
            f" {shlex.quote(str(path))}."
        )
    if is_cifar(path):
        return read_cifar(path).with_notes(*unused_settings(config, "arrays"))
    tables = split_files(path)
    if "train" in tables.values():
        return read_split_files(tables, path, config)
    if (path / "data").is_dir() and "train" in split_files(path / "data").values():
        return _read_folder(path / "data", config)
    if not tables and (parts := parquet_parts(path)):
        return read_parts(path, parts, config)
    found = sorted(file.name for file in path.iterdir() if is_table(file))
    if found and not any(file.is_dir() for file in path.iterdir()):
        raise DataError(
            f"{path} holds tables and no train.csv; give the path of one, such as "
            f"{path / found[0]}, or name them train, val and test"
        )
    records = read_folder(path, config.encoding, NamedFolders.of(config, path))
    return records.with_notes(*unused_settings(config, "folders"))


def _find_reader(path: Path) -> Reader:
    suffix = Path(table_name(path)).suffix.lower() if is_table(path) else path.suffix.lower()
    reader = READERS.get(suffix) or (find_plugin(PLUGINS, suffix[1:]) if suffix[1:] else None)
    if callable(reader):
        return reader
    if reader is not None:
        raise DataError(
            f"the entry point '{suffix[1:]}' in '{PLUGINS}' is a {type(reader).__name__}; expected"
            " a function of a path and a DataConfig that returns Records"
        )
    if suffix in _PICKLES:
        raise DataError(
            f"{path.name} is a pickle, and pickles are never executed; save it as .npz "
            "(images) or .csv (texts)"
        )
    advice = _ADVICE.get(suffix, f"expected {KINDS}")
    raise DataError(f"{path.name} is of no kind that can be read; {advice}")
