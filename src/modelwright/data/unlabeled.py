"""Texts without labels: read as the others are, and kept away from rows that are held out.

A text that also stands among the validation or test rows is left out: what is measured on those
must not have been learned from, with or without labels.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import Progress, Rejected
from modelwright.data import clean
from modelwright.data.digests import Digests, of_texts
from modelwright.data.dispatch import read_sources
from modelwright.data.readers.columns import UNLABELLED
from modelwright.data.records import as_strings
from modelwright.data.rows import Texts


@dataclass(frozen=True)
class Unlabelled:
    """The usable texts, their fingerprint, and what was left out."""

    rows: Texts
    fingerprint: str
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]


def load_unlabelled(
    config: DataConfig, held_out: Digests, progress: Progress | None = None
) -> Unlabelled:
    """The texts of ``data.unlabelled``.

    Args:
        config: its ``unlabelled`` says where they are; ``limit`` and bounds of texts hold too.
        held_out: hashes of the rows that must not be among them, ``[n, 2]``.
        progress: told about downloads.

    Raises:
        DataError: they cannot be read, are no texts, or none is left.
    """
    change = {"source": config.unlabelled, "label": UNLABELLED, "split": None}
    records = read_sources(config.model_copy(update=change), progress)
    if records.task != "text":
        raise DataError(
            f"{records.source}, given as data.unlabelled, holds pictures; expected texts. Leave it"
            " out: no network here learns from pictures without labels"
        )
    texts = as_strings(records.values)
    problems = clean.bad_texts(texts, config.max_characters)
    keep, rejected = clean.reject(problems, records.origin, len(texts))
    usable = np.flatnonzero(keep)
    digests = of_texts(texts.take(pa.array(usable)))
    known = np.isin(digests, held_out).all(axis=1)
    chosen, digests = usable[~known], digests[~known]
    order = np.lexsort(digests.T[::-1])[: config.limit]  # by content, whatever the order given
    chosen, digests = chosen[np.sort(order)], digests[order]
    if not len(chosen):
        raise DataError(
            f"{records.source}, given as data.unlabelled, has no usable texts:"
            f" {len(rejected):,} were rejected and {int(known.sum()):,} are held out"
        )
    notes = [*records.notes, f"{len(chosen):,} texts without labels, of {records.source}"]
    if known.any():
        notes.append(
            f"{int(known.sum()):,} texts of {records.source} are also validation or test rows, and"
            " are left out"
        )
    mark = hashlib.sha256(np.ascontiguousarray(digests).tobytes()).hexdigest()
    rows = Texts(texts, chosen, records.origin)
    return Unlabelled(rows, mark, (*records.rejected, *rejected), tuple(notes))
