"""An observation: what a model answered to rows, with the numbers that are recorded of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.types import Engine, FloatArray, IntArray, Progress, RawInput
from modelwright.monitoring.input_summary import Values, summarize_inputs, with_confidence
from modelwright.servable.engines.padding import run_padded
from modelwright.servable.tokenizer import UNKNOWN

_BATCH = 128


@dataclass(frozen=True)
class Observation:
    """The answers and numbers of ``n`` rows; no row itself.

    Attributes:
        probabilities: Class probabilities ``[n, classes]``.
        values: Maps each quantity to its values ``[n]``.
        tokens: The ids of the known tokens of each text, each id once; empty for images.
        features: Inputs of the network's last layer ``[n, d]``; None where they are not read.
    """

    probabilities: FloatArray
    values: Mapping[str, Values]
    tokens: tuple[IntArray, ...] = ()
    features: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.probabilities)

    @property
    def answers(self) -> IntArray:
        """The most probable class of each row, int64 ``[n]``."""
        answers: IntArray = self.probabilities.argmax(axis=1).astype(np.int64)
        return answers

    def class_counts(self) -> IntArray:
        """Returns how often each class is the answer, int64 ``[classes]``."""
        return np.bincount(self.answers, minlength=self.probabilities.shape[1]).astype(np.int64)

    def document_counts(self, vocabulary: int) -> IntArray:
        """Returns the number of texts with each token, int64 ``[vocabulary]``."""
        ids = np.concatenate([*self.tokens, np.zeros(0, np.int64)])
        return np.bincount(ids, minlength=vocabulary).astype(np.int64)

    def take(self, positions: IntArray) -> Observation:
        """Returns the observation of some of the rows."""
        return Observation(
            self.probabilities[positions],
            {name: values[positions] for name, values in self.values.items()},
            tuple(self.tokens[at] for at in positions) if self.tokens else (),
            None if self.features is None else self.features[positions],
        )


def observe(
    engine: Engine,
    classes: int,
    inputs: Sequence[RawInput],
    progress: Progress | None = None,
) -> Observation:
    """Answers rows, and records their numbers.

    Args:
        engine: a loaded engine; what it returns besides the probabilities are features.
        classes: the number of classes.
        inputs: texts, or the bytes of image files that the engine decodes; at least one.
        progress: called with each batch.
    """
    outputs, summaries = [], []
    tokens: list[IntArray] = []
    for start in range(0, len(inputs), _BATCH):
        batch = inputs[start : start + _BATCH]
        rows = engine.prepare(batch)
        outputs.append(run_padded(engine, rows))
        summaries.append(summarize_inputs(batch, rows))
        if np.ndim(rows) == 2:
            tokens += known_tokens(rows)
        if progress:
            progress("answering", start + len(batch), len(inputs))
    answers = np.concatenate(outputs)
    probabilities, features = answers[:, :classes], answers[:, classes:]
    summary = {name: np.concatenate([one[name] for one in summaries]) for name in summaries[0]}
    values = with_confidence(summary, probabilities)
    return Observation(probabilities, values, tuple(tokens), features if features.size else None)


def known_tokens(rows: Any) -> list[IntArray]:
    """Returns the ids of the known tokens of each row of ids ``[n, m]``, each id once."""
    unique = (np.unique(row) for row in np.asarray(rows, np.int64))
    return [ids[ids > UNKNOWN] for ids in unique]
