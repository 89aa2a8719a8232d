"""The rows of a distillation: labeled, held out and unlabeled ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from modelwright.core.config import Config
from modelwright.core.errors import DataError
from modelwright.core.types import Dataset, Progress, Rows, Split
from modelwright.data.digests import Digests
from modelwright.data.load import load_data
from modelwright.runs.rows import held_out
from modelwright.training.soft_labels import SomeRows, text_digests


@dataclass(frozen=True)
class Material:
    """The rows of a distillation.

    Attributes:
        data: the labeled rows.
        unlabeled: the unlabeled texts that the student learns from; none for images.
        digests: their content hashes.
        measured: the held-out split with its name; None if nothing is held out.
        notes: what was left out.
    """

    data: Dataset
    unlabeled: Rows
    digests: Digests
    measured: tuple[str, Split] | None
    notes: tuple[str, ...]


def load_material(config: Config, progress: Progress | None) -> Material:
    """Returns the rows that the settings name, without unlabeled texts whose labels are known.

    Raises:
        DataError: no unlabeled text is left, or texts were given for images.
    """
    if config.data.unlabelled:
        return _with_texts(config, progress)
    data = load_data(config.data, progress=progress)
    nothing = SomeRows(data.splits["train"].inputs, np.zeros(0, np.int64))
    return Material(data, nothing, np.zeros((0, 2), np.uint64), held_out(data), ())


def _with_texts(config: Config, progress: Progress | None) -> Material:
    data = load_data(config.data, progress=progress)
    if data.task != "text" or data.unlabelled is None:
        raise DataError(
            f"{data.source} holds {data.task}s, but unlabeled texts were given; a student of images"
            " learns from labeled images alone. Leave --unlabeled out."
        )
    digests = text_digests(data.unlabelled)
    known = {row.tobytes() for row in text_digests(data.splits["train"].inputs)}
    fresh = np.array([row.tobytes() not in known for row in digests], np.bool_)
    notes: tuple[str, ...] = ()
    if not fresh.all():
        left = f"{int((~fresh).sum()):,} unlabeled texts are also labeled training rows, and are"
        notes = (f"{left} left out: their labels are known",)
    if not fresh.any():
        raise DataError(
            f"all {len(fresh):,} unlabeled texts are also labeled training rows; expected other"
            " texts. Give more with --unlabeled."
        )
    kept = SomeRows(data.unlabelled, np.flatnonzero(fresh))
    return Material(data, kept, digests[fresh], held_out(data), notes)
