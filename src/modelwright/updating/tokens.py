"""New tokens: words of the new texts that the model's vocabulary lacks, and whether to add them.

Old tokens keep their ids. New ones come after them, the most frequent first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelwright.core.files import write_text
from modelwright.core.types import Progress, Rows
from modelwright.models.builders import check_options
from modelwright.models.graph_tokenizer import RESERVED, GraphTokenizer, learn_vocabulary
from modelwright.updating.base_model import BaseModel

WORTHWHILE = 0.05
"""Share of unknown tokens in the new texts from which their tokens are added."""
_FEWEST = 3
"""Fewest texts with a new token; a rarer one would be learned by heart."""
_MOST_SHARE = 0.25
"""Most new tokens, as a share of the old ones."""
_BATCH = 1024


@dataclass(frozen=True)
class Tokens:
    """The vocabulary that the new weights use.

    Attributes:
        before: number of tokens of the model.
        after: number of tokens with the new ones; the same if none is added.
        note: why tokens are added, or not; empty for images.
    """

    before: int
    after: int
    note: str


def extend_vocabulary(
    base: BaseModel, texts: Rows, path: Path, progress: Progress | None = None
) -> Tokens:
    """Writes the vocabulary of the new weights: the model's, with new tokens where they pay.

    Args:
        base: a text model.
        texts: the new texts that train.
        path: the file to write.
        progress: called with each step.
    """
    tokenizer, vocabulary = base.tokenizer(), base.vocabulary
    if tokenizer is None or vocabulary is None:
        return Tokens(0, 0, "")
    lines = vocabulary.read_text("utf-8").split("\n")[:-1]
    known = _known_share(tokenizer, texts)
    unknown = 1 - known
    if unknown < WORTHWHILE:
        write_text(path, "\n".join(lines) + "\n")
        said = f"{unknown:.1%} of the new texts' tokens are unknown to the model"
        return Tokens(len(lines), len(lines), f"{said}, too few to add them" if unknown else "")
    more = _new_tokens(base, texts, lines, progress)
    write_text(path, "\n".join([*lines, *more]) + "\n")
    added = (
        f"the {len(more):,} that at least {_FEWEST} places have are added"
        if more
        else (f"none is in {_FEWEST} places, so none is added")
    )
    note = f"{unknown:.1%} of the new texts' tokens are unknown to the model; {added}"
    if unknown > _MOSTLY:
        note = f"warning: {note}. Is it another language than the model's?"
    return Tokens(len(lines), len(lines) + len(more), note)


_MOSTLY = 0.5


def _new_tokens(
    base: BaseModel, texts: Rows, lines: Sequence[str], progress: Progress | None
) -> list[str]:
    options = check_options(base.config.model)
    old, most = set(lines), int(_MOST_SHARE * len(lines))
    limit = min(1_000_000, len(lines) + len(RESERVED) + most)
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary, "vocabulary.txt")
        learn_vocabulary(
            _batches(texts), options.model_copy(update={"vocabulary": limit}), file, progress
        )
        ranked = file.read_text("utf-8").split("\n")[:-1]
    candidates = [token for token in ranked if token not in old]
    return _frequent(base, texts, candidates)[:most]


def _frequent(base: BaseModel, texts: Rows, candidates: Sequence[str]) -> list[str]:
    """Returns the candidates that occur often enough, in their order."""
    if not candidates:
        return []
    with tempfile.TemporaryDirectory() as temporary:
        file = Path(temporary, "vocabulary.txt")
        write_text(file, "\n".join([*RESERVED, *candidates]) + "\n")
        tokenizer = GraphTokenizer(check_options(base.config.model), file)
        counts = np.zeros(len(candidates) + len(RESERVED), np.int64)
        for batch in _batches(texts):
            counts += np.bincount(tokenizer.encode(batch).ravel(), minlength=len(counts))
    often = counts[len(RESERVED) :] >= _FEWEST
    return [token for token, chosen in zip(candidates, often.tolist(), strict=True) if chosen]


def _known_share(tokenizer: GraphTokenizer, texts: Rows) -> float:
    shares = [(tokenizer.known_share(batch), len(batch)) for batch in _batches(texts)]
    return float(np.average([one for one, _ in shares], weights=[size for _, size in shares]))


def _batches(texts: Rows) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _BATCH):
        yield texts.take(np.arange(start, min(start + _BATCH, len(texts))))
