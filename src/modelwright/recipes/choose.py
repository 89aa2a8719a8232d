"""The recipe for a user who names none: one rule over the kind, number and size of the rows.

The rule knows what the shipped recipes were measured on. It reads no pixels and trains nothing.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from modelwright.backbones.availability import why_missing
from modelwright.core.config import DataConfig
from modelwright.core.terminal import percent
from modelwright.core.types import Progress
from modelwright.data.decoding import AUTO_SHARED
from modelwright.data.records import Records
from modelwright.models.backbone_names import DEFAULT_BACKBONE
from modelwright.models.options import PretrainedOptions
from modelwright.recipes.recipe import read_recipe

MANY_IMAGES = 10_000
"""From so many images on, batches of 1,000 take enough steps."""
SMALL_SIDE = 64
"""Side in pixels up to which the wide network of ``cifar-fast`` trains in minutes."""
MOST_PRETRAINED = 100_000
"""Up to so many images, computing features takes less than an hour on two cores."""
_SAMPLE = 16


@dataclass(frozen=True)
class RecipeChoice:
    """The name of a recipe, and why it was chosen: a sentence for the report."""

    name: str
    reason: str


def choose_recipe(
    records: Records,
    config: DataConfig,
    model: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> RecipeChoice:
    """Returns the recipe that fits the rows of a source best, of those that were measured.

    Args:
        records: the rows as they were read.
        config: the settings of the data, with the size of images.
        model: the options of the network that are given.
        progress: called while the weights of a pretrained network are fetched.
    """
    if records.task == "text":
        return _choice("text-fast", "the rows are texts, and its weights are solved in seconds")
    side, rows = _side(records, config), len(records)
    mirrored = (
        "; it mirrors images left to right: where that changes the class, as with digits, add"
        " --set model.augment=none"
    )
    if rows >= MANY_IMAGES and side <= SMALL_SIDE:
        why = f"there are {rows:,} images of {side} pixels, enough for its large batches"
        return _choice("cifar-fast", why, mirrored)
    given = dict(model or {})
    if others := given.keys() - PretrainedOptions.model_fields.keys():
        return _choice("cnn", f"model.{min(others)} is an option of it", mirrored)
    if rows > MOST_PRETRAINED:
        why = f"there are {rows:,} images of {side} pixels, and it suits large ones"
        return _choice("cnn", why, mirrored)
    problem = why_no_backbone(given, progress)
    if problem is None:
        why = (
            f"there are {rows:,} images, and a network that was trained on a"
            " million photos knows more of images than so few can teach"
        )
        return _choice("pretrained", why)
    why = f"there are {rows:,} images of {side} pixels, and it suits few or large ones"
    better = f". The recipe pretrained would do better, but {problem.rstrip('.')}"
    return _choice("cnn", why, f"{mirrored}{better}")


def _choice(name: str, why: str, warning: str = "") -> RecipeChoice:
    # A figure of another network says nothing about the one that the user gets.
    scores = [
        score
        for score in read_recipe(name).measured
        if not any(key.startswith("model.") for key in score.settings)
    ]
    measured = f" ({percent(scores[0].accuracy)} on {scores[0].data})" if scores else ""
    return RecipeChoice(
        name,
        f"no recipe was given: {name}{measured} was taken, because {why}{warning}; choose another"
        " with --recipe, 'modelwright recipes' lists them",
    )


def why_no_backbone(model: Mapping[str, Any], progress: Progress | None = None) -> str | None:
    """Returns why the recipe ``pretrained`` cannot be trained here; None if it can.

    Args:
        model: the options of the network that are given.
        progress: called while the weights are fetched.
    """
    folder = model.get("folder")
    return why_missing(
        model.get("backbone", DEFAULT_BACKBONE),
        folder=Path(folder) if folder else None,
        progress=progress,
    )


def _side(records: Records, config: DataConfig) -> int:
    """Returns the longer side in pixels that the network will read, from a sample of the files."""
    if isinstance(config.image_size, int):
        return config.image_size
    if isinstance(records.values, np.ndarray):
        sizes = {tuple(records.values.shape[1:3])}
    else:
        sizes = _sample_sizes(records.values)
    longest = max(max(size) for size in sizes) if sizes else config.auto_side
    return longest if len(sizes) == 1 and longest <= AUTO_SHARED else config.auto_side


def _sample_sizes(encoded: Sequence[Any]) -> set[tuple[int, ...]]:
    sizes: set[tuple[int, ...]] = set()
    for image in encoded[:: max(1, len(encoded) // _SAMPLE)]:
        try:
            with Image.open(io.BytesIO(image) if isinstance(image, bytes) else image) as opened:
                sizes.add(opened.size)
        except (OSError, ValueError, SyntaxError):
            continue  # unreadable files are rejected, and told, when the rows are loaded
    return sizes
