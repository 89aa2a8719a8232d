"""New tokens: those that texts have and a vocabulary lacks, and the vocabulary with them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from modelwright.core.errors import ConfigError
from modelwright.core.files import write_text
from modelwright.models.graph_tokenizer import GraphTokenizer, split_tokens

MOST_TOKENS = 1_000_000
"""The largest vocabulary of a text model."""
FEWEST_ROWS = 3
"""In how many new texts a token has to occur."""
WORTH = 0.01
"""Share of all tokens that must become known for new tokens to be worthwhile."""


@dataclass(frozen=True)
class NewTokens:
    """The tokens that are frequent enough to get an id.

    Attributes:
        tokens: the most frequent first.
        unknown_before: share of the texts' tokens that the vocabulary lacks.
        unknown_after: the same with the new tokens in it.
    """

    tokens: tuple[str, ...]
    unknown_before: float
    unknown_after: float

    @property
    def worthwhile(self) -> bool:
        """Whether a percent of all tokens or more would no longer be unknown."""
        return self.unknown_before - self.unknown_after >= WORTH

    @property
    def text(self) -> str:
        """The shares in one line."""
        return (
            f"{self.unknown_before:.1%} of the tokens are unknown; with {len(self.tokens):,} new"
            f" tokens {self.unknown_after:.1%}"
        )


def new_tokens(
    texts: Iterable[Sequence[str]],
    tokenizer: GraphTokenizer,
    *,
    fewest_rows: int = FEWEST_ROWS,
    most: int | None = None,
) -> NewTokens:
    """Returns the tokens of new texts that are worth an id.

    Single tokens alone count, also where a model reads runs of tokens as tokens. Ties are in the
    order of their code points, so that the same texts in any order give the same tokens.

    Args:
        texts: batches of texts, of training rows alone.
        tokenizer: the tokenizer of the model.
        fewest_rows: in how many texts a token has to occur.
        most: the most new tokens; by default as many as the largest vocabulary has room for.
    """
    single = tokenizer.options.model_copy(update={"ngrams": 1})
    rows: Counter[bytes] = Counter()
    counts: Counter[bytes] = Counter()
    for batch in texts:
        for row in split_tokens(tf.constant(list(batch), tf.string), single).numpy().tolist():
            counts.update(row)
            rows.update(set(row))
    known = {token.encode() for token in tokenizer.lines}
    total = sum(counts.values())
    unknown = {token: count for token, count in counts.items() if token not in known}
    room = max(0, MOST_TOKENS - len(known))
    ranked = sorted(
        (token for token in unknown if rows[token] >= fewest_rows),
        key=lambda token: (-unknown[token], token),
    )
    chosen = ranked[: room if most is None else min(most, room)]
    before, learned = sum(unknown.values()), sum(unknown[token] for token in chosen)
    return NewTokens(
        tokens=tuple(token.decode() for token in chosen),
        unknown_before=before / max(total, 1),
        unknown_after=(before - learned) / max(total, 1),
    )


def extend_vocabulary(vocabulary: Path, tokens: Sequence[str], path: Path) -> int:
    """Writes a vocabulary with new tokens after the old ones, whose ids stay.

    Args:
        vocabulary: the file before.
        tokens: tokens that it lacks.
        path: the file to write.

    Returns:
        The number of lines.

    Raises:
        ConfigError: a token is there already, occurs twice, or is not one token.
    """
    lines = vocabulary.read_text("utf-8").split("\n")[:-1]
    wrong = [token for token in tokens if not token or any(mark in token for mark in "\n\r")]
    if wrong or len({*lines, *tokens}) != len(lines) + len(tokens):
        raise ConfigError(
            f"{len(tokens):,} tokens cannot be added to {vocabulary}: expected tokens without line"
            " breaks, each once and none that is there already."
        )
    write_text(path, "\n".join([*lines, *tokens]) + "\n")
    return len(lines) + len(tokens)
