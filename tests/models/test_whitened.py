from __future__ import annotations

import keras
import numpy as np
import pytest

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import adapt_network, augment_network, build_network
from modelwright.models.whitened import NearIdentity, whitening_kernel
from modelwright.training.batches import TokenIds

CONFIG = ModelConfig(builder="whitened", options={"widths": [8, 12], "augment": "flip"})


def images(count: int = 64) -> np.ndarray:
    """Smooth random images: neighboring pixels are similar, as in photographs."""
    random = np.random.default_rng(0)
    coarse = random.integers(0, 255, (count, 5, 5, 3)).astype(np.float32)
    fine = np.asarray(keras.ops.image.resize(coarse, (16, 16)))
    return (fine + random.normal(0, 5, fine.shape)).clip(0, 255).astype(np.uint8)


def test_the_kernel_whitens_the_patches_it_was_computed_from() -> None:
    given = images().astype(np.float32) / 255
    given = (given - given.mean((0, 1, 2))) / given.std((0, 1, 2))
    kernel = whitening_kernel(given)
    assert kernel.shape == (2, 2, 3, 24)
    answers = np.asarray(keras.ops.conv(given, kernel)).reshape(-1, 24)
    np.testing.assert_allclose(answers[:, :12], -answers[:, 12:], atol=1e-4)
    second_moments = answers[:, :12].T @ answers[:, :12] / len(answers)
    values = np.diag(second_moments)
    np.testing.assert_allclose(second_moments, np.diag(values), atol=2e-3)
    assert values.max() == pytest.approx(1, abs=0.01)
    assert values.min() > 0.5  # but for the constant that guards small directions


def test_a_kernel_starts_as_the_identity_where_possible() -> None:
    kernel = np.asarray(NearIdentity(0)((3, 3, 2, 5), "float32"))
    given = np.random.default_rng(1).normal(size=(1, 6, 6, 2)).astype(np.float32)
    answers = np.asarray(keras.ops.conv(given, kernel, padding="same"))
    np.testing.assert_allclose(answers[..., :2], given, rtol=1e-5)
    assert np.abs(answers[..., 2:]).max() > 0


def test_adapt_sets_only_the_weights_computed_from_data() -> None:
    network = build_network(CONFIG, (16, 16, 3), 3)
    before = [v.numpy() for v in network.trainable_variables]
    adapt_network(CONFIG, network, AdaptationData(TokenIds(images()), np.zeros(64, np.int64)))  # type: ignore[arg-type]
    for old, variable in zip(before, network.trainable_variables, strict=True):
        np.testing.assert_array_equal(old, variable.numpy())
    mean, _ = network.get_layer("standard").get_weights()
    np.testing.assert_allclose(mean, images().mean((0, 1, 2)) / 255, atol=1e-3)
    whitening = network.get_layer("whitening")
    assert [v.name for v in whitening.trainable_variables] == ["bias"]
    assert np.abs(whitening.get_weights()[0]).max() > 1


def test_it_learns_and_its_frozen_layer_stays() -> None:
    given, labels = images(), np.arange(64) % 2
    given[labels == 1, :, :, 0] //= 2
    network = build_network(CONFIG, (16, 16, 3), 2)
    adapt_network(CONFIG, network, AdaptationData(TokenIds(given), labels))  # type: ignore[arg-type]
    kernel = network.get_layer("whitening").get_weights()[0]
    network.compile("adam", "binary_crossentropy", metrics=["accuracy"], jit_compile=False)
    history = network.fit(given, labels, epochs=8, batch_size=16, verbose=0)
    assert history.history["accuracy"][-1] > 0.9
    np.testing.assert_array_equal(kernel, network.get_layer("whitening").get_weights()[0])


def test_the_input_of_a_third_convolution_is_added_to_its_output() -> None:
    options = {"widths": [8], "depth": 3}
    network = build_network(ModelConfig(builder="whitened", options=options), (16, 16, 3), 3)
    kinds = [type(layer).__name__ for layer in network.layers]
    assert kinds.count("Add") == 1
    assert kinds.count("Conv2D") == 4


def test_images_too_small_for_the_groups() -> None:
    with pytest.raises(ConfigError, match="2 groups, which takes images of at least 5x5"):
        build_network(CONFIG, (4, 4, 3), 2)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("variation", ["flip", "flip+crop"])
def test_variants_are_averaged_as_by_hand(classes: int, variation: str) -> None:
    model = ModelConfig(builder="whitened", options={"widths": [8], "augment": variation})
    network = build_network(model, (8, 8, 3), classes)
    given = np.random.default_rng(2).integers(0, 255, (5, 8, 8, 3), dtype=np.uint8)
    variants = [(0.5, given), (0.5, given[:, :, ::-1])]
    if variation == "flip+crop":
        padded = np.pad(given, ((0, 0), (1, 1), (1, 1), (0, 0)), "reflect")
        corners = [padded[:, :8, :8], padded[:, 2:, 2:]]
        variants = [(0.25, variant) for _, variant in variants]
        variants += [
            (0.125, side) for variant in corners for side in (variant, variant[:, :, ::-1])
        ]
    logits = 0.0
    for weight, variant in variants:
        probabilities = network.predict(variant, verbose=0).astype(np.float64)
        odds = probabilities / (1 - probabilities) if classes == 2 else probabilities
        logits = logits + weight * np.log(odds)
    raised = np.exp(logits)
    expected = raised / (1 + raised) if classes == 2 else raised / raised.sum(1, keepdims=True)
    answers = augment_network(model, network).predict(given, verbose=0)
    np.testing.assert_allclose(answers, expected, atol=1e-6)


def test_variants_not_used_in_training_are_rejected() -> None:
    model = ModelConfig(builder="whitened", options={"widths": [8]})
    with pytest.raises(ConfigError, match=r"not trained on mirrored images.*leave --tta out"):
        augment_network(model, build_network(model, (8, 8, 3), 2))
