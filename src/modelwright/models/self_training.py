"""Self-training: a network of n-grams learns from texts without labels.

The first labels of these texts come from a fit that also knows which n-grams occur together: the
singular vectors of all texts (Deerwester et al., "Indexing by Latent Semantic Analysis", 1990).
Then each round fits the n-grams on the rows with labels and on the surest of those without, and
labels the latter anew. Each round takes more of them, the last one all. The surest are taken class
by class, in the shares that the labeled rows have: otherwise one class would soon be everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.core.types import FloatArray, IntArray
from modelwright.models.logistic_regression import LogisticFit, fit_logistic
from modelwright.models.ngram_features import WeightedNgrams

ROUNDS = 5
_DIRECTIONS = 50
_ADJUSTMENTS = 20
_TINY = 1e-12


@dataclass(frozen=True)
class NgramFit:
    """The weights of n-grams as features, and the fit on them."""

    weighted: WeightedNgrams
    fitted: LogisticFit

    def probabilities(self, present: Any) -> FloatArray:
        """Returns the probabilities ``[n, classes]`` of rows."""
        return self.fitted.probabilities(self.weighted.features(present))


def find_latent_features(features: Any, seed: int) -> FloatArray:
    """Returns the coordinates of all rows along their main directions, ``[n, k]``.

    Args:
        features: the features of rows with and without labels, sparse ``[n, m]``.
        seed: of the random start.
    """
    from sklearn.utils.extmath import randomized_svd
    from threadpoolctl import threadpool_limits

    most = max(1, min(_DIRECTIONS, *(side - 1 for side in features.shape)))
    with threadpool_limits(1):
        left, sizes, _ = randomized_svd(features, most, n_iter=3, random_state=seed)
    latent: FloatArray = (left * np.sqrt(sizes)).astype(np.float32)
    return latent / max(float(np.sqrt((latent**2).sum(axis=1).mean())), _TINY)


def first_probabilities(
    fit: NgramFit,
    present: Any,
    latent: FloatArray,
    labeled: IntArray,
    labels: IntArray,
    strength: float,
) -> FloatArray:
    """Returns the probabilities of all rows by n-grams and main directions together.

    Args:
        fit: a fit of the labeled rows, for the weights of its n-grams.
        present: the n-grams of all rows, ``[n, m]``.
        latent: their coordinates, ``[n, k]``.
        labeled: positions of the labeled rows.
        labels: their classes, ``[len(labeled)]``.
        strength: inverse of the penalty.
    """
    from scipy import sparse

    scale = max(float(np.sqrt((latent[labeled] ** 2).sum(axis=1).mean())), _TINY)
    both = sparse.hstack([fit.weighted.features(present), latent / scale], format="csr")
    classes = max(2, fit.fitted.kernel.shape[1])
    return fit_logistic(both[labeled], labels, classes, [strength])[0].probabilities(both)


def self_train(
    probabilities: FloatArray,
    shares: FloatArray,
    fit: Callable[[IntArray, IntArray], NgramFit],
    present: Any,
) -> NgramFit:
    """Returns the fit of the last round.

    Args:
        probabilities: the first ones of the texts without labels, ``[n, classes]``.
        shares: the share of each class among the labeled rows, ``[classes]``.
        fit: fits the labeled rows and, of these texts, those at given positions with given classes.
        present: the n-grams of these texts, sparse ``[n, m]``.
    """
    for number in range(1, ROUNDS + 1):
        labels, chosen = choose_surest(probabilities, shares, number / ROUNDS)
        found = fit(chosen, labels[chosen])
        if number < ROUNDS:
            probabilities = found.probabilities(present)
    return found


def choose_surest(
    probabilities: FloatArray, shares: FloatArray, fraction: float
) -> tuple[IntArray, IntArray]:
    """Returns the class of each row, and the positions of the surest rows of each class.

    The scores of each class are shifted until the classes have the given shares.

    Args:
        probabilities: ``[n, classes]``.
        shares: the share of each class, ``[classes]``.
        fraction: of all rows, how many are taken.
    """
    scores = np.log(np.maximum(probabilities, _TINY))
    present = shares > 0
    scores[:, ~present] = -np.inf
    for _ in range(_ADJUSTMENTS):
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        mean = (powers / powers.sum(axis=1, keepdims=True)).mean(axis=0)
        scores[:, present] += np.log(shares[present] / np.maximum(mean[present], _TINY))
    labels = scores.argmax(axis=1)
    ordered = np.sort(scores, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    chosen = []
    for label in np.flatnonzero(present):
        own = np.flatnonzero(labels == label)
        most = int(np.ceil(fraction * shares[label] * len(labels)))
        chosen.append(own[np.argsort(-margin[own], kind="stable")[:most]])
    return labels, np.sort(np.concatenate(chosen))
