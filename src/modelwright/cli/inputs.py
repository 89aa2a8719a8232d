"""The inputs of ``modelwright predict``: texts, images, folders, patterns, standard input."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.core.types import Task
from modelwright.data.image_files import IMAGE_EXTENSIONS

_TEXT_FILES = (".csv", ".tsv", ".jsonl", ".parquet", ".txt")


def expand_inputs(arguments: Sequence[str], task: Task, servable: Path) -> list[str | Path]:
    """Returns the texts unchanged, or every image that the paths, folders and patterns name.

    Raises:
        ConfigError: an image for a text model, a text for an image model, or nothing found.
    """
    if list(arguments) == ["-"]:
        arguments = [line for line in sys.stdin.read().split("\n") if line]
        if not arguments:
            raise ConfigError("standard input is empty; expected one input a line.")
    if task == "text":
        for text in arguments:
            _refuse_file(text, servable)
        return list(arguments)
    images: list[str | Path] = []
    for name in arguments:
        images.extend(_find_images(name, servable))
    return images


def _refuse_file(text: str, servable: Path) -> None:
    suffix = Path(text).suffix.lower() if len(text) < 256 else ""
    if suffix in IMAGE_EXTENSIONS and Path(text).is_file():
        raise ConfigError(
            f"{text} is an image, but {servable} classifies texts; give texts, or an image model."
        )
    if suffix in _TEXT_FILES and Path(text).is_file():
        raise ConfigError(
            f"{text} is a file, but {servable} expects texts; pipe the file's lines in (modelwright"
            f" predict {servable} - < {text}), or measure the model on it with evaluate --data."
        )


def _find_images(name: str, servable: Path) -> list[Path]:
    path = Path(name)
    if len(name) < 1024 and path.is_file():
        return [path]
    if len(name) < 1024 and path.is_dir():
        images = sorted(p for p in path.rglob("*") if p.suffix.lower() in IMAGE_EXTENSIONS)
        if not images:
            raise ConfigError(
                f"the folder {name} has no images; expected files that end in one of"
                f" {', '.join(sorted(IMAGE_EXTENSIONS))}."
            )
        return images
    if any(mark in name for mark in "*?["):
        root = Path(path.anchor)
        if matched := sorted(root.glob(str(path.relative_to(root)))):
            return matched
    raise ConfigError(
        f"there is no image '{name[:80]}'; {servable} classifies images and expects paths of"
        " files or folders."
    )
