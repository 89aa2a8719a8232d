"""The n-grams of each text, and how much each counts as a feature.

Each n-gram that occurs in a text counts once. The square of its weight is the sum of two: that of
its inverse document frequency, as in TF-IDF, and a share of that of its log-count ratio, as in Wang
and Manning, "Baselines and Bigrams" (2012). Few rows give no reliable ratios, so their share is
chosen by cross-validation. In texts with spaces, longer n-grams count less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from modelwright.core.types import BoolArray, FloatArray, IntArray, Progress, Rows
from modelwright.models.options import NgramsOptions

RATIO_SHARES = (0.1, 1.0)
"""The shares of the log-count ratios that a solver compares, the usual one first."""
_MOST_COMPARED = 10_000
_CHUNK = 2048
_CHARACTER_DECAY = 1.0
_WORD_DECAY = 0.6
"""Runs of words are rare, and what they say their words say too. Characters say little alone."""
_FEW_ROWS = 1_000
"""With more rows, more runs of words occur often enough to count like their words."""
ROWS_PER_COUNT = 2000
"""For so many rows more, an n-gram has to occur in one more of them, up to ``min_count``."""
_MOST_WEIGHTS = 2**23
"""The solver keeps about twenty copies of the weights."""
_TINY = 1e-12


@dataclass(frozen=True)
class Weighting:
    """How an n-gram's weight is computed.

    Attributes:
        ratio_share: how much its log-count ratio counts, compared with its frequency.
        decay: factor for each token beyond the first.
    """

    ratio_share: float
    decay: float


@dataclass(frozen=True)
class NgramRows:
    """The n-grams that occur in each row.

    Attributes:
        present: sparse float32 ``[n, m]``, 1 where a row has an n-gram.
        buckets: bucket of each n-gram, ``[m]``.
        lengths: its number of tokens, ``[m]``.
    """

    present: Any
    buckets: IntArray
    lengths: IntArray

    def __len__(self) -> int:
        return int(self.present.shape[0])


class WeightedNgrams:
    """The weight of each n-gram, found from labeled rows, and the features that it gives.

    A feature of a row is the weight of an n-gram in it over the square root of the number of its
    n-grams that are known.

    Attributes:
        weights: the weight of each n-gram, ``[m]``; 0 for those that are not known.
    """

    def __init__(
        self,
        rows: NgramRows,
        chosen: IntArray,
        labels: IntArray,
        weighting: Weighting,
        frequency: FloatArray | None = None,
        counted: BoolArray | None = None,
    ) -> None:
        """Finds the weights.

        Args:
            rows: the n-grams of all rows.
            chosen: positions of the labeled rows.
            labels: their classes, ``[len(chosen)]``.
            weighting: how the weights are computed.
            frequency: ``inverse_frequencies`` of more rows than these, all of whose n-grams then
                count as known; those of the labeled rows by default.
            counted: which n-grams count in the number of a row's n-grams besides those that are
                known, ``[m]``; none by default.
        """
        present = rows.present[chosen]
        found = present.sum(axis=0) > 0
        ratio = np.where(found, _squared_ratios(present, labels), 0)
        ratio /= _mean(ratio[found])
        if frequency is None:
            frequency = np.where(found, inverse_frequencies(present), 0)
        known = frequency > 0
        weights = np.sqrt(frequency / _mean(frequency[known]) + weighting.ratio_share * ratio)
        self.weights: FloatArray = np.where(
            known, weights * weighting.decay ** (rows.lengths - 1), 0
        ).astype(np.float32)
        self._counted = known if counted is None else known | counted
        squares = self.features(present).power(2).sum(axis=1)
        self.weights /= max(float(np.sqrt(squares.mean())), _TINY)

    def features(self, present: Any) -> Any:
        """Returns the features of rows, sparse ``[n, m]``, of mean square 1 where fitted."""
        from scipy import sparse

        return (self.shares(present) @ sparse.diags_array(self.weights)).tocsr()

    def shares(self, present: Any) -> Any:
        """Returns rows over the square root of their numbers of n-grams, sparse ``[n, m]``."""
        from scipy import sparse

        number = present @ self._counted.astype(np.float32)
        return sparse.diags_array(1 / np.sqrt(np.maximum(number, 1))) @ present


def read_ngrams(
    layer: Any,
    options: NgramsOptions,
    parts: Sequence[Rows],
    columns: int,
    progress: Progress | None = None,
    known: BoolArray | None = None,
) -> NgramRows:
    """Returns the n-grams of rows, without those that occur in too few of them.

    Args:
        layer: the ``Buckets`` of the network.
        options: its options.
        parts: rows whose ``take`` returns token ids. The result has all of them in their order.
        columns: number of weights that each n-gram will have.
        progress: called after each chunk.
        known: whether each bucket stays however rare it is, ``[buckets]``; none by default.
    """
    from scipy import sparse

    found, lengths = [], np.full(options.buckets, options.longest)
    done, total = 0, sum(map(len, parts))
    for part in parts:
        for start in range(0, len(part), _CHUNK):
            ids = part.take(np.arange(start, min(start + _CHUNK, len(part))))
            found.append(present_ngrams(layer, ids, options.buckets, lengths))
            done += len(ids)
            if progress:
                progress("counting n-grams", done, total)
    present = sparse.vstack(found, format="csc")
    counts = np.diff(present.indptr)
    fewest = max(1, min(options.min_count, 1 + total // ROWS_PER_COUNT))
    most = _MOST_WEIGHTS // columns
    while np.sum(counts >= fewest) > most:
        fewest += 1
    stays = counts >= fewest
    if known is not None:
        stays |= known & (counts > 0)
    kept = np.flatnonzero(stays)
    if not len(kept):  # no row has a known token; a solver still needs one feature
        kept = np.zeros(1, np.int64)
    return NgramRows(present[:, kept].tocsr(), kept, lengths[kept])


def compared_rows(count: int) -> IntArray:
    """Returns the positions of the rows that choose among a solver's candidates, in their order.

    They are all rows, or so many spread evenly over them that most of the time is saved.
    """
    return np.linspace(0, count - 1, min(count, _MOST_COMPARED)).astype(np.int64)


def present_ngrams(layer: Any, ids: Any, buckets: int, lengths: IntArray) -> Any:
    """Returns the n-grams of rows, ``[n, buckets]``, and sets the lengths of their buckets."""
    from scipy import sparse

    rows, columns = [], []
    tokens, owners = _one_after_another(np.asarray(ids))
    tokens = np.pad(tokens, (0, layer.longest))
    by_length = layer.by_length(ops.convert_to_tensor(tokens[None]))
    # From the longest to the shortest, so that a shared bucket has the length of the latter.
    for length, found in reversed(list(enumerate(map(ops.convert_to_numpy, by_length), 1))):
        there = np.flatnonzero(found[0])
        rows.append(owners[there])
        columns.append(found[0, there])
        lengths[columns[-1]] = length
    cells = (np.concatenate(rows), np.concatenate(columns))
    values = np.ones(len(cells[0]), np.float32)
    present = sparse.csr_array((values, cells), shape=(len(ids), buckets))
    present.sum_duplicates()
    present.data[:] = 1
    return present


def scale_rows(present: Any, factors: FloatArray) -> Any:
    """Returns sparse rows ``[n, m]``, each multiplied by a factor ``[n]``."""
    from scipy import sparse

    data = present.data * np.repeat(factors, np.diff(present.indptr))
    return sparse.csr_array((data, present.indices, present.indptr), shape=present.shape)


def row_sums(present: Any, values: FloatArray) -> FloatArray:
    """Returns the sums ``[n, k]`` over the n-grams of sparse rows, of values ``[nnz, k]``."""
    from scipy import sparse

    own = np.arange(len(values))
    ones = np.ones(len(values), np.float32)
    shape = (present.shape[0], len(values))
    found: FloatArray = sparse.csr_array((ones, own, present.indptr), shape=shape) @ values
    return found


def _one_after_another(ids: IntArray) -> tuple[IntArray, IntArray]:
    """Returns the tokens of all rows in one row with a 0 after each, and the row of each token.

    No n-gram has a 0 in it, so none has tokens of two rows. Padding, of which short texts have
    much, takes no time so.
    """
    filled = ids != 0
    used = np.where(filled.any(axis=1), ids.shape[1] - filled[:, ::-1].argmax(axis=1), 0)
    ended = np.pad(ids, ((0, 0), (0, 1)))
    inside = np.arange(ended.shape[1]) <= used[:, None]
    return ended[inside], np.repeat(np.arange(len(ids)), used + 1)


def _mean(squares: FloatArray) -> float:
    """Returns the mean as a divisor: never 0, and of no numbers a tiny one."""
    return max(float(squares.mean()), _TINY) if len(squares) else _TINY


def find_decay(rows: NgramRows, characters: BoolArray | None) -> float:
    """Returns the decay for the texts' share of characters among characters and words."""
    if characters is None:
        characters = np.zeros(int(rows.buckets.max()) + 1, bool)
    single = np.flatnonzero(rows.lengths == 1)
    counts = rows.present[:, single].sum(axis=0)
    share = float(counts @ characters[rows.buckets[single]]) / max(float(counts.sum()), 1)
    words = 1 - (1 - _WORD_DECAY) * min(1.0, float(np.sqrt(_FEW_ROWS / max(len(rows), 1))))
    return round(words + (_CHARACTER_DECAY - words) * share, 3)


def inverse_frequencies(present: Any) -> FloatArray:
    """Returns the square of the inverse document frequency of each n-gram, ``[m]``."""
    rows = present.shape[0]
    squares: FloatArray = (np.log((1 + rows) / (1 + present.sum(axis=0))) + 1) ** 2
    return squares


def _squared_ratios(present: Any, labels: IntArray) -> FloatArray:
    """Returns the mean square of the log-count ratios of each n-gram over the classes, ``[m]``.

    A ratio is the log of two shares: that of the rows of a class that have the n-gram, over that
    of all other rows.
    """
    total = present.sum(axis=0).astype(np.float64)
    squares = np.zeros(len(total), np.float32)
    names = np.unique(labels)
    for label in names:
        own = labels == label
        inside = present[own].sum(axis=0) + 1.0
        outside = total - inside + 2.0
        ratio = np.log(inside / (own.sum() + 2)) - np.log(outside / ((~own).sum() + 2))
        squares += np.float32(1 / len(names)) * ratio.astype(np.float32) ** 2
    return squares
