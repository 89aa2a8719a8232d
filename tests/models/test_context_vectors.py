from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest

from modelwright.models import context_vectors
from modelwright.models.context_vectors import ContextVectors, learn_context_vectors
from modelwright.training.batches import TokenIds

VOCABULARY = 22


def layer(region: int = 3, size: int = 8, **options: Any) -> ContextVectors:
    keras.utils.set_random_seed(0)
    return ContextVectors(VOCABULARY, size, region, **options)


def two_topics(texts: int = 192, length: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Returns the ids of padded texts with one of two topics, and their topics."""
    random = np.random.default_rng(0)
    topics = random.integers(0, 2, texts)
    ids = (random.integers(2, 12, (texts, length)) + 10 * topics[:, None]).astype(np.int32)
    ids[:, -4:] = 0
    return ids, topics


@pytest.mark.parametrize(("region", "before", "after"), [(1, 0, 0), (3, 1, 1), (4, 1, 2)])
def test_a_vector_is_the_sum_of_its_region(region: int, before: int, after: int) -> None:
    vectors_layer = layer(region)
    tokens = np.random.default_rng(0).normal(size=(VOCABULARY, 8)).astype(np.float32)
    vectors_layer.tokens.assign(tokens)
    ids = np.array([[4, 9, 1, 7, 20, 5, 0, 0]], np.int32)  # 1 is unknown: it adds nothing
    found = np.asarray(vectors_layer(ids))[0]
    for place in range(6):
        region_ids = [i for i in ids[0, max(place - before, 0) : place + after + 1] if i > 1]
        expected = tokens[region_ids].sum(axis=0)
        np.testing.assert_allclose(found[place], expected, rtol=1e-5, atol=1e-6)
    assert not found[6:].any(), "padding has none"


def test_near_tokens_are_counted_as_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_vectors, "_REACH", 2)
    monkeypatch.setattr(context_vectors, "_CONTEXTS", 4)
    ids = np.array([[2, 3, 5, 2], [3, 0, 0, 0], [2, 1, 4, 0]], np.int32)
    found = context_vectors._counts([TokenIds(ids)], 5, None).toarray()  # type: ignore[list-item]
    # 5 is beyond the vocabulary, 1 unknown; 4 is too rare to be a context, but not to be near one;
    # no text is near another.
    expected = np.zeros((5, 4))
    expected[2, 3] = expected[3, 2] = 2
    expected[4, 2] = 1
    np.testing.assert_array_equal(found, expected)


def test_the_vectors_are_singular_vectors_of_the_log_ratios() -> None:
    ids, _ = two_topics()
    counts = context_vectors._counts([TokenIds(ids)], VOCABULARY, None)  # type: ignore[list-item]
    vectors = context_vectors._vectors(counts, VOCABULARY - 1)
    dense = counts.toarray()
    often = dense.sum(axis=0) ** 0.75
    with np.errstate(divide="ignore", invalid="ignore"):
        more = np.log(dense / dense.sum(axis=1, keepdims=True) / (often / often.sum()))
    more = np.where(more > 0, more, 0)
    # Of left times strength times right, the vectors are left times the root of strength.
    strength = np.linalg.svd(more)[1]
    np.testing.assert_allclose(
        vectors.T @ vectors, np.diag(np.diag(vectors.T @ vectors)), atol=1e-4
    )
    found = np.sort((vectors**2).sum(axis=0))[::-1]
    np.testing.assert_allclose(found, strength[: VOCABULARY - 1], atol=1e-4)


def test_it_learns_which_tokens_occur_near_each_other() -> None:
    ids, topics = two_topics()
    vectors_layer = layer()
    learn_context_vectors(vectors_layer, [TokenIds(ids)], 0.5)  # type: ignore[list-item]
    vectors = np.asarray(vectors_layer(ids))
    assert vectors[ids != 0].std() == pytest.approx(0.5, rel=1e-4)
    means = vectors.mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    alike = means @ means.T
    same = topics[:, None] == topics
    assert alike[same].min() > alike[~same].max()


def test_it_learns_the_same_bits_twice_and_is_frozen() -> None:
    ids, _ = two_topics(40)
    layers = [layer(), layer()]
    for one in layers:
        learn_context_vectors(one, [TokenIds(ids)], 1.0)  # type: ignore[list-item]
        assert one.trainable_variables == []
    np.testing.assert_array_equal(np.asarray(layers[0].tokens), np.asarray(layers[1].tokens))


def test_few_tokens_in_a_large_vocabulary_give_the_same_bits_twice() -> None:
    """Their counts have fewer dimensions than a vector, and the rest must not be noise."""
    ids = np.random.default_rng(0).integers(2, 15, (60, 12)).astype(np.int32)
    counts = context_vectors._counts([TokenIds(ids)], 100, None)  # type: ignore[list-item]
    first = context_vectors._vectors(counts, 50)
    for _ in range(3):
        np.testing.assert_array_equal(context_vectors._vectors(counts, 50), first)
    assert not first[15:].any() and not first[:, 13:].any() and first[2:15].any(axis=1).all()


def test_texts_from_templates_give_the_same_bits_twice() -> None:
    """Many tokens with a low rank: an iterative solver would go on from random vectors."""
    templates = np.arange(2, 302, dtype=np.int32).reshape(12, 25)
    counts = context_vectors._counts([TokenIds(templates)], 302, None)  # type: ignore[list-item]
    first = context_vectors._vectors(counts, 100)
    for _ in range(3):
        np.testing.assert_array_equal(context_vectors._vectors(counts, 100), first)


def test_parts_and_padding_change_nothing() -> None:
    ids, _ = two_topics(200)
    wide = np.pad(ids, ((0, 0), (0, 60)))
    counts = [
        context_vectors._counts(parts, VOCABULARY, None).toarray()  # type: ignore[arg-type]
        for parts in ([TokenIds(ids)], [TokenIds(ids[:70]), TokenIds(ids[70:])], [TokenIds(wide)])
    ]
    np.testing.assert_array_equal(counts[0], counts[1])
    np.testing.assert_array_equal(counts[0], counts[2])


def test_texts_without_known_tokens_give_zeros() -> None:
    vectors_layer = layer()
    learn_context_vectors(vectors_layer, [TokenIds(np.ones((3, 5), np.int32))], 1.0)  # type: ignore[list-item]
    assert not np.asarray(vectors_layer.tokens).any()


def test_progress_counts_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context_vectors, "_CHUNK", 64)
    ids, _ = two_topics(100)
    steps: list[tuple[str, int, int]] = []
    learn_context_vectors(layer(), [TokenIds(ids)], 1.0, lambda *step: steps.append(step))  # type: ignore[list-item]
    assert steps == [("counting neighbors", 64, 100), ("counting neighbors", 100, 100)]


def test_stored_weights_keep_the_name_that_run_folders_have(tmp_path: Path) -> None:
    inputs = keras.Input((4,), dtype="int32")
    network = keras.Model(inputs, layer(name="context_vectors")(inputs))
    network.save_weights(tmp_path / "a.weights.h5")
    with h5py.File(tmp_path / "a.weights.h5") as file:
        assert "layers/surroundings/vars/0" in file
