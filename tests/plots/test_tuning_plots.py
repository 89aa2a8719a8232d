"""The plots of a search: marks are where the numbers say, and odd numbers do no harm."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelwright.plots.tuning import (
    DimensionAxis,
    ObjectiveAxis,
    PlottedTrial,
    draw_search_history,
    objective_limits,
)
from modelwright.plots.tuning_front import CostAxis, FrontPoint, draw_front
from modelwright.plots.tuning_importance import ImportanceBar, draw_importance
from modelwright.plots.tuning_parallel import draw_parallel
from modelwright.plots.tuning_slices import draw_slices

pytest.importorskip("matplotlib")
BLUE, ORANGE, RED = (0x00, 0x72, 0xB2), (0xE6, 0x9F, 0x00), (0xD5, 0x5E, 0x00)
ACCURACY = ObjectiveAxis("validation accuracy", percent=True)
LOSS = ObjectiveAxis("validation loss", higher_is_better=False)
AXES = [
    DimensionAxis("train.learning_rate", 1e-4, 1e-2, log=True),
    DimensionAxis("model.cell", labels=("lstm", "双向 $gru$")),
    DimensionAxis("model.units", 32, 128, step=32),
]


def trial(number: int, objective: float | None, state: str = "finished") -> PlottedTrial:
    values = {"train.learning_rate": 10 ** -(2 + number % 3), "model.cell": float(number % 2)}
    return PlottedTrial(number, state, objective, 30.0, values)  # type: ignore[arg-type]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def near(image: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(image - color) <= 12).all(axis=-1)


def test_the_history_has_the_best_where_it_is_and_failures_in_red(tmp_path: Path) -> None:
    trials = [trial(0, 0.5), trial(1, 0.9), trial(2, 0.7), trial(3, 0.6, "pruned")]
    plain = pixels(draw_search_history(tmp_path / "a.png", trials, ACCURACY, title="影评"))
    failed = pixels(
        draw_search_history(
            tmp_path / "b.png", [*trials, trial(4, None, "failed")], ACCURACY, title="影评"
        )
    )
    assert not near(plain, RED).any() and near(failed, RED).any()
    # Below the legend: the best so far ends above all finished trials that are not the best.
    line, dots = (np.flatnonzero(near(plain[70:], color).any(axis=1)) for color in (ORANGE, BLUE))
    assert line.min() < dots.min()


def test_the_best_has_the_lowest_loss() -> None:
    trials = [trial(0, 0.5), trial(1, 0.2), trial(2, 0.1, "pruned"), trial(3, 0.2)]
    best = LOSS.best(trials)
    assert best is not None and best.number == 1
    assert ACCURACY.best([trial(0, None, "failed")]) is None
    assert ACCURACY.text(0.875) == "87.50" and LOSS.text(0.123456) == "0.1235"


@pytest.mark.parametrize(("axis", "sign"), [(ACCURACY, 1), (LOSS, -1)])
def test_one_diverged_trial_does_not_set_the_scale(axis: ObjectiveAxis, sign: int) -> None:
    good = [sign * value for value in (0.80, 0.81, 0.82, 0.83, 0.85, 0.86)]
    low, high = objective_limits([trial(n, v) for n, v in enumerate(good)], axis)
    assert low < min(good) and max(good) < high
    spoiled = [trial(n, v) for n, v in enumerate([*good, -sign * 50.0])]
    assert objective_limits(spoiled, axis) == (low, high)
    nothing = [trial(0, math.nan), trial(1, None, "failed")]
    assert objective_limits(nothing, axis) == (0.0, 1.0)


@pytest.mark.parametrize("count", [0, 1, 2, 80])
def test_any_number_of_trials_is_drawn(count: int, tmp_path: Path) -> None:
    states = ("finished", "pruned", "failed")
    trials = [
        trial(n, None if n % 3 == 2 else math.inf if n == 7 else 0.5, states[n % 3])
        for n in range(count)
    ]
    for path in (
        draw_search_history(tmp_path / "a.png", trials, LOSS, title="t"),
        draw_slices(tmp_path / "b.png", trials, AXES, LOSS, title="t"),
        draw_parallel(tmp_path / "c.png", trials, AXES, LOSS, title="t"),
    ):
        assert max(pixels(path).shape) < 2200


def test_many_dimensions_are_cut_and_it_says_so(tmp_path: Path) -> None:
    axes = [DimensionAxis(f"model.setting_{number}", 0, 1) for number in range(40)]
    trials = [trial(0, 0.5), trial(1, 0.6)]
    bars = [ImportanceBar(one.key, 0.1, -0.1, 0.3) for one in axes]
    for path in (
        draw_slices(tmp_path / "a.png", trials, axes, ACCURACY, title="t"),
        draw_parallel(tmp_path / "b.png", trials, axes, ACCURACY, title="t"),
        draw_importance(tmp_path / "c.png", bars, title="t", measure="m"),
    ):
        assert max(pixels(path).shape) < 2600


def test_an_importance_that_may_be_chance_is_not_blue(tmp_path: Path) -> None:
    def bar_pixels(low: float) -> int:
        bars = [ImportanceBar("train.learning_rate", 0.4, low, 0.8)]
        path = draw_importance(tmp_path / "a.png", bars, title="t", measure="m")
        return int(near(pixels(path)[70:], BLUE).sum())

    assert bar_pixels(0.1) > 1000 > bar_pixels(-0.1)


@pytest.mark.parametrize("count", [1, 2])
def test_the_front_shows_the_best_within_the_limits(count: int, tmp_path: Path) -> None:
    costs = [CostAxis("latency in ms", 3.0), CostAxis("size in MiB")][:count]
    points = [
        FrontPoint(0, 0.7, (1.0, 2.0)[:count], front=True),
        FrontPoint(1, 0.8, (2.0, 2.5)[:count], front=True),
        FrontPoint(2, 0.9, (4.0, 9.0)[:count], allowed=False, front=True),
    ]
    image = pixels(draw_front(tmp_path / "a.png", points, costs, ACCURACY, title="t"))[70:]
    assert near(image, RED).any()  # the limit
    best, other = (np.flatnonzero(near(image, color).any(axis=1)) for color in (ORANGE, BLUE))
    assert best.mean() < other.max()
