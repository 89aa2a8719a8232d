"""The images of a table: bytes in its cells, or paths of files.

A table can come from anyone, and its images travel on in a servable. So a path is only read if it
leads into the table's own folder, or into one that the user names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PureWindowsPath
from typing import Any

import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import Rejected, SplitName
from modelwright.data.readers.table_rows import TableRows
from modelwright.data.records import Encoded, Records

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_SHOWN = 100


def image_records(
    rows: TableRows,
    splits: Sequence[SplitName | None] | None,
    origin: Callable[[int], str],
    path: Path,
    config: DataConfig,
) -> Records:
    """Returns rows whose images are paths, bytes, or a struct of both, as Hugging Face writes.

    Raises:
        DataError: A folder of ``image_root`` is missing, or all images lie outside of the allowed
            folders.
    """
    roots = (path.parent, *_roots(config))
    cells = rows.values.to_pylist()
    found = [_find_image(value, roots) for value in cells]
    usable = [row for row, image in enumerate(found) if not isinstance(image, str)]
    if cells and not usable:
        _check_outside(cells, found, origin, path)
        _check_missing(cells, found, origin, path)
    rejected = [
        Rejected(origin(row), reason) for row, reason in enumerate(found) if isinstance(reason, str)
    ]
    values: list[Encoded] = [image for image in found if not isinstance(image, str)]
    return Records(
        task="image",
        values=values,
        labels=rows.labels.take(pa.array(usable, pa.int64())),
        splits=None if splits is None else [splits[row] for row in usable],
        origin=lambda row: origin(usable[row]),
        source=str(path),
        rejected=(*rows.rejected, *rejected),
        label_order=rows.label_order,
        notes=rows.notes,
        columns=None if rows.columns is None else rows.columns.chosen(),
    )


def _roots(config: DataConfig) -> list[Path]:
    values = [config.image_root] if isinstance(config.image_root, str) else config.image_root
    roots = [Path(value).expanduser() for value in values if value.strip()]
    missing = next((root for root in roots if not root.is_dir()), None)
    if missing is not None:
        raise DataError(f"there is no folder {missing}, given as data.image_root")
    return roots


def _find_image(value: Any, roots: Sequence[Path]) -> Encoded | str:
    """Returns the image of a cell, or why there is none."""
    if isinstance(value, dict):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        return "has no image"
    shown = value[:_SHOWN]
    if _ADDRESS.match(value):
        return f"has the address '{shown}'; download the image and give its path"
    try:
        inside = [path for path in _candidates(value, roots) if path is not None]
        found = next((path for path in inside if path.is_file()), None)
    except (OSError, RuntimeError):
        return "has a path that cannot be a file"
    if found is not None:
        return found
    if inside:
        return f"has the path '{shown}', where there is no file{_extension_hint(inside[0])}"
    if _is_windows(value):
        return (
            f"has the path '{shown}' of a Windows machine; write it relative to the table's folder "
            "or to data.image_root"
        )
    return f"has the path '{shown}', outside the table's folder and data.image_root"


def _extension_hint(path: Path) -> str:
    """Returns the name of the file that a path without an extension may mean."""
    names = [f"{path.name}{suffix}" for suffix in (".jpg", ".png", ".jpeg")]
    name = next((name for name in names if (path.parent / name).is_file()), None)
    return f"; '{name}' is there: write the extensions too" if name else ""


def _check_missing(
    cells: Sequence[Any], found: Sequence[Encoded | str], origin: Callable[[int], str], path: Path
) -> None:
    """Raises an error with the setting that finds the images, where all lie in a folder below."""
    for row, (cell, reason) in enumerate(zip(cells, found, strict=True)):
        if not isinstance(reason, str) or not reason.endswith("there is no file"):
            continue
        given = str(cell.get("path") if isinstance(cell, dict) else cell)
        name = given.strip().replace("\\", "/")
        folders = sorted(folder for folder in path.parent.iterdir() if folder.is_dir())
        folders = [folder for folder in folders if (folder / name).is_file()]
        if not folders:
            return
        shown = " and ".join(f"{folder.name}/" for folder in folders[:4])
        which = folders[0] if len(folders) == 1 else "FOLDER with the one that is meant"
        raise DataError(
            f"{origin(row)} has the path '{given[:_SHOWN]}', which is no file in the table's "
            f"folder, but one in {shown}: --set data.image_root={which}"
        )


def _candidates(value: str, roots: Sequence[Path]) -> list[Path | None]:
    """Returns where a path may lie: in each folder, or None where it leads out of it."""
    folders = [root.resolve() for root in roots]
    # A backslash can stand in a name, but in a table it is more likely from Windows.
    spellings = dict.fromkeys((value, value.strip(), value.strip().replace("\\", "/")))
    if os.name != "nt" and _is_windows(value):
        return []
    paths = [root / spelling for root in roots for spelling in spellings]
    return [
        path if any(path.resolve().is_relative_to(folder) for folder in folders) else None
        for path in paths
    ]


def _is_windows(value: str) -> bool:
    return bool(PureWindowsPath(value).drive)


def _check_outside(
    cells: Sequence[Any], found: Sequence[Encoded | str], origin: Callable[[int], str], path: Path
) -> None:
    """Raises an error with the setting that allows the images, where all lie elsewhere."""
    outside = [
        (row, str(cell.get("path") if isinstance(cell, dict) else cell))
        for row, (cell, reason) in enumerate(zip(cells, found, strict=True))
        if isinstance(reason, str) and reason.endswith("data.image_root")
    ]
    if not outside:
        return
    row, first = outside[0]
    if _is_windows(first):
        raise DataError(
            f"{origin(row)} has the path '{first[:_SHOWN]}' of a Windows machine "
            f"({len(outside):,} rows are alike); write the paths relative to the "
            f"folder of {path.name}"
        )
    files = [(path.parent / name).resolve() for _, name in outside]
    folder = os.path.commonpath([file.parent for file in files])
    raise DataError(
        f"{origin(row)} has the path '{first[:_SHOWN]}', outside the table's folder "
        f"({len(outside):,} rows are alike). Such images are read only if you name their folder: "
        f"--set data.image_root={folder}"
    )
