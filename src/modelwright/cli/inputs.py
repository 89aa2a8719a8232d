"""What a person names on the command line, as the inputs of a model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.core.types import Task
from modelwright.data.images import IMAGE_EXTENSIONS

_TEXT_FILES = (".csv", ".tsv", ".jsonl", ".parquet", ".txt")


def expand(given: Sequence[str], task: Task, servable: Path) -> list[str | Path]:
    """Texts as they are, or the pictures that paths, folders and patterns mean.

    Raises:
        ConfigError: a picture for a text model, a text for a picture model, or nothing found.
    """
    if list(given) == ["-"]:
        given = [line for line in sys.stdin.read().split("\n") if line]
        if not given:
            raise ConfigError("standard input is empty; expected one input a line.")
    if task == "text":
        for text in given:
            _refuse_file(text, servable)
        return list(given)
    found: list[str | Path] = []
    for name in given:
        found.extend(_pictures(name, servable))
    return found


def _refuse_file(text: str, servable: Path) -> None:
    suffix = Path(text).suffix.lower() if len(text) < 256 else ""
    if suffix in IMAGE_EXTENSIONS and Path(text).is_file():
        raise ConfigError(
            f"{text} is a picture, but {servable} classifies texts; give texts, or a model of"
            " pictures."
        )
    if suffix in _TEXT_FILES and Path(text).is_file():
        raise ConfigError(
            f"{text} is a file, but {servable} classifies the texts it is given; pipe its lines"
            f" in (modelwright predict {servable} - < {text}), or measure it with evaluate --data."
        )


def _pictures(name: str, servable: Path) -> list[Path]:
    path = Path(name)
    if len(name) < 1024 and path.is_file():
        return [path]
    if len(name) < 1024 and path.is_dir():
        inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_EXTENSIONS)
        if not inside:
            raise ConfigError(
                f"the folder {name} holds no pictures ({', '.join(sorted(IMAGE_EXTENSIONS))})."
            )
        return inside
    if any(mark in name for mark in "*?["):
        root = Path(path.anchor)
        if matched := sorted(root.glob(str(path.relative_to(root)))):
            return matched
    raise ConfigError(
        f"there is no picture '{name[:80]}'; {servable} classifies pictures and expects paths of"
        " files or folders."
    )
