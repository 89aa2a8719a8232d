"""Answers of a network to rows: texts are cut to their tokens where padding does not matter."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from modelwright.training.batches import TokenIds
from modelwright.training.network_classifier import (
    NetworkClassifier,
    predict_texts,
    takes_any_length,
)

LENGTH = 64


def network(length: int | None) -> keras.Model:
    inputs = keras.Input((length,), dtype="int32")
    hidden = keras.layers.Embedding(20, 3, mask_zero=True)(inputs)
    outputs = keras.layers.Dense(1, "sigmoid")(keras.layers.LSTM(2)(hidden))
    return keras.Model(inputs, outputs)


def texts(rows: int) -> TokenIds:
    random = np.random.default_rng(0)
    ids = random.integers(1, 20, (rows, LENGTH)).astype(np.int32)
    ends = random.integers(1, LENGTH // 2, rows)
    ids[np.arange(LENGTH) >= ends[:, None]] = 0
    ids[0], ids[1] = 7, 0  # the longest, and one without tokens
    return TokenIds(ids)


def test_short_texts_are_answered_without_padding_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    padded, shorter = network(LENGTH), network(None)
    shorter.set_weights(padded.get_weights())
    widths, predict = [], shorter.predict_on_batch

    def seen(batch: Any) -> Any:
        widths.append(batch.shape[1])
        return predict(batch)

    monkeypatch.setattr(shorter, "predict_on_batch", seen)
    rows, steps = texts(520), []
    found = NetworkClassifier(shorter).classify_rows(rows, lambda *step: steps.append(step))
    expected = NetworkClassifier(padded).classify_rows(rows)
    assert found.shape == (520, 2)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert widths == sorted(widths)
    assert widths[0] < widths[-1] == LENGTH
    assert steps[-1] == ("evaluating", 3, 3)
    raw = predict_texts(shorter, TokenIds(rows.array[:4]))
    np.testing.assert_allclose(raw[:, 0], expected[:4, 1], atol=1e-6)


def test_texts_of_several_lengths_are_traced_once() -> None:
    shorter = network(None)
    for rows in (520, 30):
        NetworkClassifier(shorter).classify_rows(texts(rows))
    assert shorter.predict_function.experimental_get_tracing_count() == 1


def test_only_a_network_without_a_length_takes_any(monkeypatch: pytest.MonkeyPatch) -> None:
    assert takes_any_length(network(None))
    assert not takes_any_length(network(LENGTH))
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    assert not takes_any_length(network(None))
