"""Each augmentation against its definition, its labels, and what it may not change."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from scipy import ndimage

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.models.builders import check_options
from modelwright.models.options import BilstmOptions, CnnOptions, ImageOptions
from modelwright.training import optimizers
from modelwright.training.augmentation import Augmentation, Mixing
from modelwright.training.batches import TokenIds, TrainingBatches
from modelwright.training.resampling import resample

SEEDS = (3, 1, 4)
EVERYTHING = Augmentation("flip+crop", 0.125, 0.1, 0.2, 0.2, 0.3, 0.4, 0.5)


def images(count: int = 24, size: tuple[int, int] = (16, 20), channels: int = 3) -> np.ndarray:
    noise = np.random.default_rng(0).integers(0, 256, (count, *size, channels)).astype(float)
    return ndimage.gaussian_filter(noise, (0, 1.5, 1.5, 0)).astype(np.uint8)


def vary(originals: np.ndarray, **settings: float) -> np.ndarray:
    mirrored = np.zeros(len(originals), bool)
    return Augmentation(**settings).apply(originals, SEEDS, mirrored)[0]


@pytest.mark.parametrize(("size", "channels"), [((16, 20), 3), ((28, 28), 1), ((9, 4), 3)])
def test_rotation_and_zoom_agree_with_scipy(size: tuple[int, int], channels: int) -> None:
    originals = images(12, size, channels)
    random = np.random.default_rng(1)
    turns = random.uniform(-0.5, 0.5, 12).astype(np.float32)
    zooms = random.uniform(0.3, 1.9, 12).astype(np.float32)
    found = resample(originals, turns, zooms)
    middle = (np.array(size) - 1) / 2
    for row, image in enumerate(originals):
        angle = 2 * np.pi * turns[row]
        matrix = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        matrix /= zooms[row]
        for channel in range(channels):
            expected = ndimage.affine_transform(
                image[..., channel].astype(float), matrix, middle - matrix @ middle, order=1,
                mode="mirror",
            )  # fmt: skip
            assert np.abs(expected - found[row, ..., channel]).max() < 2


def test_a_quarter_turn_is_counterclockwise_and_no_turn_changes_no_pixel() -> None:
    originals, one = images(4, (12, 12)), np.ones(4, np.float32)
    turned = resample(originals, np.full(4, 0.25, np.float32), one)
    np.testing.assert_array_equal(turned, np.rot90(originals, 1, (1, 2)))
    np.testing.assert_array_equal(resample(originals, 0 * one, one), originals)
    line = images(2, (1, 5))
    assert resample(line, np.full(2, 0.1, np.float32), one[:2]).shape == line.shape


def test_rotation_and_zoom_stay_within_their_bounds() -> None:
    dot = np.zeros((400, 41, 41, 1), np.uint8)
    dot[:, 20, 36] = 255  # 16 pixels right of the center
    for settings, nearest, farthest in (({"rotation": 0.05}, 15, 17), ({"zoom": 0.25}, 11.5, 20.5)):
        moved = vary(dot, **settings).astype(float)[..., 0]
        bright = moved.reshape(400, -1).argmax(axis=1)
        down, right = bright // 41 - 20, bright % 41 - 20
        distances = np.hypot(down, right)
        assert nearest <= distances.min() and distances.max() <= farthest
        degrees = np.abs(np.degrees(np.arctan2(down, right)))
        assert (degrees.max() > 14) == ("rotation" in settings) and degrees.max() < 20


def test_brightness_adds_to_every_pixel_and_contrast_keeps_the_mean() -> None:
    flat = np.full((200, 4, 4, 3), 100, np.uint8)
    brighter = vary(flat, brightness=0.1).astype(int) - 100
    assert (np.ptp(brighter.reshape(200, -1), axis=1) == 0).all()
    assert -26 <= brighter.min() < -20 and 20 < brighter.max() <= 26
    assert vary(np.full((200, 4, 4, 3), 250, np.uint8), brightness=0.1).max() == 255
    halves = np.concatenate([flat, flat + 40], axis=2)
    spread = vary(halves, contrast=0.5).astype(int)
    distances = spread[:, 0, 7, 0] - spread[:, 0, 0, 0]
    assert 20 <= distances.min() < 25 and 55 < distances.max() <= 60
    assert np.abs(spread.mean(axis=(1, 2, 3)) - 120).max() <= 1


def test_cutout_covers_one_square_with_the_mean_color() -> None:
    black = np.zeros((200, 16, 16, 3), np.uint8)
    black[:, 0, 0] = 255  # so that the mean differs from what is around it
    covered = (vary(black, cutout=0.5) == 1).all(axis=-1)
    areas = covered.sum(axis=(1, 2))
    assert areas.max() == 64 and areas.min() < 64  # at the border a part of it is outside
    for mask in covered[:20]:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        assert mask.sum() == len(rows) * len(columns)


def test_mixup_gives_labels_the_shares_of_the_pixels() -> None:
    white_or_black = np.zeros((256, 4, 4, 1), np.uint8)
    white_or_black[::2] = 255
    targets = np.eye(2, dtype=np.float32)[np.arange(256) % 2]
    augmentation = Augmentation(mixup=1.0)
    mixed, mixing = augmentation.apply(white_or_black, SEEDS, np.zeros(256, bool))
    assert mixing is not None
    labels = mixing.mix_labels(targets)
    np.testing.assert_allclose(labels.sum(axis=1), 1)
    np.testing.assert_allclose(labels[:, 0], mixed[:, 0, 0, 0] / 255, atol=0.003)
    assert len(np.unique(labels[:, 0])) > 50
    assert (labels.argmax(axis=1) == targets.argmax(axis=1))[mixing.share[:, 0] > 0.5].all()


def test_the_default_changes_nothing_and_no_augmentation_changes_its_input() -> None:
    originals = images()
    before = originals.copy()
    mirrored = np.arange(24) % 2 == 0
    assert Augmentation().apply(originals, SEEDS, mirrored)[0] is originals
    assert Augmentation.from_options(CnnOptions()) == Augmentation()
    assert Augmentation.from_options(BilstmOptions()).changes_nothing
    first, second = (EVERYTHING.apply(originals, SEEDS, mirrored)[0] for _ in range(2))
    np.testing.assert_array_equal(originals, before)
    np.testing.assert_array_equal(first, second)
    other = EVERYTHING.apply(originals, (3, 2, 4), mirrored)[0]
    assert (first != other).any()


def test_one_augmentation_does_not_change_the_random_numbers_of_another() -> None:
    originals, mirrored = images(), np.zeros(24, bool)
    crop = Augmentation("crop").apply(originals, SEEDS, mirrored)[0]
    both = Augmentation("crop", brightness=0.2).apply(originals, SEEDS, mirrored)[0]
    np.testing.assert_array_equal(vary(crop, brightness=0.2), both)
    assert set(EVERYTHING.kinds()) == {
        "flip", "crop", "rotation", "zoom", "brightness", "contrast", "cutout", "mixup",
    }  # fmt: skip


@pytest.mark.parametrize("classes", [2, 3])
def test_batches_of_an_epoch_do_not_depend_on_the_epochs_before(classes: int) -> None:
    rows = TokenIds(images(20))
    columns = 1 if classes == 2 else classes
    targets = optimizers.loss_targets(np.arange(20) % classes, columns, 0.0, mixed=True)
    one, other = (TrainingBatches(rows, targets, 8, seed=1, augmentation=EVERYTHING) for _ in "12")
    for number in range(len(one)):
        one.make(number)
    one.start_epoch(1)
    other.start_epoch(1)
    for number in range(len(one)):
        for a, b in zip(one.make(number), other.make(number), strict=True):
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b)
    assert one.make(0)[1].shape == (8, columns)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("classes", "units"), [(2, 1), (2, 2), (3, 3)])
def test_loss_and_accuracy_of_mixed_labels(classes: int, units: int, smoothing: float) -> None:
    activation = "sigmoid" if units == 1 else "softmax"
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(units, activation)])
    loss = optimizers.build_loss(network, smoothing, mixed=True)
    network.compile("sgd", loss, metrics=[optimizers.build_accuracy(network, mixed=True)])
    inputs = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
    own, other = np.arange(60) % classes, (np.arange(60) + 1) % classes
    mixing = Mixing(np.full((60, 1), 0.75, np.float32), (np.arange(60) + 1) % 60)
    targets = optimizers.loss_targets(own, units, smoothing, mixed=True)
    figures = network.evaluate(inputs, mixing.mix_labels(targets), verbose=0, return_dict=True)
    outputs = network.predict(inputs, verbose=0)
    shares = np.concatenate([1 - outputs, outputs], axis=1) if units == 1 else outputs
    assert figures["accuracy"] == pytest.approx((shares.argmax(axis=1) == own).mean())
    expected = 0.75 * np.eye(classes)[own] + 0.25 * np.eye(classes)[other]
    expected = expected * (1 - smoothing) + smoothing / classes
    assert figures["loss"] == pytest.approx(-(expected * np.log(shares)).sum(1).mean(), rel=1e-4)


@pytest.mark.parametrize("key", sorted(set(ImageOptions.model_fields)))
def test_an_augmentation_of_texts_is_refused_with_its_reason(key: str) -> None:
    value = "flip" if key == "augment" else 0.1
    with pytest.raises(ConfigError, match=rf"'model\.{key}' augments images, but .* texts"):
        check_options(ModelConfig(builder="bilstm", options={key: value}))
