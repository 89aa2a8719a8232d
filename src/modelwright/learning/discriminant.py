"""Linear discriminant analysis from sums: the layer, and the scale of its scores."""

from __future__ import annotations

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray, IntArray
from modelwright.learning.class_moments import ClassMoments
from modelwright.learning.grown_weights import grow_columns
from modelwright.models.logistic_regression import LogisticFit

_TINY = 1e-9
_SCALES = np.geomspace(0.02, 20, 121)


def discriminant_layer(moments: ClassMoments, shrinkage: float) -> LogisticFit:
    """Returns the layer whose softmax is the probability of each class, given its features.

    The features of a class are taken as normal around its mean, with the same covariance for all
    classes, and the classes as frequent as they were. A class without rows is never chosen and
    gets at most 1 %.

    Args:
        moments: sums over the features of all rows.
        shrinkage: share of the covariance that is replaced by its mean variance in every direction.
            With more features than rows it decides, because the covariance alone has no inverse.

    Returns:
        Weights ``[d, classes]`` and biases ``[classes]``, one for each class, two classes too.

    Raises:
        ConfigError: fewer than two classes have rows.
    """
    present, classes = moments.present, len(moments.counts)
    if len(present) < 2:
        raise ConfigError(
            f"only {len(present)} of {classes} classes has rows, so nothing tells the classes"
            " apart; expected rows of at least two."
        )
    covariance = moments.within_covariance()
    size = len(covariance)
    mean_variance = max(float(np.trace(covariance)) / size, _TINY)
    covariance = (1 - shrinkage) * covariance
    covariance[np.diag_indices(size)] += max(shrinkage, 1e-6) * mean_variance
    means = moments.means
    kernel = np.linalg.solve(covariance, means.T)
    shares = moments.counts[present] / moments.counts.sum()
    bias = -0.5 * np.einsum("cd,dc->c", means, kernel) + np.log(shares)
    if len(present) == classes:
        return LogisticFit(kernel.astype(np.float32), bias.astype(np.float32))
    known_first = np.concatenate([present, np.setdiff1d(np.arange(classes), present)])
    grown = grow_columns(kernel.astype(np.float32), bias.astype(np.float32), classes)
    order = np.argsort(known_first)
    return LogisticFit(grown[0][:, order], grown[1][order])


def scale_of_scores(layer: LogisticFit, features: FloatArray, labels: IntArray) -> float:
    """Returns the factor of all scores with the lowest log loss on rows.

    Features are rarely normal, so the layer's own probabilities tend to be too sure. A factor
    changes no answer.

    Args:
        layer: the layer.
        features: the rows' features ``[n, d]``; training rows alone.
        labels: their classes ``[n]``.
    """
    scores = features.astype(np.float64) @ layer.kernel + layer.bias
    scores -= scores.max(axis=1, keepdims=True)
    own = scores[np.arange(len(labels)), labels]
    losses = [
        float((np.log(np.exp(scale * scores).sum(axis=1)) - scale * own).mean())
        for scale in _SCALES
    ]
    return float(_SCALES[int(np.argmin(losses))])
