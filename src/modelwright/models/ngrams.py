"""A linear network over n-grams, each scaled by its naive-Bayes log-count ratio.

After Wang and Manning, "Baselines and Bigrams" (2012): the inputs are the n-grams that occur in a
text, not how often, each times how much more likely it is in one class than in the others. The
network makes the n-grams itself, from the token ids that every text network reads, and hashes
them to buckets.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray, Progress
from modelwright.models.adaptation import AdaptationData
from modelwright.models.logistic_regression import scores_to_probabilities
from modelwright.models.network_size import check_weight
from modelwright.models.ngram_features import present_ngrams, row_sums
from modelwright.models.ngram_solver import out_of_fold as out_of_fold
from modelwright.models.ngram_solver import solve as solve
from modelwright.models.options import NgramFeatureOptions

NO_BUCKET = 0
"""Bucket of padding, of unknown tokens and of repeats. It adds nothing to a score."""
_UNKNOWN = 1
_CHUNK = 2048
# At most MOST_BUCKETS times a factor stays below 2**31. No number of buckets in that range is
# divisible by all three factors.
_FACTORS = (251, 241, 239)
# Makes the usual learning rates suitable for these weights.
_SCALE = 100.0


def build(options: NgramFeatureOptions, shape: tuple[int, ...], classes: int) -> keras.Model:
    """Returns a network from int32 token ids ``[n, *shape]``, padded with 0, to probabilities."""
    inputs = keras.Input(shape, dtype="int32", name="ids")
    return NgramNetwork(inputs, probabilities(inputs, options, classes), name="ngrams")


def probabilities(
    ids: Any, options: NgramFeatureOptions, classes: int, scale: float = _SCALE
) -> Any:
    """Returns the probabilities for token ids, as a part of any network.

    Args:
        ids: Token ids int32 ``[n, length]``.
        options: The builder's options.
        classes: Number of classes.
        scale: How far a step of the optimizer moves the scores.

    Raises:
        ConfigError: The vocabulary leaves no buckets for n-grams.
    """
    if options.buckets <= options.vocabulary + 1:
        raise ConfigError(
            f"model.buckets was given {options.buckets} with model.vocabulary = "
            f"{options.vocabulary}; every token id has a bucket and n-grams share those above, so"
            " expected more buckets, several times as many, or a smaller vocabulary."
        )
    buckets = Buckets(options.vocabulary, options.buckets, options.longest, name="buckets")(ids)
    columns = 1 if classes == 2 else classes
    check_weight(
        f"the n-grams of {classes:,} classes",
        (options.buckets, columns),
        "Give fewer model.buckets, with a smaller model.vocabulary, or fewer classes.",
    )
    scores = WeighedSum(options.buckets, columns, scale, name="scores")(buckets)
    kind = "sigmoid" if classes == 2 else "softmax"
    return keras.layers.Activation(kind, dtype="float32", name="ngram_probabilities")(scores)


def adapt(network: keras.Model, options: NgramFeatureOptions, data: AdaptationData) -> None:
    """Sets the ratios: how much more likely each bucket is in a class, in the training rows.

    A row with soft labels counts in each class by its share.
    """
    layer = network.get_layer("buckets")
    classes = max(int(data.labels.max()) + 1, 2)
    counts = np.zeros((options.buckets, classes), np.float32)
    groups = [(data.rows, np.eye(classes, dtype=np.float32)[data.labels])]
    if data.unlabeled is not None and data.soft_labels is not None:
        groups.append((data.unlabeled, data.soft_labels))
    for rows, shares in groups:
        for start in range(0, len(rows), _CHUNK):
            chosen = np.arange(start, min(start + _CHUNK, len(rows)))
            buckets = ops.convert_to_numpy(layer(ops.convert_to_tensor(rows.take(chosen))))
            row, column = np.nonzero(buckets != NO_BUCKET)
            np.add.at(counts, buckets[row, column], shares[chosen][row])
            if data.progress:
                data.progress("counting n-grams", int(chosen[-1]) + 1, len(rows))
    if len(groups) > 1:
        counts = counts.round(3)  # shares whose sum is a hair below 1 must reach min_count
    scores = network.get_layer("scores")
    scores.ratio.assign(
        log_count_ratios(counts, options.smoothing, options.min_count, scores.columns)
    )


def log_count_ratios(
    counts: FloatArray, smoothing: float, min_count: int, columns: int
) -> FloatArray:
    """Returns log-count ratios, float32 ``[buckets, columns]``.

    A ratio is the log of two shares: the share of a bucket in the rows of a class, over its share
    in all other rows. A single column compares the second class with the first.

    Args:
        counts: Rows of each bucket and class, ``[buckets, classes]``.
        smoothing: Added to every count.
        min_count: A bucket with fewer rows has the ratio 0.
        columns: 1, or the number of classes.
    """
    total = counts.sum(axis=1, keepdims=True)
    own = np.zeros((len(counts), columns), np.float32)
    present = counts[:, 1:2] if columns == 1 else counts
    own[:, : present.shape[1]] = present
    inside, outside = own + smoothing, total - own + smoothing
    ratios = np.log(inside / inside.sum(axis=0)) - np.log(outside / outside.sum(axis=0))
    return np.where(total < max(min_count, 1), 0, ratios).astype(np.float32)


class NgramNetwork(keras.Model):
    """A network that can also answer as what it is, a linear model of few features in each row."""

    def answer(self, rows: Any, progress: Progress | None = None) -> FloatArray:
        """Returns the probabilities of rows, float32 ``[n, classes]``, without a graph.

        To trace the graph takes longer than to answer some thousand rows this way.

        Args:
            rows: at least one; ``take`` returns token ids int32 ``[n, length]``.
            progress: called after each chunk.
        """
        buckets, scores = self.get_layer("buckets"), self.get_layer("scores")
        ratio, weight, bias = map(ops.convert_to_numpy, (scores.ratio, scores.weight, scores.bias))
        found, lengths = [], np.zeros(len(ratio), np.int64)
        for start in range(0, len(rows), _CHUNK):
            ids = rows.take(np.arange(start, min(start + _CHUNK, len(rows))))
            present = present_ngrams(buckets, ids, len(ratio), lengths)
            ratios = ratio[present.indices]
            number = row_sums(present, ratios.any(axis=1, keepdims=True).astype(np.float32))
            sums = row_sums(present, ratios * weight[present.indices])
            weighed = scores.scale * sums / np.sqrt(np.maximum(number, 1)) + bias
            found.append(scores_to_probabilities(weighed))
            if progress:
                progress("evaluating", start + len(ids), len(rows))
        return np.concatenate(found)


class Buckets(keras.layers.Layer):
    """Token ids int32 ``[n, length]`` to the buckets of their n-grams, each once, sorted.

    The bucket of a single token is its id; longer n-grams share the buckets above the vocabulary.
    The result is int32 ``[n, m]``, with one column for each position of an n-gram. Unused columns
    are ``NO_BUCKET``.
    """

    def __init__(self, vocabulary: int, buckets: int, longest: int, **kwargs: Any) -> None:
        super().__init__(dtype="int32", trainable=False, **kwargs)
        self.vocabulary = vocabulary
        self.hashed = buckets - vocabulary
        self.longest = longest
        self.factor = next(factor for factor in _FACTORS if self.hashed % factor)

    def call(self, ids: Any) -> Any:
        """Returns the buckets."""
        ordered = ops.sort(ops.concatenate(self.by_length(ids), axis=1), axis=1)
        repeat = ops.pad(ops.equal(ordered[:, 1:], ordered[:, :-1]), [[0, 0], [1, 0]])
        return ops.where(repeat, NO_BUCKET, ordered)

    def by_length(self, ids: Any) -> list[Any]:
        """Returns the bucket of each position, ``[n, length]`` and less, for each length."""
        known = ids > _UNKNOWN
        codes, complete = ids, known
        buckets = [ops.where(known, ids, NO_BUCKET)]
        for width in range(2, self.longest + 1):
            codes = ops.mod(self._spread(codes[:, :-1]) + ids[:, width - 1 :], self.hashed)
            complete = ops.logical_and(complete[:, :-1], known[:, width - 1 :])
            buckets.append(ops.where(complete, codes + self.vocabulary, NO_BUCKET))
        return buckets

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the buckets: one column for each position of an n-gram."""
        if shape[1] is None:
            return shape
        return shape[0], sum(max(shape[1] - less, 0) for less in range(self.longest))

    def _spread(self, codes: Any) -> Any:
        """Returns codes times a large number modulo the buckets, in steps that fit into int32."""
        codes = ops.mod(codes, self.hashed)
        for _ in range(3):
            codes = ops.mod(codes * self.factor, self.hashed)
        return codes


class WeighedSum(keras.layers.Layer):
    """Buckets int32 ``[n, m]`` to scores float32 ``[n, columns]``.

    A score is the sum of ratio times weight over the buckets that have a ratio, divided by the
    square root of their number, plus a bias. The division keeps long texts from getting more
    confident predictions than short ones.
    """

    def __init__(self, buckets: int, columns: int, scale: float, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)
        self.columns = columns
        self.scale = scale
        self.ratio = self.add_weight((buckets, columns), "zeros", name="ratio", trainable=False)
        self.weight = self.add_weight((buckets, columns), "zeros", name="weight")
        self.bias = self.add_weight((columns,), "zeros", name="bias")

    def copy_from(self, other: Any) -> None:
        """Takes the weights of a layer with any scale, so that the scores are the same."""
        self.set_weights(other.get_weights())
        self.weight.assign(self.weight * (other.scale / self.scale))

    def compute_output_shape(self, shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the scores."""
        return shape[0], self.columns

    def call(self, buckets: Any) -> Any:
        """Returns the scores."""
        ratios = ops.take(self.ratio, buckets, axis=0)
        weighed = ops.sum(ratios * ops.take(self.weight, buckets, axis=0), axis=1)
        counted = ops.cast(ops.any(ops.not_equal(ratios, 0), axis=2), "float32")
        number = ops.maximum(ops.sum(counted, axis=1, keepdims=True), 1)
        return self.scale * weighed / ops.sqrt(number) + self.bias
