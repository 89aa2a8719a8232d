"""The vocabulary of the new weights: the model's, with tokens of the new texts where they pay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelwright.core.files import write_bytes
from modelwright.core.types import Rows
from modelwright.learning.new_tokens import extend_vocabulary, new_tokens
from modelwright.updating.base_model import BaseModel

_MOST_SHARE = 0.25
"""Most new tokens, as a share of the old ones."""
_MOSTLY = 0.5
_BATCH = 1024


@dataclass(frozen=True)
class Tokens:
    """The vocabulary that the new weights use.

    Attributes:
        before: number of tokens of the model; 0 for images.
        after: number of tokens with the new ones; the same if none is added.
        note: why tokens are added, or not; empty for images.
    """

    before: int
    after: int
    note: str


def choose_vocabulary(base: BaseModel, texts: Rows, path: Path) -> Tokens:
    """Writes the vocabulary of the new weights.

    Args:
        base: the model before.
        texts: the new texts that train.
        path: the file to write; an image model has none.
    """
    tokenizer, vocabulary = base.tokenizer, base.vocabulary
    if tokenizer is None or vocabulary is None:
        return Tokens(0, 0, "")
    before = len(tokenizer.lines)
    found = new_tokens(_batches(texts), tokenizer, most=int(_MOST_SHARE * before))
    warning = ""
    if found.unknown_before > _MOSTLY:
        warning = "warning: is this the language that the model was trained on? "
    if not found.worthwhile:
        write_bytes(path, vocabulary.read_bytes())
        said = f"{found.unknown_before:.1%} of the new texts' tokens are unknown to the model"
        return Tokens(before, before, f"{warning}{said}; too few that recur, so none is added")
    after = extend_vocabulary(vocabulary, found.tokens, path)
    return Tokens(before, after, f"{warning}new texts: {found.text}, so they are added")


def _batches(texts: Rows) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _BATCH):
        yield texts.take(np.arange(start, min(start + _BATCH, len(texts))))
