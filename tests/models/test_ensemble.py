from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from modelwright.core.config import ModelConfig
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import adapt_network, build_network
from modelwright.training.batches import TokenIds

OPTIONS = {
    "vocabulary": 12,
    "length": 6,
    "buckets": 512,
    "min_count": 1,
    "filters": 4,
    "dropout": 0.0,
}
RANDOM = np.random.default_rng(0)
IDS = RANDOM.integers(2, 12, (24, 6)).astype(np.int32)
LABELS = (IDS[:, 0] > 6).astype(np.int64)


def build_ensemble(classes: int = 2, length: int | None = 6, **options: Any) -> Any:
    config = ModelConfig(builder="committee", options={**OPTIONS, **options})
    keras.utils.set_random_seed(0)
    network = build_network(config, (length,), classes)
    adapt_network(config, network, AdaptationData(TokenIds(IDS), LABELS))  # type: ignore[arg-type]
    return network


def members(network: Any) -> Any:
    """The members' probabilities, ``[n, members, columns]``."""
    return keras.Model(network.input, keras.ops.stack(network.get_layer("mean").input, axis=1))


@pytest.mark.parametrize("classes", [2, 3])
def test_the_output_is_the_mean_of_the_members(classes: int) -> None:
    network = build_ensemble(classes, width=2)
    each = members(network).predict(IDS, verbose=0)
    assert each.shape == (24, 2, 1 if classes == 2 else 3)
    np.testing.assert_allclose(network.predict(IDS, verbose=0), each.mean(axis=1), rtol=1e-5)


def test_a_member_learns_as_if_it_were_alone() -> None:
    targets = LABELS[:, None]
    together = build_ensemble()
    alone = build_ensemble()
    for network in (together, alone):
        network.compile("sgd", "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    # The same member, with the other's part in the loss taken away.
    alone.get_layer("scores").trainable = False
    alone.compile("sgd", "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    for network in (together, alone):
        network.fit(IDS, targets, batch_size=8, epochs=2, shuffle=False, verbose=0)
    for one, other in zip(
        together.get_layer("probability").get_weights(),
        alone.get_layer("probability").get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)
    assert np.abs(together.get_layer("scores").get_weights()[0]).max() > 0


def test_the_loss_of_a_step_is_the_mean_of_the_members_losses() -> None:
    targets = LABELS[:, None].astype(np.float32)
    network = build_ensemble()
    network.compile("sgd", "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    each = members(network).predict(IDS, verbose=0)[..., 0]
    losses = -np.log(np.where(targets == 1, each, 1 - each))
    said = network.fit(IDS, targets, batch_size=24, epochs=1, verbose=0).history
    assert said["loss"][0] == pytest.approx(losses.mean(), rel=1e-4)
    mean = each.mean(axis=1, keepdims=True)
    assert said["accuracy"][0] == pytest.approx(((mean > 0.5) == targets).mean())
    after = network.predict(IDS, verbose=0)
    expected = -np.log(np.where(targets == 1, after, 1 - after)).mean()
    assert network.evaluate(IDS, targets, verbose=0)[0] == pytest.approx(expected, rel=1e-4)


def test_padding_does_not_change_the_output() -> None:
    network = build_ensemble(width=4, context=2)
    longer = build_ensemble(length=None, width=4, context=2)
    longer.set_weights(network.get_weights())
    short = np.pad(IDS[:, :4], ((0, 0), (0, 2)))
    expected = network.predict(short, verbose=0)
    for rows in (IDS[:, :4], np.pad(IDS[:, :4], ((0, 0), (0, 40)))):
        np.testing.assert_allclose(longer.predict(rows, verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("width", 2),
        ("filters", 6),
        ("known", 8),
        ("context", 2),
        ("buckets", 600),
    ],
)
def test_options_show_in_the_number_of_weights(option: str, value: Any) -> None:
    assert build_ensemble(**{option: value}).count_params() != build_ensemble().count_params()


def test_the_convolution_treats_other_ids_as_unknown() -> None:
    network = build_ensemble(known=8)
    convolution = keras.Model(network.input, network.get_layer("probability").output)
    others = np.where(IDS < 8, IDS, 1)
    np.testing.assert_array_equal(
        convolution.predict(IDS, verbose=0), convolution.predict(others, verbose=0)
    )
    ngrams = keras.Model(network.input, network.get_layer("scores").output)
    network.get_layer("scores").weight.assign_add(
        keras.ops.ones_like(network.get_layer("scores").weight)
    )
    assert not np.array_equal(ngrams.predict(IDS, verbose=0), ngrams.predict(others, verbose=0))


def test_the_pace_affects_only_the_ngrams() -> None:
    found = []
    for pace in (10.0, 20.0):
        network = build_ensemble(pace=pace)
        network.get_layer("scores").weight.assign(
            keras.ops.full_like(network.get_layer("scores").weight, 0.01)
        )
        scores = keras.Model(network.input, network.get_layer("scores").output)
        found.append(scores.predict(IDS, verbose=0))
    np.testing.assert_allclose(2 * found[0], found[1], rtol=1e-5)


def test_context_is_learned_with_unknown_ids_in_the_rows() -> None:
    network = build_ensemble(known=8, context=3)
    tokens = np.asarray(network.get_layer("context_vectors").tokens)
    assert tokens.shape == (8, 3) and np.isfinite(tokens).all()


def test_dropout_affects_training() -> None:
    for rate, alike in ((0.0, True), (0.5, False)):
        network = build_ensemble(dropout=rate)
        found = [np.asarray(network(IDS, training=True)) for _ in range(2)]
        assert np.array_equal(*found) is alike
