"""Every plot is an image whose marks are where the numbers say."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelwright.plots.calibration import draw_calibration
from modelwright.plots.classes import draw_classes
from modelwright.plots.confusion import draw_confusion
from modelwright.plots.feature_maps import LayerMaps, draw_layers
from modelwright.plots.history import draw_history
from modelwright.plots.inspection import draw_inspection
from modelwright.plots.mistakes import draw_mistakes
from modelwright.plots.study import StudyLine, draw_study

pytest.importorskip("matplotlib")
EPOCHS = [
    {"loss": 1 / n, "val_loss": 1.5 / n, "accuracy": 0.5, "val_accuracy": 0.4} for n in (1, 2)
]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def near(image: np.ndarray, color: tuple[int, int, int], within: int = 12) -> np.ndarray:
    return (np.abs(image - color) <= within).all(axis=-1)


def test_history_marks_the_best_epoch(tmp_path: Path) -> None:
    marked = pixels(draw_history(tmp_path / "a.png", EPOCHS, best=2))
    plain = pixels(draw_history(tmp_path / "b.png", EPOCHS))
    assert not np.array_equal(marked, plain)
    assert near(marked, (0x00, 0x72, 0xB2)).any()
    assert near(marked, (0xE6, 0x9F, 0x00)).any()


@pytest.mark.parametrize("epochs", [[], EPOCHS[:1], [{"loss": 1.0, "epoch": 1}], EPOCHS * 30])
def test_history_of_any_length_draws(epochs: list[dict[str, float]], tmp_path: Path) -> None:
    assert draw_history(tmp_path / "a.png", epochs, best=1).stat().st_size > 1000


def test_confusion_darkens_the_diagonal_of_a_good_model(tmp_path: Path) -> None:
    good = pixels(draw_confusion(tmp_path / "a.png", np.diag([5, 5, 5]), ["书籍", "b", "c"]))
    bad = pixels(draw_confusion(tmp_path / "b.png", np.full((3, 3), 5), ["书籍", "b", "c"]))
    dark = (8, 48, 107)
    assert near(good, dark).sum() > 4 * near(bad, dark).sum()


@pytest.mark.parametrize("size", [1, 15, 35, 120])
def test_confusion_and_classes_stay_small_with_many_classes(size: int, tmp_path: Path) -> None:
    labels = [f"a rather long class name {number}" for number in range(size)]
    matrix = np.eye(size, dtype=np.int64)
    scores = [0.5] * size
    for path in (
        draw_confusion(tmp_path / "a.png", matrix, labels),
        draw_classes(tmp_path / "b.png", labels, scores, scores),
        draw_inspection(tmp_path / "c.png", labels, {"train": [3] * size, "test": [0] * size}),
    ):
        assert max(pixels(path).shape) < 2200


def test_calibration_leaves_out_empty_bins(tmp_path: Path) -> None:
    used = [(0.55, 0.5, 10), (0.95, 0.9, 90)]
    with_empty = [(0.0, 0.0, 0), *used]
    one = pixels(draw_calibration(tmp_path / "a.png", with_empty, 0.05))
    # Only the width of the bars depends on the empty bin.
    assert near(one, (0x00, 0x72, 0xB2)).any()
    draw_calibration(tmp_path / "b.png", [(0.0, 0.0, 0)], 0.0)


def test_inspection_shows_a_panel_only_for_its_numbers(tmp_path: Path) -> None:
    counts = {"train": [9, 3], "val": [1, 0]}
    one = pixels(draw_inspection(tmp_path / "a.png", ["好评", "差评"], counts))
    three = pixels(
        draw_inspection(
            tmp_path / "b.png", ["好评", "差评"], counts, [3, 5, 5, 900], scripts={"Han": 1.0}
        )
    )
    assert three.shape[1] > 2 * one.shape[1]
    draw_inspection(tmp_path / "c.png", ["a"], {"train": [1]}, [0])


def test_a_study_marks_claimed_and_measured_accuracies(tmp_path: Path) -> None:
    blue, orange = (0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00)
    found = StudyLine("批归一化 $5", [0.5, 0.6], (0.55, 0.5, 0.6))
    texts = {"title": "对比", "measure": "accuracy"}
    one = pixels(draw_study(tmp_path / "a.png", [found], **texts))
    claimed = [
        StudyLine(found.name, found.points, found.mean, 0.9),
        StudyLine("to come", [], None, 0.7),
    ]
    two = pixels(draw_study(tmp_path / "b.png", claimed, **texts))
    assert near(one, blue).any() and not near(one, orange).any()
    assert near(two, blue).any()
    # The claimed accuracies are right of the measured ones, as 0.9 and 0.7 are of 0.6.
    left, right = (np.flatnonzero(near(two[90:], color).any(axis=0)) for color in (blue, orange))
    assert left.max() < right.min()


@pytest.mark.parametrize("count", [0, 1, 100])
def test_a_study_of_any_size_is_drawn(count: int, tmp_path: Path) -> None:
    lines = [StudyLine(f"变体 {number}", []) for number in range(count)]
    image = pixels(draw_study(tmp_path / "a.png", lines, title="t", measure="m"))
    assert image.shape[0] < 4000


@pytest.mark.parametrize("count", [0, 1, 7, 30])
@pytest.mark.parametrize("kind", ["text", "gray", "color"])
def test_at_most_twenty_mistakes_are_drawn(kind: str, count: int, tmp_path: Path) -> None:
    rows: dict[str, Callable[[int], Any]] = {
        "text": lambda n: ["价格 $5，很好 " * 40] * n,
        "gray": lambda n: np.zeros((n, 8, 8, 1), np.uint8),
        "color": lambda n: np.zeros((n, 8, 8, 3), np.uint8),
    }
    names = ["好评"] * count
    path = draw_mistakes(tmp_path / "a.png", rows[kind](count), names, names, [0.5] * count)
    assert max(pixels(path).shape) < 2000


def test_a_drawn_image_keeps_its_colors(tmp_path: Path) -> None:
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 200
    image = pixels(draw_mistakes(tmp_path / "a.png", red, ["a"], ["b"], [0.9]))
    assert near(image, (200, 0, 0), 2).mean() > 0.3


def segments(line: np.ndarray) -> int:
    """Returns the number of runs of true values."""
    return int((np.diff(np.concatenate([[0], line.astype(int)])) == 1).sum())


@pytest.mark.parametrize("channels", [1, 3])
def test_layers_have_one_panel_per_channel(channels: int, tmp_path: Path) -> None:
    image_rows = np.full((6, 6, channels), 128, np.uint8)
    above = LayerMaps("above", np.ones((5, 5, 9), np.float32), (1, 2, 3))
    below = LayerMaps("卷积$", np.full((2, 2, 2), -1, np.float32), (0, 1))
    title = "a.png:  猫 → 狗 50%"
    image = pixels(draw_layers(tmp_path / "a.png", image_rows, [above, below], title=title))
    red, blue = near(image, (103, 0, 31), 2), near(image, (5, 48, 97), 2)
    for mask, panels in ((red, 3), (blue, 2)):
        rows = mask.any(axis=1)
        assert segments(rows) == 1
        assert segments(mask[rows.nonzero()[0][5]]) == panels
    # The image is on top, then the layers in their order.
    gray = near(image, (128, 128, 128), 2)
    tops = [mask.any(axis=1).argmax() for mask in (gray, red, blue)]
    assert tops == sorted(tops)


def test_a_map_of_zeros_is_white_and_long_names_are_cut(tmp_path: Path) -> None:
    maps = [
        LayerMaps("a very long name " * 9, np.zeros((1, 1, 8), np.float32), tuple(range(8)))
    ] * 8
    image = pixels(
        draw_layers(tmp_path / "a.png", np.zeros((9, 9, 3), np.uint8), maps, title="long " * 90)
    )
    assert not near(image, (103, 0, 31), 40).any()
    assert max(image.shape) < 2000
