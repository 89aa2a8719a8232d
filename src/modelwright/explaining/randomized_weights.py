"""The sanity check of explanations: does one change when the network's weights are random?

An explanation that stays the same says nothing about what the network learned; an edge detector
passes many other checks (Adebayo et al. 2018, arXiv:1810.03292). The values of each weight are
shuffled among themselves, so that they keep their size and spread; new initial weights would be 0
in a network that starts at 0. First those of the last layer alone are shuffled, then all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from modelwright.core.types import FloatArray, Progress
from modelwright.explaining.evaluation import ExplainedRow, MeanOverRows, mean_over_rows
from modelwright.explaining.method import MaskableRow, Method

if TYPE_CHECKING:
    import keras

LAST, ALL = "last layer", "all layers"
MOST = 0.5
"""The rank correlation below which an explanation counts as changed."""


@dataclass(frozen=True)
class RandomizationCheck:
    """How far a method's explanations stay the same when weights are random.

    Attributes:
        method: name of the method.
        correlation: mean rank correlation over rows with the explanations of the trained network,
            by which weights were shuffled. 1 is no change.
    """

    method: str
    correlation: dict[str, MeanOverRows]

    @property
    def passed(self) -> bool:
        """Whether the explanations change with all weights random: the interval is below 0.5."""
        found = self.correlation[ALL]
        return found.high is not None and found.high < MOST

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        return {
            "rank_correlation": {name: one.to_dict() for name, one in self.correlation.items()},
            "changes_with_weights": self.passed,
        }


def shuffle_weights(network: keras.Model, layers: str, seed: int) -> None:
    """Shuffles the values of each weight of the last layer with weights, or of all layers.

    Args:
        network: changed in place.
        layers: ``LAST`` or ``ALL``.
        seed: decides the order.
    """
    random = np.random.default_rng(seed)
    chosen = [layer for layer in network.layers if layer.weights]
    for layer in chosen[-1:] if layers == LAST else chosen:
        shuffled = []
        for values in layer.get_weights():
            flat = values.reshape(-1)
            shuffled.append(flat[random.permutation(len(flat))].reshape(values.shape))
        layer.set_weights(shuffled)


def check_randomization(
    rows: Sequence[ExplainedRow],
    randomized: Callable[[str], Callable[[int], MaskableRow]],
    methods: Sequence[Method],
    *,
    progress: Progress | None = None,
) -> list[RandomizationCheck]:
    """Compares explanations of a trained network with those of its shuffled copies.

    Args:
        rows: at least one row with two segments or more.
        randomized: takes ``LAST`` or ``ALL`` and returns what gives a row, by its position in
            ``rows``, to a network with such weights shuffled.
        methods: the methods, each name once.
        progress: called with each row.
    """
    trained = {
        one.name: [one.weigh(row.row, row.label, 0).values for row in rows] for one in methods
    }
    found: dict[str, dict[str, MeanOverRows]] = {one.name: {} for one in methods}
    for at, layers in enumerate((LAST, ALL)):
        row_of = randomized(layers)
        correlations: dict[str, list[float]] = {one.name: [] for one in methods}
        for number, one in enumerate(rows):
            row = row_of(number)
            for method in methods:
                values = method.weigh(row, one.label, 0).values
                before = trained[method.name][number]
                correlations[method.name].append(rank_correlation(before, values))
            if progress:
                progress("randomizing weights", at * len(rows) + number + 1, 2 * len(rows))
        for name, values_of in correlations.items():
            found[name][layers] = mean_over_rows(values_of)
    return [RandomizationCheck(name, by_layers) for name, by_layers in found.items()]


def rank_correlation(one: FloatArray, other: FloatArray) -> float:
    """Returns Spearman's rank correlation. It is 0 if an explanation tells no segments apart."""
    from scipy.stats import rankdata

    first, second = rankdata(one), rankdata(other)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(first, second)[0, 1])
