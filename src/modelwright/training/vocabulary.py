"""The vocabulary of a run: how its texts are split, and the tokens that get an id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from modelwright.core.files import write_bytes
from modelwright.core.kept import computed_once
from modelwright.core.types import Progress, Rows
from modelwright.models import graph_tokenizer
from modelwright.models.builders import check_options
from modelwright.models.options import TextOptions
from modelwright.models.spaceless_scripts import choose_tokens
from modelwright.runs.run import VOCABULARY, Run

_BATCH = 1024


def learn_vocabulary(
    run: Run, texts: Sequence[Rows], known: Path | None, progress: Progress | None = None
) -> Run:
    """Writes a run's vocabulary unless it is there: a copy of another, or one learned from texts.

    Args:
        run: the run of a text model.
        texts: the texts to learn from.
        known: the vocabulary to copy; None to learn one.
        progress: called after each batch.

    Returns:
        The run, which records how the texts are split where the option leaves that open.
    """
    path = run.path / VOCABULARY
    if path.exists():
        return run
    if known:
        write_bytes(path, known.read_bytes())
        return run
    options = check_options(run.model)
    tokens, note = computed_once(
        ("tokens", options.tokens),
        texts,
        lambda: choose_tokens(_batches(texts), options.tokens, sum(map(len, texts))),
        size=lambda chosen: 0,
    )
    if note:
        run = run.update(chosen={**run.chosen, "tokens": tokens}).add_note(note)
        options = check_options(run.model)

    def learn() -> bytes:
        graph_tokenizer.learn_vocabulary(_batches(texts), options, path, progress)
        return path.read_bytes()

    key = ("vocabulary", graph_tokenizer.settings_of(options), options.vocabulary)
    learned = computed_once(key, texts, learn, size=len)
    if not path.exists():
        write_bytes(path, learned)
    return run


def continue_tokens(run: Run, theirs: TextOptions | None) -> Run:
    """Returns the run with the splitting that the training of another model chose for itself."""
    if run.task != "text" or theirs is None:
        return run
    if theirs.tokens != f"{check_options(run.model).tokens}-clusters":
        return run
    return run.update(chosen={**run.chosen, "tokens": theirs.tokens})


def _batches(texts: Sequence[Rows]) -> Iterator[Sequence[str]]:
    for rows in texts:
        for start in range(0, len(rows), _BATCH):
            yield rows.take(np.arange(start, min(start + _BATCH, len(rows))))
