"""Measures how true an explanation is: what the model answers without the segments that it names.

All figures come from one order of the segments, the most important first:

- comprehensiveness: how far the probability falls without the first segments. Higher is better.
- sufficiency: how far it falls with the first segments alone. Lower is better. Both are means over
  the first 1, 5, 10, 20 and 50 % of the segments (DeYoung et al. 2020, arXiv:1911.03429).
- deletion: the area under the probability while segments are taken out one after the other. Lower
  is better.
- insertion: the area while they are put into the empty row. Higher is better. Both after RISE
  (Petsiuk et al. 2018, arXiv:1806.07421).
- insertion less deletion: the difference of the two areas. Higher is better.

A figure alone says little: a model that reads one segment gives any order a low sufficiency. So
each is compared with random orders of the same segments of the same row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import numpy.typing as npt

from modelwright.core.types import BoolArray, FloatArray, IntArray
from modelwright.explaining.method import MaskableRow

HIGHER_IS_BETTER = {
    "comprehensiveness": True,
    "sufficiency": False,
    "deletion": False,
    "insertion": True,
    "insertion_less_deletion": True,
}
FIGURES = tuple(HIGHER_IS_BETTER)
FRACTIONS = (0.01, 0.05, 0.1, 0.2, 0.5)
"""Shares of the segments that comprehensiveness and sufficiency take."""
RANDOM_ORDERS = 5
TOP = 5
"""How many segments two explanations are compared by."""
_STEPS = 16
"""Largest number of steps of the deletion and insertion curves."""


def order_segments(weights: FloatArray, seed: int = 0) -> IntArray:
    """Returns the positions of the segments, the highest weight first, int64 ``[segments]``.

    Segments of equal weight come in a random order. In reading order, a method that finds nothing
    would take the first words of a text, which often say more than later ones.
    """
    tie = np.random.default_rng(seed).random(len(weights))
    return np.lexsort((tie, -np.asarray(weights, np.float64))).astype(np.int64)


def random_orders(segments: int, seed: int, count: int = RANDOM_ORDERS) -> IntArray:
    """Returns random orders of the segments, int64 ``[count, segments]``."""
    random = np.random.default_rng(seed)
    return np.stack([random.permutation(segments) for _ in range(count)]).astype(np.int64)


def measure_orders(row: MaskableRow, label: int, orders: npt.ArrayLike) -> FloatArray:
    """Returns the figures of several orders of a row's segments, float32 ``[orders, FIGURES]``.

    The model answers each masked input once, however many orders share it.

    Args:
        row: at least one segment.
        label: position of the explained label.
        orders: positions of all segments, the most important first, ``[orders, segments]``.
    """
    orders = np.asarray(orders, np.int64)
    count = orders.shape[1]
    first = [max(1, round(share * count)) for share in FRACTIONS]
    steps = np.unique(np.round(np.linspace(0, count, min(count, _STEPS) + 1)).astype(np.int64))
    masks = np.concatenate([_masks(order, first, steps) for order in orders])
    unique, position = np.unique(masks, axis=0, return_inverse=True)
    answers = np.asarray(row.answer(unique)[:, label], np.float64)[position.reshape(-1)]
    shaped = answers.reshape(len(orders), -1)
    without, alone, deleted, inserted = np.split(
        shaped, np.cumsum([len(first), len(first), len(steps)]), axis=1
    )
    whole = deleted[:, :1]
    share = steps / count
    deletion, insertion = (np.trapezoid(curve, share, axis=1) for curve in (deleted, inserted))
    figures = (
        (whole - without).mean(axis=1),
        (whole - alone).mean(axis=1),
        deletion,
        insertion,
        insertion - deletion,
    )
    return np.stack(figures, axis=1).astype(np.float32)


def top_overlap(weights: Sequence[FloatArray], top: int = TOP) -> float:
    """Returns which share of their top segments explanations of one row have in common.

    It is the mean over all pairs, 1 if they name the same segments. The top segments are those
    with the largest weights, for or against the label.

    Args:
        weights: at least two explanations, each ``[segments]``.
        top: number of segments to compare, or all of them if there are fewer.
    """
    kept = min(top, len(weights[0]))
    named = [set(order_segments(np.abs(one))[:kept].tolist()) for one in weights]
    return float(np.mean([len(one & other) / kept for one, other in combinations(named, 2)]))


def gain(figure: str, values: FloatArray, random: FloatArray) -> FloatArray:
    """Returns how much better than random a figure is on each row; above 0 is better."""
    return values - random if HIGHER_IS_BETTER[figure] else random - values


def _masks(order: IntArray, first: Sequence[int], steps: IntArray) -> BoolArray:
    """Returns what is kept: without the first, the first alone, then both curves."""
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    taken = np.array(first)[:, None]
    return np.concatenate(
        [rank >= taken, rank < taken, rank >= steps[:, None], rank < steps[:, None]]
    )
