"""The inputs of ``modelwright predict`` and ``explain``: texts, images, folders and patterns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright.core.errors import ConfigError, DataError
from modelwright.core.types import Task
from modelwright.data.image_files import IMAGE_EXTENSIONS
from modelwright.data.readers.folder_walk import is_hidden
from modelwright.scoring.folder_source import find_images
from modelwright.scoring.text_stream import TextStream

_TABLES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet", ".txt", ".gz")


def expand_inputs(
    arguments: Sequence[str], task: Task, servable: Path
) -> tuple[list[str | Path], list[str]]:
    """Returns the texts unchanged, or every image that the paths, folders and patterns name.

    The second value has a line for each kind of file in a folder that is no image.

    Raises:
        ConfigError: an image for a text model, a text for an image model, or nothing found.
    """
    if task == "text":
        for text in arguments:
            _refuse_file(text, servable)
        return list(arguments), []
    images: list[str | Path] = []
    notes: list[str] = []
    for name in arguments:
        images.extend(_find_images(name, servable, notes))
    return images, notes


def read_lines(path: Path) -> list[str]:
    """Returns the texts in a file with one a line, without blank lines.

    Raises:
        DataError: the file has no text, or is in another codec.
    """
    found = [
        line.strip()
        for block in ["".join(block.decode() for block in TextStream(path).blocks())]
        for line in block.splitlines()
        if line.strip()
    ]
    if not found:
        raise DataError(f"{path} has no text; expected one a line.")
    return found


def _refuse_file(text: str, servable: Path) -> None:
    suffix = Path(text).suffix.lower() if len(text) < 256 else ""
    if suffix in IMAGE_EXTENSIONS and Path(text).is_file():
        raise ConfigError(
            f"{text} is an image, but {servable} classifies texts; give texts, or an image model."
        )
    if suffix in _TABLES and Path(text).is_file():
        raise ConfigError(
            f"{text} is a file, but {servable} expects texts; score all its rows (modelwright"
            f" predict {servable} {text} -o scored.csv), or measure the model on it with evaluate"
            " --data."
        )


def _find_images(name: str, servable: Path, notes: list[str]) -> list[Path]:
    path = Path(name)
    if len(name) < 1024 and path.is_file():
        if path.suffix.lower() in _TABLES:
            raise ConfigError(
                f"{name} is a table, but {servable} expects images; score the images that it names"
                f" (modelwright predict {servable} {name} -o scored.csv)."
            )
        return [path]
    if len(name) < 1024 and path.is_dir():
        found = find_images(path)
        notes += found.notes(path)
        if not found.paths:
            raise ConfigError(
                f"the folder {name} has no images; expected files that end in one of"
                f" {', '.join(sorted(IMAGE_EXTENSIONS))}."
            )
        return found.paths
    if any(mark in name for mark in "*?["):
        root = Path(path.anchor)
        hidden = path.name.startswith(".")
        matched = sorted(root.glob(str(path.relative_to(root))))
        if usual := [one for one in matched if hidden or not is_hidden(one.name)]:
            if len(usual) < len(matched):
                notes.append(f"{name}: skipped hidden files: {len(matched) - len(usual):,}")
            return usual
    raise ConfigError(
        f"there is no image '{name[:80]}'; {servable} classifies images and expects paths of"
        " files or folders."
    )
