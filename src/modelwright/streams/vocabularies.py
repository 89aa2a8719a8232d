"""The vocabulary of a stream after each step: that of the first domain, or one that grows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import tensorflow as tf

from modelwright.core.files import write_text
from modelwright.core.types import IntArray, Rows
from modelwright.models.builders import check_options
from modelwright.models.graph_tokenizer import GraphTokenizer, split_tokens
from modelwright.runs.run import VOCABULARY, Run
from modelwright.streams.material import StepRows

LEAST = 5
"""A new token gets an id if it occurs so often in the training rows of the step."""
_BATCH = 1024


def step_tokenizers(run: Run, rows: StepRows, steps: int, *, grow: bool) -> list[Any | None]:
    """Returns the tokenizer after each step; None for images.

    Args:
        run: the run of the first step, which has its vocabulary.
        rows: the training rows of the stream. Test rows bring no token.
        steps: number of steps.
        grow: whether tokens that the vocabulary lacks get an id. Ids of earlier tokens stay.
    """
    first = run.tokenizer()
    if first is None or not grow:
        return [first] * steps
    options = check_options(run.model)
    lines = (run.path / VOCABULARY).read_text("utf-8").split("\n")[:-1]
    found = [first]
    for step in range(1, steps):
        lines = [*lines, *_new_tokens(rows.rows, rows.of_step(step), options, set(lines))]
        path = run.path / f"vocabulary-{step}.txt"
        write_text(path, "\n".join(lines) + "\n")
        found.append(GraphTokenizer(options, path))
    return found


def _new_tokens(rows: Rows, chosen: IntArray, options: Any, known: set[str]) -> list[str]:
    """Returns the frequent tokens that are not known, the most frequent first."""
    counts: Counter[bytes] = Counter()
    for start in range(0, len(chosen), _BATCH):
        texts = rows.take(np.asarray(chosen[start : start + _BATCH]))
        counts.update(split_tokens(tf.constant(texts, tf.string), options).values.numpy().tolist())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    tokens = [token.decode() for token, count in ranked if count >= LEAST]
    return [token for token in tokens if token not in known]


def token_count(tokenizer: Any | None) -> int:
    """Returns the number of token ids of a tokenizer; 0 for images."""
    return 0 if tokenizer is None else len(tokenizer.characters())
