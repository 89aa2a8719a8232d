"""The estimate of the new class shares from answers alone: black-box shift estimation.

Source: Lipton, Wang and Smola (2018), Detecting and Correcting for Label Shift with Black Box
Predictors. If only the mix of classes changed, and not what rows of a class look like, the answers
to new rows are a mix of the answers to each class on the reference rows. The shares of that mix are
the new class shares. They maximize the likelihood, so none is below 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.types import IntArray
from modelwright.monitoring.reference import Reference

Shares = npt.NDArray[np.float64]
MOST_CLASSES = 100
_STEPS = 500
_DRAWS, _FEW_DRAWS, _FEW_CLASSES = 200, 50, 20
_STOP = 1e-7
_SMALLEST = 1e-3
_SEED = 0


@dataclass(frozen=True)
class ClassShare:
    """The estimated share of one class among the new rows, with its 95 % interval.

    ``before`` is its share among the reference rows.
    """

    label: str
    before: float
    share: float
    low: float
    high: float

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return dict(vars(self))


def estimate_shares(reference: Reference, answers: IntArray) -> tuple[ClassShare, ...]:
    """Returns the estimated share of each class.

    It returns nothing if a class has no reference row, or if there are over ``MOST_CLASSES``.

    The interval has the percentiles of a bootstrap of the reference rows and of the answers.

    Args:
        reference: with the confusion of held-out rows.
        answers: how often each class is the answer to the new rows, ``[classes]``.
    """
    confusion = reference.confusion
    if (confusion.sum(axis=1) == 0).any() or len(answers) > MOST_CLASSES:
        return ()
    found = solve_shares(confusion[None], answers[None])[0]
    random = np.random.default_rng(_SEED)
    draws = _DRAWS if len(answers) <= _FEW_CLASSES else _FEW_DRAWS
    cells = confusion.reshape(-1) / confusion.sum()
    drawn = random.multinomial(int(confusion.sum()), cells, draws).reshape(-1, *confusion.shape)
    # A class that a draw has no row of keeps those that it had.
    empty = drawn.sum(axis=2) == 0
    drawn[empty] = np.broadcast_to(confusion, drawn.shape)[empty]
    counts = random.multinomial(int(answers.sum()), answers / answers.sum(), draws)
    low, high = np.percentile(solve_shares(drawn, counts), (2.5, 97.5), axis=0)
    before = confusion.sum(axis=1) / confusion.sum()
    return tuple(
        ClassShare(label, *map(float, figures))
        for label, *figures in zip(reference.labels, before, found, low, high, strict=True)
    )


def solve_shares(confusion: IntArray, answers: IntArray) -> Shares:
    """Returns the most likely class shares ``[n, classes]``, each from 0 to 1.

    Args:
        confusion: counts ``[n, true, predicted]``; each class has a row.
        answers: counts ``[n, predicted]``.
    """
    answered = confusion / confusion.sum(axis=2, keepdims=True)  # of each class, [n, true, pred]
    mixed = answers / answers.sum(axis=1, keepdims=True)
    # The exact solution, where it has no share below 0; the steps repair the others.
    solved = (np.linalg.pinv(answered.swapaxes(1, 2)) @ mixed[..., None])[..., 0]
    shares = np.maximum(solved, _SMALLEST)
    shares /= shares.sum(axis=1, keepdims=True)
    for _ in range(_STEPS):
        expected = np.einsum("nt,ntp->np", shares, answered)
        ratio = np.divide(mixed, expected, out=np.zeros_like(mixed), where=expected > 0)
        new = shares * np.einsum("ntp,np->nt", answered, ratio)
        new /= np.maximum(new.sum(axis=1, keepdims=True), np.finfo(float).tiny)
        done = np.abs(new - shares).max() < _STOP
        shares = new
        if done:
            break
    result: Shares = shares
    return result
