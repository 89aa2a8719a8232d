"""The test of words: whether frequent words of the training are in more or fewer texts."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelwright.core.types import IntArray
from modelwright.monitoring.calibration import Calibrated
from modelwright.monitoring.observation import Observation
from modelwright.monitoring.reference import Reference
from modelwright.monitoring.shift_test import ShiftTest

WORDS = "words"
FREQUENT = 500
"""The number of words in a reference."""
_SHOWN = 5
_LONGEST = 20


def frequent_words(observed: Observation, vocabulary: Sequence[str]) -> list[str]:
    """Returns the words that are in most texts, the most frequent first."""
    counts = observed.document_counts(len(vocabulary))
    order = np.argsort(-counts, kind="stable")[:FREQUENT]
    return [vocabulary[at] for at in order if counts[at]]


def count_words(observed: Observation, words: Sequence[str], vocabulary: Sequence[str]) -> IntArray:
    """Returns the number of texts with each word; 0 for one that the vocabulary lacks."""
    counts = observed.document_counts(len(vocabulary))
    positions = {word: position for position, word in enumerate(vocabulary)}
    found = [int(counts[positions[word]]) if word in positions else 0 for word in words]
    return np.array(found, np.int64)


def compare_words(
    reference: Reference, new: Observation, vocabulary: Sequence[str], level: float
) -> ShiftTest:
    """Compares the number of texts with each word by Fisher's exact test.

    The statistic is -log10 of the smallest p-value of all words; the threshold is corrected for
    their number (Bonferroni).
    """
    words = list(reference.words)
    before = np.array([reference.words[word] for word in words], np.int64)
    after = count_words(new, words, vocabulary)
    p_values = fisher_p_values(before, reference.rows, after, len(new))
    allowed = level / len(words)
    order = np.argsort(p_values, kind="stable")
    smallest = float(p_values[order[0]])
    result = Calibrated(
        -math.log10(max(smallest, 1e-300)), -math.log10(allowed), min(1.0, smallest * len(words))
    )
    changed = int((p_values < allowed).sum())
    if not changed:
        said = f"each of {len(words)} frequent words is in as many texts"
        return ShiftTest(WORDS, "-log10 of the smallest p-value", result, said)
    shown = ", ".join(
        f"'{words[at][:_LONGEST]}' {100 * after[at] / len(new):.0f} %"
        f" (reference {100 * before[at] / reference.rows:.0f} %)"
        for at in order[: min(_SHOWN, changed)]
    )
    said = f"{changed} of {len(words)} frequent words are in more or fewer texts: {shown}"
    return ShiftTest(WORDS, "-log10 of the smallest p-value", result, said)


def fisher_p_values(
    first: IntArray, rows: int, second: IntArray, other_rows: int
) -> npt.NDArray[np.float64]:
    """Returns the p-value of equal shares for each pair of counts, ``[n]``.

    It is twice the smaller tail of the hypergeometric distribution, at most 1.

    Args:
        first: counts ``[n]`` among ``rows``.
        rows: the number of rows of the first set.
        second: counts ``[n]`` among ``other_rows``.
        other_rows: the number of rows of the second set.
    """
    total = rows + other_rows
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, total + 1)))])
    p_values = np.ones(len(first))
    for at, (one, other) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
        together = one + other
        lowest, highest = max(0, together - rows), min(together, other_rows)
        # The tail from the measured count away from the expected one is the smaller one.
        above = other * total > together * other_rows
        counts = np.arange(other, highest + 1) if above else np.arange(lowest, other + 1)
        shares = np.exp(
            logs[together] - logs[counts] - logs[together - counts]
            + logs[total - together] - logs[other_rows - counts]
            - logs[total - together - other_rows + counts]
            - logs[total] + logs[other_rows] + logs[rows]
        )  # fmt: skip
        p_values[at] = min(1.0, 2 * float(shares.sum()))
    return p_values
