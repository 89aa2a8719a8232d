"""Texts without labels, read like other texts and separated from the held-out rows.

A text that is also a validation or test row is left out: a network must not learn from the texts
it is measured on, with or without their labels.
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
from modelwright.data.digests import Digests, hash_texts
from modelwright.data.dispatch import read_sources
from modelwright.data.readers.columns import NO_LABELS, ColumnNotFoundError
from modelwright.data.records import as_strings
from modelwright.data.rows import Texts


@dataclass(frozen=True)
class UnlabeledTexts:
    """The usable texts, their fingerprint, and the rejected rows."""

    rows: Texts
    fingerprint: str
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]


def load_unlabeled(
    config: DataConfig, held_out: Digests, progress: Progress | None = None
) -> UnlabeledTexts:
    """Returns the texts of ``data.unlabelled``.

    Args:
        config: ``unlabelled`` names their sources; ``limit`` and ``max_characters`` apply too.
        held_out: Content hashes of the validation and test rows, ``[n, 2]``.
        progress: Called during downloads.

    Raises:
        DataError: The sources cannot be read or are not texts, or no text is usable.
    """
    change = {"source": config.unlabelled, "label": NO_LABELS, "split": None}
    try:
        records = read_sources(config.model_copy(update=change), progress)
    except ColumnNotFoundError as error:
        both = (
            ". The same setting names the column of the labeled rows, so both files need the same"
            " name: rename the column in the file of unlabeled texts (data.unlabelled)"
        )
        raise ColumnNotFoundError(error.before, error.role, f"{error.after}{both}") from None
    if records.task != "text":
        raise DataError(
            f"{records.source}, given as data.unlabelled, holds images; expected texts. Leave it"
            " out: no network here learns from images without labels"
        )
    texts = as_strings(records.values)
    problems = clean.bad_texts(texts, config.max_characters)
    mask, rejected = clean.reject_rows(problems, records.origin, len(texts))
    usable = np.flatnonzero(mask)
    digests = hash_texts(texts.take(pa.array(usable)))
    is_held_out = np.isin(digests, held_out).all(axis=1)
    chosen, digests = usable[~is_held_out], digests[~is_held_out]
    order = np.lexsort(digests.T[::-1])[: config.limit]  # by content, in any order of the sources
    chosen, digests = chosen[np.sort(order)], digests[order]
    if not len(chosen):
        raise DataError(
            f"{records.source}, given as data.unlabelled, has no usable texts:"
            f" {len(rejected):,} were rejected and {int(is_held_out.sum()):,} are held out"
        )
    notes = [*records.notes, f"{len(chosen):,} texts without labels, of {records.source}"]
    if count := int(is_held_out.sum()):
        notes.append(
            f"{count:,} texts of {records.source} are also validation or test rows, and are"
            " left out"
        )
    fingerprint = hashlib.sha256(np.ascontiguousarray(digests).tobytes()).hexdigest()
    rows = Texts(chosen, records.origin, texts)
    return UnlabeledTexts(rows, fingerprint, (*records.rejected, *rejected), tuple(notes))
