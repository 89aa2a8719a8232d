"""The solver of n-gram networks: what its graph answers, and what its features are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from modelwright.core.config import ModelConfig
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import build_network, check_options, solve_network
from modelwright.models.ngram_features import NgramRows, find_decay, present_ngrams, read_ngrams
from modelwright.models.ngrams import Buckets
from modelwright.training.batches import TokenIds

OPTIONS = {"vocabulary": 12, "length": 6, "buckets": 2**20, "min_count": 1, "fit": "solver"}


def texts(rows: int, classes: int, length: int = 6, words: int = 12) -> Any:
    """Returns token ids of which the first tells the class most of the time, and the classes."""
    labels = np.arange(rows) % classes
    random = np.random.default_rng(0)
    ids = random.integers(2 + classes, words, (rows, length)).astype(np.int32)
    ids[:, 0] = np.where(random.random(rows) < 0.9, labels + 2, ids[:, 0])
    ids[::3, length - 2 :] = 0
    return ids, labels


def solved(ids: Any, labels: Any, classes: int, **more: Any) -> tuple[Any, Any]:
    """Returns a network with the solved weights, and the solution."""
    given = {key: more.pop(key) for key in list(more) if key in ("characters", "row_weights")}
    config = ModelConfig(builder="ngrams", options={**OPTIONS, **more})
    network = build_network(config, ids.shape[1:], classes)
    data = AdaptationData(TokenIds(ids), labels, **given)
    return network, solve_network(config, network, data, 0)


def read(ids: Any, **options: Any) -> NgramRows:
    config = ModelConfig(builder="ngrams", options={**OPTIONS, **options})
    layer = build_network(config, ids.shape[1:], 2).get_layer("buckets")
    table: Any = check_options(config)
    return read_ngrams(layer, table, [TokenIds(ids)], 1)


def ngrams(row: Any, longest: int = 3) -> set[tuple[int, ...]]:
    tokens = [int(token) for token in row if token]
    return {
        tuple(tokens[at : at + width])
        for width in range(1, longest + 1)
        for at in range(len(tokens) - width + 1)
    }


def features_by_hand(ids: Any, labels: Any, share: float, decay: float) -> np.ndarray:
    """Returns the features as the module's docstring says them, with sets and loops."""
    rows = [ngrams(row) for row in ids]
    names = sorted(set().union(*rows))
    squares = []
    for name in names:
        having = np.array([name in row for row in rows])
        frequency = (np.log((1 + len(rows)) / (1 + having.sum())) + 1) ** 2
        ratios = []
        for label in np.unique(labels):
            own = labels == label
            inside = (having[own].sum() + 1) / (own.sum() + 2)
            outside = (having[~own].sum() + 1) / ((~own).sum() + 2)
            ratios.append(np.log(inside / outside) ** 2)
        squares.append((frequency, np.mean(ratios)))
    frequency, ratio = np.array(squares).T
    weights = np.sqrt(frequency / frequency.mean() + share * ratio / ratio.mean())
    weights *= decay ** (np.array([len(name) for name in names]) - 1)
    table = np.array([[name in row for name in names] for row in rows]) * weights
    table /= np.sqrt([[max(len(row), 1)] for row in rows])
    result: np.ndarray = table / np.sqrt((table**2).sum(axis=1).mean())
    return result


@pytest.mark.parametrize("classes", [2, 3])
def test_the_graph_answers_as_the_regression_on_features_by_hand(classes: int) -> None:
    ids, labels = texts(40, classes)
    network, solution = solved(ids, labels, classes)
    choice = solution.choice
    assert choice["decay"] == 0.6
    table = features_by_hand(ids, labels, choice["ratio_share"], choice["decay"])
    expected = LogisticRegression(C=choice["strength"], tol=1e-8, max_iter=5000)
    expected.fit(table, labels)
    found = np.asarray(network(ids))
    found = np.concatenate([1 - found, found], axis=1) if classes == 2 else found
    assert np.abs(found - expected.predict_proba(table)).max() < 5e-3


def test_the_accuracy_is_that_of_rows_left_out() -> None:
    ids, labels = texts(60, 2)
    _, learnable = solved(ids, labels, 2)
    _, chance = solved(ids, np.random.default_rng(5).integers(0, 2, 60), 2)
    assert learnable.accuracy > 0.8 > 0.7 > chance.accuracy
    record = learnable.to_dict()
    assert (record["folds"], record["rows"]) == (5, 60)
    assert record["cross_validated_accuracy"] == record["correct"] / 60


def test_words_have_a_decay_and_characters_none() -> None:
    rows = read(np.array([[2, 3, 4], [2, 3, 5]], np.int32))
    characters = np.zeros(13, bool)
    assert find_decay(rows, None) == 0.6
    assert find_decay(rows, characters) == 0.6
    assert find_decay(rows, ~characters) == 1.0
    characters[[2, 4]] = True  # three of the six tokens
    assert find_decay(rows, characters) == 0.8


def test_an_ngram_that_shares_a_bucket_has_the_shorter_length() -> None:
    ids = np.array([[2, 3, 4, 5, 6, 7]], np.int32)
    rows = read(ids, buckets=16)
    by_length = Buckets(12, 16, 3).by_length(ids)
    expected: dict[int, int] = {}
    for length, found in enumerate(by_length, 1):
        for bucket in np.asarray(found)[0].tolist():
            expected.setdefault(bucket, length)
    assert dict(zip(rows.buckets.tolist(), rows.lengths.tolist(), strict=True)) == expected


def test_rows_one_after_another_have_the_ngrams_of_each_row_alone() -> None:
    ids = np.array([[2, 3, 0, 4, 5, 6], [0] * 6, [7, 1, 8, 9, 0, 0], [2, 0, 0, 0, 0, 0]], np.int32)
    layer, lengths = Buckets(12, 2**12, 3), np.zeros(2**12, np.int64)
    present = present_ngrams(layer, ids, 2**12, lengths)
    for row, by_length in enumerate(zip(*map(np.asarray, layer.by_length(ids)), strict=True)):
        expected = {int(bucket) for found in by_length for bucket in found if bucket}
        assert set(present[[row]].indices.tolist()) == expected
    assert set(present.data.tolist()) == {1.0}
    assert present_ngrams(layer, ids[1:2], 2**12, lengths).nnz == 0


@pytest.mark.parametrize(("count", "kept"), [(100, 1), (2_000, 2), (4_000, 3), (9_000, 4)])
def test_few_rows_keep_what_min_count_would_drop(count: int, kept: int) -> None:
    ids = np.zeros((count, 6), np.int32)
    for column, rows in enumerate((1, 2, 3, 4, 50)):
        ids[:rows, column] = column + 2
    found = read(ids, min_count=4, longest=1)
    assert np.diff(found.present.tocsc().indptr).min() == kept


def test_a_text_without_tokens_gets_the_biases_alone() -> None:
    ids, labels = texts(40, 2)
    ids[5] = 0
    network, _ = solved(ids, labels, 2)
    found = np.asarray(network(np.zeros((1, 6), np.int32)))[0]
    bias = np.asarray(network.get_layer("scores").bias)
    assert found == pytest.approx(1 / (1 + np.exp(-bias)), abs=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_texts_without_any_tokens_still_give_a_network(classes: int) -> None:
    ids, labels = np.zeros((30, 6), np.int32), np.arange(30) % classes
    network, _ = solved(ids, labels, classes)
    assert np.isfinite(np.asarray(network(ids))).all()


def test_rows_of_a_class_that_weigh_more_are_predicted_more() -> None:
    ids, labels = texts(60, 2)
    chosen = np.concatenate([np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:6]])
    plain, _ = solved(ids[chosen], labels[chosen], 2)
    weights = np.where(labels[chosen] == 1, 20.0, 1.0)
    weighed, _ = solved(ids[chosen], labels[chosen], 2, row_weights=weights)
    assert np.asarray(weighed(ids)).mean() > np.asarray(plain(ids)).mean()


def test_the_weights_depend_on_the_rows_alone() -> None:
    ids, labels = texts(40, 3)
    networks = [solved(ids, labels, 3)[0] for _ in range(2)]
    for first, again in zip(*(network.get_weights() for network in networks), strict=True):
        assert first.tobytes() == again.tobytes()
