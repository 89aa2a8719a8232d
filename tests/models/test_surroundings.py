from __future__ import annotations

import keras
import numpy as np
import pytest

from modelwright.engine.batches import Ids
from modelwright.models import surroundings
from modelwright.models.surroundings import Surroundings, learn

VOCABULARY = 22


def layer(region: int = 3, size: int = 8) -> Surroundings:
    keras.utils.set_random_seed(0)
    return Surroundings(VOCABULARY, size, region)


def two_topics(texts: int = 192, length: int = 24) -> tuple[np.ndarray, np.ndarray]:
    """Ids of texts of one topic or the other, padded, and which it is."""
    random = np.random.default_rng(0)
    topics = random.integers(0, 2, texts)
    ids = (random.integers(2, 12, (texts, length)) + 10 * topics[:, None]).astype(np.int32)
    ids[:, -4:] = 0
    return ids, topics


@pytest.mark.parametrize(("region", "before", "after"), [(1, 0, 0), (3, 1, 1), (4, 1, 2)])
def test_a_vector_is_the_rectified_sum_of_its_region(region: int, before: int, after: int) -> None:
    made = layer(region)
    made.bias.assign(np.linspace(-0.05, 0.05, 8))
    tokens, bias = np.asarray(made.tokens), np.asarray(made.bias)
    ids = np.array([[4, 9, 1, 7, 20, 5, 0, 0]], np.int32)  # 1 is unknown: it adds nothing
    found = np.asarray(made(ids))[0]
    for place in range(6):
        region_ids = [i for i in ids[0, max(place - before, 0) : place + after + 1] if i > 1]
        expected = np.maximum(tokens[region_ids].sum(axis=0) + bias, 0)
        np.testing.assert_allclose(found[place], expected, rtol=1e-5, atol=1e-7)
    assert not found[6:].any(), "padding has none"


def test_it_learns_which_tokens_stand_near_each_other() -> None:
    ids, topics = two_topics()
    made = layer()
    first = learn(made, [Ids(ids)], 1)  # type: ignore[list-item]
    last = learn(made, [Ids(ids)], 60)  # type: ignore[list-item]
    assert last < 0.9 * first
    means = np.asarray(made(ids)).mean(axis=1)
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    alike = means @ means.T
    same = topics[:, None] == topics
    assert alike[same].min() > alike[~same].max()


def test_it_learns_the_same_bits_twice_and_is_frozen_after_it() -> None:
    ids, _ = two_topics(40)
    made = [layer(), layer()]
    for one in made:
        learn(one, [Ids(ids)], 2)  # type: ignore[list-item]
        assert one.trainable_variables == []
    np.testing.assert_array_equal(np.asarray(made[0].tokens), np.asarray(made[1].tokens))


def test_parts_are_read_as_one() -> None:
    ids, _ = two_topics(200)
    made = [layer(), layer()]
    learn(made[0], [Ids(ids)], 2)  # type: ignore[list-item]
    learn(made[1], [Ids(ids[:70]), Ids(ids[70:71]), Ids(ids[71:])], 2)  # type: ignore[list-item]
    found = [np.asarray(one.tokens) for one in made]
    np.testing.assert_allclose(*found, atol=1e-5)  # the rows of a batch stand in another order


def test_padding_and_texts_without_known_tokens_are_no_trouble() -> None:
    ids, _ = two_topics(40)
    made, wider = layer(), layer()
    learn(made, [Ids(ids)], 1)  # type: ignore[list-item]
    learn(wider, [Ids(np.pad(ids, ((0, 0), (0, 60))))], 1)  # type: ignore[list-item]
    np.testing.assert_allclose(np.asarray(made.tokens), np.asarray(wider.tokens), atol=1e-6)
    unknown = np.ones((3, 5), np.int32)
    assert np.isfinite(learn(layer(), [Ids(unknown)], 1))  # type: ignore[list-item]


def test_texts_of_many_lengths_are_read_too() -> None:
    ids = np.zeros((7 * surroundings._BATCH, 7 * 16), np.int32)
    for row in range(len(ids)):
        ids[row, : 16 * (row // surroundings._BATCH + 1)] = 2 + row % 20
    assert np.isfinite(learn(layer(), [Ids(ids)], 1))  # type: ignore[list-item]


def test_progress_counts_every_step() -> None:
    ids, _ = two_topics(2 * surroundings._BATCH + 1)
    told = []
    learn(layer(), [Ids(ids)], 2, lambda *step: told.append(step))  # type: ignore[list-item]
    assert told == [("learning from texts", step, 6) for step in range(1, 7)]
