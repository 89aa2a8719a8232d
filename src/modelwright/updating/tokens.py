"""The vocabulary of the new weights: the model's, with tokens of the new texts where they pay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.files import write_bytes
from modelwright.core.types import Rows
from modelwright.learning.new_tokens import (
    FEWEST_ROWS,
    WORTH,
    NewTokens,
    extend_vocabulary,
    new_tokens,
)
from modelwright.learning.parts import named_weights
from modelwright.updating.base_model import BaseModel

_MOST_SHARE = 0.25
"""Most new tokens, as a share of the old ones."""
_MOSTLY = 0.5
_BATCH = 1024
_EMBEDDINGS, _UNKNOWN = "embeddings", 1


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
    if not found.worthwhile:
        write_bytes(path, vocabulary.read_bytes())
        return Tokens(before, before, _note(found, before))
    after = extend_vocabulary(vocabulary, found.tokens, path)
    return Tokens(before, after, _note(found, before))


def note_unlearned_tokens(network: Any, strategy: str, tokens: Tokens) -> tuple[str, ...]:
    """Returns a note if a strategy left the vectors of all new tokens as they began: unknown."""
    tables = [
        np.asarray(weight)
        for name, weight in named_weights(network).items()
        if name.endswith(_EMBEDDINGS) and weight.shape[0] == tokens.after > tokens.before
    ]
    if not tables or any((table[tokens.before :] != table[_UNKNOWN]).any() for table in tables):
        return ()
    return (
        f"{strategy}: the vectors of tokens did not learn, so the model still reads the"
        f" {tokens.after - tokens.before:,} new tokens as unknown; a strategy that trains all"
        " layers, such as replay, reads them",
    )


def _note(found: NewTokens, before: int) -> str:
    """Returns what the model does not know, and why tokens are added or not."""
    mostly = found.unknown_before > _MOSTLY
    doubt = "warning: is this the language that the model was trained on? " if mostly else ""
    if found.worthwhile:
        most = len(found.tokens) == int(_MOST_SHARE * before)
        bound = f"; more than a quarter of its own {before:,} are never added" if most else ""
        return f"{doubt}new texts: {found.text}, so they are added{bound}"
    advice = "; of such texts it can learn little, so train a model of its own on them"
    return (
        f"{doubt}new texts: {found.text}; none is added, because that is worthwhile only if at"
        f" least {WORTH:.0%} of the tokens become known, by tokens that {FEWEST_ROWS} texts have"
        f"{advice if mostly else ''}"
    )


def _batches(texts: Rows) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _BATCH):
        yield texts.take(np.arange(start, min(start + _BATCH, len(texts))))
