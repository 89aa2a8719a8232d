"""A linear network over n-grams, each weighed by its naive-Bayes log-count ratio.

After Wang and Manning, "Baselines and Bigrams" (2012): which n-grams a text has, not how often,
each times how much likelier it is in one class than in the others. The n-grams are made inside
the network, of the ids that every text network reads, and hashed to buckets.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray
from modelwright.models.adaptation import Given
from modelwright.models.options import NgramsOptions

NONE = 0
"""The bucket that counts for nothing: of padding, of unknown tokens, of repeats."""
_UNKNOWN = 1
_STEP = 2048
# At most 2**23 buckets times these stays below 2**31; no such number is divisible by all three.
LARGEST = 2**23
_FACTORS = (251, 241, 239)
# So that the usual rates suit these weights too.
_SCALE = 100.0


def build(options: NgramsOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """A network from int32 ids ``[n, *shape]``, 0 for padding, to probabilities."""
    inputs = keras.Input(shape, dtype="int32", name="ids")
    return keras.Model(inputs, member(inputs, options, classes), name="ngrams")


def member(ids: Any, options: NgramsOptions, classes: int, scale: float = _SCALE) -> Any:
    """The probabilities that this network gives ids, as part of any network.

    ``scale`` says how far a step of the optimiser moves the scores.

    Raises:
        ConfigError: the vocabulary leaves no buckets for n-grams.
    """
    if options.buckets <= options.vocabulary + 1:
        raise ConfigError(
            f"model.buckets was given {options.buckets} with model.vocabulary = "
            f"{options.vocabulary}; every id has a bucket and n-grams share those above, so"
            " expected more buckets, several times as many, or a smaller vocabulary."
        )
    found = Buckets(options.vocabulary, options.buckets, options.longest, name="buckets")(ids)
    columns = 1 if classes == 2 else classes
    scores = WeighedSum(options.buckets, columns, scale, name="scores")(found)
    kind = "sigmoid" if classes == 2 else "softmax"
    return keras.layers.Activation(kind, dtype="float32", name="ngram_probabilities")(scores)


def adapt(network: keras.Model, options: NgramsOptions, given: Given) -> None:
    """Set the ratios: how much likelier each bucket is in a class, by the training rows."""
    buckets = network.get_layer("buckets")
    rows, labels = given.rows, given.labels
    classes = int(labels.max()) + 1
    counts = np.zeros((options.buckets, max(classes, 2)), np.float32)
    for start in range(0, len(rows), _STEP):
        chosen = np.arange(start, min(start + _STEP, len(rows)))
        found = ops.convert_to_numpy(buckets(ops.convert_to_tensor(rows.take(chosen))))
        row, column = np.nonzero(found != NONE)
        np.add.at(counts, (found[row, column], labels[chosen][row]), 1)
        if given.progress:
            given.progress("counting n-grams", int(chosen[-1]) + 1, len(rows))
    scores = network.get_layer("scores")
    scores.ratio.assign(ratios(counts, options.smoothing, options.min_count, scores.columns))


def ratios(
    counts: FloatArray, smoothing: float, min_count: int, columns: int
) -> npt.NDArray[np.float32]:
    """Log-count ratios ``[buckets, columns]`` of counts ``[buckets, classes]``.

    With one column the second class against the first, otherwise each against the rest: the
    log of two shares, each of a bucket's rows among all those of its side, ``smoothing`` added
    to every count. A bucket with fewer rows than ``min_count`` has the ratio 0.
    """
    total = counts.sum(axis=1, keepdims=True)
    own = np.zeros((len(counts), columns), np.float32)
    present = counts[:, 1:2] if columns == 1 else counts
    own[:, : present.shape[1]] = present
    inside, outside = own + smoothing, total - own + smoothing
    given = np.log(inside / inside.sum(axis=0)) - np.log(outside / outside.sum(axis=0))
    return np.where(total < max(min_count, 1), 0, given).astype(np.float32)


class Buckets(keras.layers.Layer):  # type: ignore[misc]
    """Ids int32 ``[n, length]`` to the buckets of their n-grams, each once, sorted.

    A single token's bucket is its id; longer n-grams share those above the vocabulary. Gives
    int32 ``[n, m]`` with as many columns as there are places for n-grams, the rest NONE.
    """

    def __init__(self, vocabulary: int, buckets: int, longest: int, **kwargs: Any) -> None:
        super().__init__(dtype="int32", trainable=False, **kwargs)
        self.vocabulary = vocabulary
        self.hashed = buckets - vocabulary
        self.longest = longest
        self.factor = next(factor for factor in _FACTORS if self.hashed % factor)

    def call(self, ids: Any) -> Any:
        """The buckets."""
        known = ids > _UNKNOWN
        codes, whole = ids, known
        found = [ops.where(known, ids, NONE)]
        for width in range(2, self.longest + 1):
            codes = ops.mod(self._spread(codes[:, :-1]) + ids[:, width - 1 :], self.hashed)
            whole = ops.logical_and(whole[:, :-1], known[:, width - 1 :])
            found.append(ops.where(whole, codes + self.vocabulary, NONE))
        ranked = ops.sort(ops.concatenate(found, axis=1), axis=1)
        again = ops.pad(ops.equal(ranked[:, 1:], ranked[:, :-1]), [[0, 0], [1, 0]])
        return ops.where(again, NONE, ranked)

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As many columns as there are places for n-grams."""
        if shape[1] is None:
            return shape
        widths = range(self.longest)
        return shape[0], sum(max(shape[1] - less, 0) for less in widths)

    def _spread(self, codes: Any) -> Any:
        """Codes times a large number modulo the buckets, in steps that fit into int32."""
        codes = ops.mod(codes, self.hashed)
        for _ in range(3):
            codes = ops.mod(codes * self.factor, self.hashed)
        return codes


class WeighedSum(keras.layers.Layer):  # type: ignore[misc]
    """Buckets int32 ``[n, m]`` to scores float32 ``[n, columns]``.

    The sum of ratio times weight over the buckets that have a ratio, divided by the square root
    of their number, so that long texts are not surer than short ones; and a bias.
    """

    def __init__(self, buckets: int, columns: int, scale: float, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.columns = columns
        self.scale = scale
        self.ratio = self.add_weight((buckets, columns), "zeros", name="ratio", trainable=False)
        self.weight = self.add_weight((buckets, columns), "zeros", name="weight")
        self.bias = self.add_weight((columns,), "zeros", name="bias")

    def call(self, found: Any) -> Any:
        """The scores."""
        given = ops.take(self.ratio, found, axis=0)
        weighed = ops.sum(given * ops.take(self.weight, found, axis=0), axis=1)
        counted = ops.cast(ops.any(ops.not_equal(given, 0), axis=2), "float32")
        number = ops.maximum(ops.sum(counted, axis=1, keepdims=True), 1)
        return self.scale * weighed / ops.sqrt(number) + self.bias
