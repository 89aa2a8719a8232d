"""The paths of data in a config file, which lead from the folder of the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def resolve_source_paths(file: Path, tables: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the tables with the paths of sources relative to the current folder.

    A source that exists in the folder of ``file`` becomes a path to it; others stay as they are.
    """
    sources: dict[str, Any] = {}
    for key in ("source", "unlabelled", "unlabeled", "image_root", "drop"):
        value = tables.get("data", {}).get(key)
        if isinstance(value, str):
            sources[key] = _source_path(file, value)
        elif isinstance(value, list):
            sources[key] = [_source_path(file, item) for item in value]
    return {**tables, "data": {**tables["data"], **sources}} if sources else dict(tables)


def _source_path(file: Path, source: object) -> object:
    if isinstance(source, str) and (file.parent / source).exists():
        return str(file.parent / source)
    return source
