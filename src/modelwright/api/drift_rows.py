"""The new rows that ``drift`` compares: some of a set, with labels where it has some."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from modelwright.core.errors import DataError
from modelwright.core.types import Progress, RawInput
from modelwright.data.digests import hash_texts
from modelwright.data.readers.columns import ColumnNotFoundError
from modelwright.explaining.drawn_rows import DrawnRows, draw_rows, label_columns, reading_settings
from modelwright.explaining.evaluated_rows import read_rows
from modelwright.servable.manifest import Manifest


@dataclass(frozen=True)
class NewRows:
    """New rows, ``n`` of them.

    Attributes:
        inputs: Texts, or the bytes of image files.
        labels: The label of each row, None where it has none; None for a set without labels.
        total: The number of usable rows in the set.
        source: The name of the set.
        notes: Decisions made while reading.
    """

    inputs: tuple[RawInput, ...]
    labels: tuple[str | None, ...] | None
    total: int
    source: str
    notes: tuple[str, ...]


def read_new_rows(
    source: str,
    manifest: Manifest,
    count: int,
    seed: int,
    *,
    reading: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> NewRows:
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
    given = reading or {}
    drawn = draw_rows(source, manifest, count, seed, reading=given, progress=progress)
    if manifest.task == "text":
        labels, notes = _labels_of_texts(source, manifest, given, drawn)
    else:
        labels, notes = drawn.labels, ()
    return NewRows(drawn.inputs, labels, drawn.total, drawn.source, (*drawn.notes, *notes))


def _labels_of_texts(
    source: str, manifest: Manifest, given: Mapping[str, Any], drawn: DrawnRows
) -> tuple[tuple[str | None, ...] | None, tuple[str, ...]]:
    """Returns the label of each drawn text, found by the hash of its content.

    Texts are read without labels first, so that those without one are compared, too.
    """
    settings = reading_settings(source, manifest, given)
    for name in label_columns(settings, given):
        labeled = settings.model_copy(update={"label": name})
        try:
            found = read_rows(source, "text", settings=labeled, labeled=True, known=manifest.labels,
                              given=frozenset(given))  # fmt: skip
        except ColumnNotFoundError:
            if "label" in given:
                raise
            continue
        except DataError as error:  # such as labels that are all empty
            return None, (f"no labels were read: {error}",)
        names = [found.names[code] for code in found.codes]
        by_content = dict(zip(map(bytes, found.digests), names, strict=True))
        digests = hash_texts(pa.array([str(text) for text in drawn.inputs], pa.large_string()))
        labels = tuple(by_content.get(bytes(digest)) for digest in np.ascontiguousarray(digests))
        missing = sum(label is None for label in labels)
        notes = (f"{missing:,} of the rows have no label",) if 0 < missing < len(labels) else ()
        return (labels if missing < len(labels) else None), notes
    return None, ()
