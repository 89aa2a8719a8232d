"""The vocabulary of a stream after each step: that of the first domain, or one that grows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelwright.core.types import IntArray, Rows
from modelwright.learning.new_tokens import extend_vocabulary, new_tokens
from modelwright.models.builders import check_options
from modelwright.models.graph_tokenizer import GraphTokenizer
from modelwright.runs.run import VOCABULARY, Run
from modelwright.streams.material import StepRows

_BATCH = 1024


def step_tokenizers(run: Run, rows: StepRows, steps: int, *, grow: bool) -> list[Any | None]:
    """Returns the tokenizer after each step; None for images.

    Args:
        run: the run of the first step, which has its vocabulary. Larger ones are written next to
            it.
        rows: the training rows of the stream. Test rows bring no token.
        steps: number of steps.
        grow: whether tokens that the vocabulary lacks get an id. Ids of earlier tokens stay.
    """
    tokenizer = run.tokenizer()
    if tokenizer is None or not grow:
        return [tokenizer] * steps
    path, found = run.path / VOCABULARY, [tokenizer]
    for step in range(1, steps):
        new = new_tokens(_texts(rows.rows, rows.of_step(step)), found[-1])
        larger = run.path / f"vocabulary-{step}.txt"
        extend_vocabulary(path, new.tokens, larger)
        path = larger
        found.append(GraphTokenizer(check_options(run.model), path))
    return list(found)


def token_count(tokenizer: Any | None) -> int:
    """Returns the number of token ids of a tokenizer; 0 for images."""
    return 0 if tokenizer is None else len(tokenizer.lines)


def _texts(rows: Rows, chosen: IntArray) -> Iterator[Sequence[str]]:
    for start in range(0, len(chosen), _BATCH):
        yield rows.take(chosen[start : start + _BATCH])
