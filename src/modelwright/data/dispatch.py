"""Which reader a source is for: a named set, a folder, or a file by its extension."""

from __future__ import annotations

from pathlib import Path

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.nearest import nearest
from modelwright.core.types import Progress
from modelwright.data.named.records import NAMES, read_named
from modelwright.data.readers.arrays import read_npz
from modelwright.data.readers.cifar import is_cifar, read_cifar
from modelwright.data.readers.folders import read_folder, read_zip
from modelwright.data.readers.tables import EXTENSIONS, read_split_files, read_table, split_files
from modelwright.data.records import Records, join

KINDS = (
    f"a named set ({', '.join(NAMES)}), a folder per class or a zip file of it, CIFAR's python "
    "batches, .npz, .csv, .tsv, .jsonl or .parquet"
)
_PICKLES = frozenset({".pkl", ".pickle", ".joblib", ".pt", ".pth", ".npy"})
_ADVICE = {
    ".json": "save it as JSON Lines (.jsonl), one object a line",
    ".xlsx": "save it as CSV in UTF-8",
    ".xls": "save it as CSV in UTF-8",
    ".txt": "make it a table (.csv or .tsv) with a column of labels",
    ".gz": "unpack it",
    ".tar": "unpack it",
    ".tgz": "unpack it",
    ".7z": "unpack it",
    ".rar": "unpack it",
    ".npy": "save pictures and labels as one .npz file",
}


def read_sources(config: DataConfig, progress: Progress | None = None) -> Records:
    """The rows of every source of a config, as one.

    Raises:
        DataError: no source is given, one is missing or cannot be read, or they do not fit
            together.
    """
    sources = [config.source] if isinstance(config.source, str) else config.source
    sources = [source for source in sources if source.strip()]
    if not sources:
        raise DataError(f"no data source is given (data.source); expected {KINDS}")
    parts = [read_source(source, config, progress) for source in sources]
    return join(parts, ", ".join(part.source for part in parts))


def read_source(source: str, config: DataConfig, progress: Progress | None = None) -> Records:
    """The rows of one source; a named set goes before a file of the same name (``./mnist``).

    Raises:
        DataError: it is missing, of no known kind, or cannot be read.
    """
    if source in NAMES:
        folder = None if config.folder is None else Path(config.folder).expanduser()
        return read_named(source, folder, progress)
    path = Path(source).expanduser()
    try:
        if path.is_dir():
            return _folder(path, config)
        if path.is_file():
            return _file(path, config)
    except PermissionError as error:
        raise DataError(f"{error.filename} cannot be read; its permissions do not allow") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{source[:200]!r} cannot be read ({error})") from None
    raise DataError(
        f"there is no file, folder or named set '{source[:200]}'."
        f"{nearest(source.lower(), NAMES)} Expected {KINDS}"
    )


def _folder(path: Path, config: DataConfig) -> Records:
    if is_cifar(path):
        return read_cifar(path)
    tables = split_files(path)
    if "train" in tables.values():
        return read_split_files(tables, path, config)
    if (path / "data").is_dir() and "train" in split_files(path / "data").values():
        return _folder(path / "data", config)
    found = sorted(one.name for one in path.iterdir() if one.suffix.lower() in EXTENSIONS)
    if found and not any(one.is_dir() for one in path.iterdir()):
        raise DataError(
            f"{path} holds tables and no train.csv; give the path of one, such as "
            f"{path / found[0]}, or name them train, val and test"
        )
    return read_folder(path, config.encoding)


def _file(path: Path, config: DataConfig) -> Records:
    suffix = path.suffix.lower()
    if suffix in EXTENSIONS:
        return read_table(path, config)
    if suffix == ".npz":
        return read_npz(path)
    if suffix == ".zip":
        return read_zip(path, config.encoding)
    if suffix in _PICKLES - set(_ADVICE):
        raise DataError(
            f"{path.name} is a pickle, and pickles are never executed; save it as .npz "
            "(pictures) or .csv (texts)"
        )
    advice = _ADVICE.get(suffix, f"expected {KINDS}")
    raise DataError(f"{path.name} is of no kind that can be read; {advice}")
