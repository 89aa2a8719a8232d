"""Which old rows to keep: the same number of each class, and within a class of each time.

Rows are chosen at random, so that a choice among rows that were themselves chosen is still uniform,
as in reservoir sampling; or by herding, which takes the rows whose mean is nearest to that of all
(Rebuffi et al., "iCaRL", arXiv:1611.07725).
"""

from __future__ import annotations

import numpy as np

from modelwright.core.types import FloatArray, IntArray


def select_rows(
    labels: IntArray,
    times: IntArray,
    limit: int,
    *,
    seed: int,
    features: FloatArray | None = None,
) -> IntArray:
    """Returns the positions of the rows to keep, ascending; of all rows if ``limit`` allows it.

    Classes share the limit equally, and the times within a class share what the class has. Where
    one has fewer rows than its share, the others share the rest.

    Args:
        labels: class of each row, int64 ``[n]``.
        times: when each row came, as any numbers, int64 ``[n]``.
        limit: the most rows to keep.
        seed: random seed. The result depends on the arguments alone.
        features: features of each row, ``[n, d]``; they choose by herding in place of chance.

    Raises:
        ValueError: the limit is negative, or there are not as many labels, times and features.
    """
    counts = {len(labels), len(times), len(labels if features is None else features)}
    if limit < 0 or len(counts) > 1:
        raise ValueError(
            f"limit {limit}, {len(labels)} labels, {len(times)} times"
            f"{'' if features is None else f', {len(features)} features'}; expected a limit of at"
            " least 0, and as many of each as there are rows."
        )
    random = np.random.default_rng(seed)
    chosen = []
    of_class = [np.flatnonzero(labels == one) for one in np.unique(labels)]
    for rows, share in zip(of_class, _shares(of_class, limit, random), strict=True):
        of_time = [rows[times[rows] == one] for one in np.unique(times[rows])]
        for group, size in zip(of_time, _shares(of_time, share, random), strict=True):
            picked = (
                random.permutation(len(group))[:size]
                if features is None
                else herd(features[group], size)
            )
            chosen.append(group[picked])
    found: IntArray = np.sort(np.concatenate([np.zeros(0, np.int64), *chosen]))
    return found


def herd(features: FloatArray, size: int) -> IntArray:
    """Returns positions of rows, in an order in which the mean of the first is near that of all.

    Each next row is the one that brings the mean of the chosen rows nearest to the mean of all.
    Features are scaled to length 1, as in the paper. Of equal rows the first is taken.

    Args:
        features: ``[n, d]``.
        size: number of rows, at most n.
    """
    norms = np.linalg.norm(features, axis=1, keepdims=True).astype(np.float64)
    rows = features / np.where(norms > 0, norms, 1.0)
    mean, total = rows.mean(axis=0), np.zeros(rows.shape[1])
    # |mean - (total + row) / k| is least where |row|^2 - 2 row (k mean - total) is.
    squares = (rows**2).sum(axis=1)
    chosen = np.zeros(size, np.int64)
    for step in range(size):
        distance = squares - 2 * rows @ ((step + 1) * mean - total)
        distance[chosen[:step]] = np.inf
        chosen[step] = distance.argmin()
        total += rows[chosen[step]]
    return chosen


def _shares(groups: list[IntArray], limit: int, random: np.random.Generator) -> list[int]:
    """Returns how many rows of each group to keep: as equal as the sizes of the groups allow."""
    sizes = np.array([len(group) for group in groups], np.int64)
    shares = np.zeros_like(sizes)
    left = min(limit, int(sizes.sum()))
    while left:
        open_groups = np.flatnonzero(shares < sizes)
        each = left // len(open_groups)
        if each:
            shares[open_groups] = np.minimum(shares[open_groups] + each, sizes[open_groups])
        else:  # fewer rows than groups are left: chance decides which groups get one more
            shares[random.permutation(open_groups)[:left]] += 1
        left = min(limit, int(sizes.sum())) - int(shares.sum())
    return [int(share) for share in shares]
