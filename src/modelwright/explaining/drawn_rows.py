"""The rows that a summary of explanations is about: some of a set, drawn with a seed.

Texts need no labels. The labels of images, where the set has them, say which answers are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.config import DataConfig, check_table
from modelwright.core.errors import ConfigError
from modelwright.core.types import Progress, RawInput
from modelwright.data.image_files import IMAGE_EXTENSIONS
from modelwright.data.images import portable_image
from modelwright.data.prepare import Prepared
from modelwright.data.readers.columns import ColumnNotFoundError
from modelwright.data.readers.folder_walk import is_hidden
from modelwright.explaining.evaluated_rows import read_rows
from modelwright.servable.manifest import Manifest

_OF_TRAINING = ("text", "image", "label", "labels")
"""Settings of ``[data]`` that are the same for other rows of the same kind."""


@dataclass(frozen=True)
class DrawnRows:
    """Rows of a set, ``n`` of them, in the order of the set.

    Attributes:
        inputs: texts, or the bytes of image files.
        origins: where each row is from: ``reviews.csv row 12``, ``cats/003.png``.
        labels: the label of each row under the model's name for it; None for a set without labels,
            and for texts, of which none are read.
        total: the number of usable rows in the set.
        source: the name of the set.
        notes: decisions made while reading.
    """

    inputs: tuple[RawInput, ...]
    origins: tuple[str, ...]
    labels: tuple[str, ...] | None
    total: int
    source: str
    notes: tuple[str, ...] = ()


def draw_rows(
    source: str,
    manifest: Manifest,
    count: int,
    seed: int,
    *,
    reading: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> DrawnRows:
    """Returns at most ``count`` rows of a table, a folder or a named set, drawn with a seed.

    Args:
        source: what ``data.source`` takes, or a folder of images without labels.
        manifest: of the model, which says what it takes and how its labels are called.
        count: the largest number of rows.
        seed: decides which rows are drawn.
        reading: keys of ``[data]`` in which these rows differ from those of the training.
        progress: called with each step.

    Raises:
        ConfigError: a setting cannot be used.
        DataError: the rows cannot be read, or are of the other task.
    """
    images = _loose_images(Path(source)) if manifest.task == "image" else []
    if images:
        at = _drawn(len(images), count, seed)
        chosen = [images[one] for one in at]
        read = tuple(one.read_bytes() for one in chosen)
        return DrawnRows(read, tuple(one.name for one in chosen), None, len(images), source)
    prepared, labeled = _read(source, manifest, reading or {}, progress)
    at = _drawn(len(prepared.digests), count, seed)
    rows = prepared.rows(np.array(at, np.int64))
    raw = (rows.raw(position) for position in range(len(at)))
    notes = (*prepared.notes, *_trained_on(source, manifest))
    if prepared.rejected:
        first = prepared.rejected[0]
        notes = (
            *notes,
            f"{len(prepared.rejected):,} rows of {prepared.source} cannot be used, the first:"
            f" {first.origin}: {first.reason}",
        )
    return DrawnRows(
        inputs=tuple(portable_image(one) if isinstance(one, bytes) else one for one in raw),
        origins=tuple(rows.origin(position) for position in range(len(at))),
        labels=tuple(prepared.names[prepared.codes[one]] for one in at) if labeled else None,
        total=len(prepared.digests),
        source=prepared.source,
        notes=notes,
    )


def reading_settings(source: str, manifest: Manifest, given: Mapping[str, Any]) -> DataConfig:
    """Returns how rows are read: as those of the training were, except for what was given.

    Raises:
        ConfigError: a setting cannot be used.
    """
    trained = manifest.reading
    known = {name: trained[name] for name in _OF_TRAINING if trained.get(name) is not None}
    return check_table(DataConfig, {**known, **given, "source": source}, "data")


def label_columns(settings: DataConfig, given: Mapping[str, Any]) -> Sequence[str | None]:
    """Returns the names to try for the column of labels; None stands for the usual ones."""
    return (settings.label,) if "label" in given else tuple(dict.fromkeys((settings.label, None)))


def _read(
    source: str, manifest: Manifest, given: Mapping[str, Any], progress: Progress | None
) -> tuple[Prepared, bool]:
    """Returns the usable rows, and whether they have labels."""
    settings = reading_settings(source, manifest, given)
    read = partial(read_rows, source, manifest.task, given=frozenset(given), progress=progress)
    if manifest.task == "text":
        return read(settings=settings), False
    for one in label_columns(settings, given):
        labeled = settings.model_copy(update={"label": one})
        try:
            found = read(settings=labeled, labeled=True, known=manifest.labels)
        except ColumnNotFoundError as error:
            if error.role != "label" or "label" in given:
                raise
        else:
            return found, True
    return read(settings=settings), False


def _trained_on(source: str, manifest: Manifest) -> list[str]:
    """Returns a note if the set is that of the training."""
    data = manifest.config.get("data")
    trained = data.get("source") if isinstance(data, dict) else None
    if not isinstance(trained, str) or Path(trained).resolve() != Path(source).resolve():
        return []
    return ["the model was trained on rows of this set; on new rows, more of its answers are wrong"]


def _loose_images(folder: Path) -> list[Path]:
    """Returns the images of a folder that has no folders; none of another source."""
    try:
        found = sorted(one for one in folder.iterdir() if not is_hidden(one.name))
        if any(one.is_dir() for one in found):
            return []
        return [one for one in found if one.suffix.lower() in IMAGE_EXTENSIONS]
    except OSError:
        return []


def _drawn(total: int, count: int, seed: int) -> Sequence[int]:
    random = np.random.default_rng(seed)
    drawn: list[int] = np.sort(random.choice(total, min(count, total), replace=False)).tolist()
    return drawn


def check_count(rows: int) -> None:
    """Checks the number of rows that a user asks for.

    Raises:
        ConfigError: it is below 2.
    """
    if rows < 2:
        raise ConfigError(f"rows was given {rows}; expected 2 or more.")
