"""Accuracies of parts of the measured rows: by length, by script, by confidence.

The texts are not kept with an evaluation. They are read again from the data of the run and used
only if every row has the same origin and label as the kept answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from modelwright.core.statistics import wilson_interval
from modelwright.core.types import Dataset, Split
from modelwright.data.scripts import SCRIPTS, scripts_of
from modelwright.reporting.evaluation_record import Answers, Evaluation

_PARTS = 4
_BLOCK = 8192


@dataclass(frozen=True)
class Slice:
    """Some of the rows. ``first`` and ``last`` bound their characters where that is the slice."""

    name: str
    rows: int
    accuracy: float
    low: float
    high: float
    first: int = 0
    last: int = 0


def measured_rows(evaluation: Evaluation, rows: Dataset | str) -> Split | None:
    """Returns the rows of an evaluation as the data has them now, or None if they differ."""
    if isinstance(rows, str) or isinstance(evaluation.answers, str):
        return None
    split = next((s for name, s in rows.splits.items() if name == evaluation.split), None)
    answers = evaluation.answers
    if split is None or len(split) != len(answers.origins):
        return None
    for position, label in enumerate(split.labels.tolist()):
        origin = split.inputs.origin(position).encode("utf-8", "replace").decode()
        if rows.labels[label] != answers.labels[position] or origin != answers.origins[position]:
            return None
    return split


def slice_by_length(answers: Answers, lengths: Sequence[int]) -> list[Slice]:
    """Returns the accuracy of each quarter of the rows by their number of characters."""
    sizes, right = np.asarray(lengths), answers.right
    edges = np.unique(np.quantile(sizes, np.linspace(0, 1, _PARTS + 1), method="nearest"))
    found = []
    for number, (start, end) in enumerate(pairwise(edges)):
        inside = (sizes > start) & (sizes <= end)
        if number == 0:
            inside |= sizes == start
        first = int(start) if number == 0 else int(start) + 1
        if inside.any():
            found.append(_slice("", right[inside], first, int(end)))
    return found


def slice_by_script(answers: Answers, scripts: Sequence[int]) -> list[Slice]:
    """Returns the accuracy of the rows in each script that some of them have."""
    numbers, right = np.asarray(scripts), answers.right
    return [
        _slice(name, right[numbers == position])
        for position, name in enumerate(SCRIPTS)
        if (numbers == position).any()
    ]


def lengths_and_scripts(split: Split) -> tuple[list[int], list[int]]:
    """Returns the characters and the script of each text."""
    lengths: list[int] = []
    scripts: list[int] = []
    for start in range(0, len(split), _BLOCK):
        taken = split.inputs.take(np.arange(start, min(start + _BLOCK, len(split))))
        lengths += map(len, taken)
        scripts += scripts_of(taken).tolist()
    return lengths, scripts


def _slice(name: str, right: Sequence[bool], first: int = 0, last: int = 0) -> Slice:
    hits, rows = int(np.sum(right)), len(right)
    return Slice(name, rows, hits / rows, *wilson_interval(hits, rows), first, last)
