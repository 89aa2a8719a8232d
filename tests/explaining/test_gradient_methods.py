"""The gradient methods equal what is computed by hand, and refuse what has no gradients."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from explaining.hand_made_rows import LinearRow, PixelsRow, TokensRow
from modelwright.core.errors import ConfigError
from modelwright.explaining import grad_cam, integrated_gradients
from modelwright.explaining.faithfulness import order_segments
from modelwright.explaining.method import Weights
from modelwright.explaining.network_row import label_log_odds

layers = keras.layers
VECTORS = np.array([[0, 0], [0.5, 0], [3, 1], [-2, 0.5], [0.1, 0.2]], np.float32)
KERNEL = np.array([[1.0], [-2.0]], np.float32)


def summing_network(classes: int = 2) -> Any:
    """Sums the vectors of all tokens, so that the log-odds are linear in them."""
    ids = keras.Input((None,), dtype="int32")
    embedding = layers.Embedding(5, 2)
    summed = layers.Lambda(lambda x: keras.ops.sum(x, axis=1))(embedding(ids))
    kind = "sigmoid" if classes == 2 else "softmax"
    dense = layers.Dense(1 if classes == 2 else classes, kind, use_bias=False)
    network = keras.Model(ids, dense(summed), name="summing")
    embedding.set_weights([VECTORS])
    if classes == 2:
        dense.set_weights([KERNEL])
    return network


def patch_network() -> Any:
    """Answers how many red and how few green pixels an image has: one 1x1 convolution."""
    pixels = keras.Input((8, 8, 3), dtype="uint8")
    x = layers.Rescaling(1 / 255)(pixels)
    inner = keras.Sequential([layers.Conv2D(2, 1, activation="relu", use_bias=False)])
    x = layers.GlobalAveragePooling2D()(inner(x))
    network = keras.Model(pixels, layers.Dense(1, "sigmoid", name="out")(x), name="patch")
    inner.layers[-1].set_weights([np.array([[[[1, -1], [-1, 1], [0, 0]]]], np.float32)])
    network.get_layer("out").set_weights(
        [np.array([[60.0], [-60.0]], np.float32), np.zeros(1, np.float32)]
    )
    return network


def patch_image(at: int) -> Any:
    pixels = np.full((8, 8, 3), 128, np.uint8)
    row, column = divmod(at, 4)
    pixels[2 * row : 2 * row + 2, 2 * column : 2 * column + 2] = (250, 10, 10)
    return pixels


def weigh(module: Any, row: Any, label: int = 1) -> Weights:
    return module.METHOD.weigh(row, label, 0)


def test_integrated_gradients_of_a_linear_network_are_its_weights() -> None:
    row = TokensRow(summing_network(), [2, 3, 4, 1])
    found = weigh(integrated_gradients, row)
    expected = ((VECTORS[[2, 3, 4, 1]] - VECTORS[1]) @ KERNEL)[:, 0]
    np.testing.assert_allclose(found.values, expected, atol=1e-5)
    assert found.fidelity == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(weigh(integrated_gradients, row, 0).values, -expected, atol=1e-5)


def test_padding_belongs_to_no_segment_and_changes_nothing() -> None:
    one = weigh(integrated_gradients, TokensRow(summing_network(), [2, 3, 4]))
    padded = weigh(integrated_gradients, TokensRow(summing_network(), [2, 3, 4], padding=3))
    np.testing.assert_allclose(one.values, padded.values, atol=1e-5)


def test_the_completeness_gap_is_the_loss_of_fidelity() -> None:
    row = TokensRow(summing_network(classes=3), [2, 3, 4, 2])
    coarse = integrated_gradients.IntegratedGradients(steps=1).weigh(row, 2, 0)
    fine = integrated_gradients.IntegratedGradients(steps=64).weigh(row, 2, 0)
    for one in (coarse, fine):
        share = abs(one.details["sum"] - one.details["difference"])
        gap = share / abs(one.details["difference"])
        assert one.fidelity == pytest.approx(max(0, 1 - gap), abs=1e-6)
    assert coarse.fidelity < fine.fidelity > 0.999


@pytest.mark.parametrize("module", [grad_cam, integrated_gradients])
@pytest.mark.parametrize("at", [0, 6, 15])
def test_the_planted_patch_is_found(module: Any, at: int) -> None:
    found = weigh(module, PixelsRow(patch_network(), patch_image(at)))
    assert order_segments(found.values)[0] == at


def test_grad_cam_names_the_convolution_that_it_read_in_a_nested_network() -> None:
    found = weigh(grad_cam, PixelsRow(patch_network(), patch_image(3)))
    assert found.details["convolution"].startswith("conv2d")
    assert found.details["cells"] == [8, 8] and (found.values >= 0).all()


def test_a_certain_answer_still_has_a_gradient() -> None:
    """Its probability is 1 in float32, whose own gradient is 0."""
    network = patch_network()
    network.get_layer("out").set_weights([np.array([[9e3], [-9e3]]), np.zeros(1)])
    row = PixelsRow(network, patch_image(5))
    assert row.answer(np.ones((1, 16), bool))[0, 1] == 1
    assert weigh(grad_cam, row).values.max() > 0
    assert weigh(integrated_gradients, row).fidelity > 0.9


def test_the_network_is_as_before() -> None:
    network = patch_network()
    row = PixelsRow(network, patch_image(5))
    before = row.answer(np.ones((1, 16), bool))
    for module in (grad_cam, integrated_gradients):
        weigh(module, row)
    assert np.array_equal(before, row.answer(np.ones((1, 16), bool)))
    assert all("call" not in vars(layer) for layer in network._flatten_layers())
    assert network.layers[-1].activation is keras.activations.sigmoid


@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("named", [True, False], ids=["activation", "Lambda"])
def test_log_odds_are_those_of_the_probabilities(classes: int, named: bool) -> None:
    inputs = keras.Input((3,))
    kind = "sigmoid" if classes == 2 else "softmax"
    x = layers.Dense(1 if classes == 2 else classes, kind, kernel_initializer="ones")(inputs)
    network = keras.Model(inputs, x if named else layers.Lambda(lambda p: p)(x))
    x = np.array([[0.1, 0.2, 0.4]], np.float32)
    p = np.asarray(network(x))
    p = np.concatenate([1 - p, p], axis=1) if classes == 2 else p
    for label in range(classes):
        expected = np.log(p[0, label] / (1 - p[0, label]))
        assert float(label_log_odds(network, x, label)[0]) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("module", [grad_cam, integrated_gradients])
def test_a_servable_has_no_gradients(module: Any) -> None:
    cells = 2 if module is grad_cam else 0
    with pytest.raises(ConfigError, match=r"needs gradients, which a servable.*name the run"):
        weigh(module, LinearRow([1.0] * 4, cells=cells))


def test_grad_cam_refuses_texts_and_networks_without_a_convolution() -> None:
    with pytest.raises(ConfigError, match=r"'grad-cam' explains images.*leave-one-out"):
        weigh(grad_cam, TokensRow(summing_network(), [2, 3]))
    pixels = keras.Input((8, 8, 3), dtype="uint8")
    flat = layers.Flatten()(layers.Rescaling(1 / 255)(pixels))
    dense = keras.Model(pixels, layers.Dense(1, "sigmoid")(flat), name="dense")
    with pytest.raises(ConfigError, match=r"needs a convolution.*'dense' has none.*masks"):
        weigh(grad_cam, PixelsRow(dense, patch_image(1)))
    small = layers.Conv2D(2, 8)(layers.Rescaling(1 / 255)(pixels))
    one = keras.Model(pixels, layers.Dense(1, "sigmoid")(layers.Flatten()(small)), name="one")
    with pytest.raises(ConfigError, match=r"2x2 cells or more.*'one' has none"):
        weigh(grad_cam, PixelsRow(one, patch_image(1)))


def test_integrated_gradients_refuse_a_network_that_sums_over_tokens_at_once() -> None:
    from modelwright.models.ngrams import build
    from modelwright.models.options import NgramsOptions

    network = build(NgramsOptions(vocabulary=50, buckets=200, length=6), (6,), 2)
    with pytest.raises(ConfigError, match=r"each token.*'ngrams' sums over them in 'scores'"):
        weigh(integrated_gradients, TokensRow(network, [2, 3, 4, 5, 6, 7]))


@pytest.mark.parametrize("masking", [True, False])
def test_a_recurrent_network_is_integrated_completely(masking: bool) -> None:
    from modelwright.models.bilstm import build
    from modelwright.models.options import BilstmOptions

    keras.utils.set_random_seed(1)
    options = BilstmOptions(
        vocabulary=9, embedding=3, units=[3], dense=3, length=6, masking=masking, dropout=0.2
    )
    row = TokensRow(build(options, (6,), 2), [2, 3, 8, 5], padding=2)
    found = weigh(integrated_gradients, row)
    assert found.fidelity > 0.99 and np.ptp(found.values) > 0
