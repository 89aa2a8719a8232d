"""The methods find the segments that decide, on rows whose answer is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.types import BoolArray, FloatArray
from modelwright.explaining.in_and_out import METHOD as IN_AND_OUT
from modelwright.explaining.leave_one_out import METHOD as LEAVE_ONE_OUT
from modelwright.explaining.masks import METHOD as MASKS
from modelwright.explaining.masks import fit_ridge
from modelwright.explaining.method import ImageSegment, Segment, TextSegment, log_odds
from modelwright.explaining.occlusion import METHOD as OCCLUSION
from modelwright.explaining.quality import measure_quality, strongest
from modelwright.explaining.registry import BUILT_IN, choose_method, find_method, method_names
from modelwright.explaining.singly import MOST
from plugin_package import install


@dataclass
class LinearRow:
    """A row whose log-odds of class 1 are a sum over the segments that are there."""

    weights: Sequence[float]
    segments: Sequence[Segment]
    groups: Sequence[range]
    noise: float = 0.0
    asked: list[int] = field(default_factory=list)

    def answer(self, kept: BoolArray) -> FloatArray:
        self.asked.append(len(kept))
        odds = kept @ np.array(self.weights, float)
        odds += self.noise * np.sin(1e4 * kept @ np.arange(1, len(self.weights) + 1))
        p = 1 / (1 + np.exp(-odds))
        return np.stack([1 - p, p], axis=1).astype(np.float32)


@dataclass
class RepeatedWord:
    """A row whose log-odds of class 1 are 3 if its first or its second word is there."""

    inner: LinearRow

    @property
    def segments(self) -> Sequence[Segment]:
        return self.inner.segments

    @property
    def groups(self) -> Sequence[range]:
        return self.inner.groups

    def answer(self, kept: BoolArray) -> FloatArray:
        p = 1 / (1 + np.exp(-3.0 * kept[:, :2].any(axis=1)))
        return np.stack([1 - p, p], axis=1).astype(np.float32)


def words(weights: Sequence[float], sentence: int = 5) -> LinearRow:
    count = len(weights)
    segments = [TextSegment(2 * at, 2 * at + 1, "w") for at in range(count)]
    starts = range(0, count, sentence)
    groups = [range(start, min(start + sentence, count)) for start in starts]
    return LinearRow(weights, segments, groups)


def cells(weights: Sequence[float], side: int, noise: float = 0.0) -> LinearRow:
    segments = [ImageSegment(4 * (at // side), 4 * (at % side), 4, 4) for at in range(side * side)]
    return LinearRow(weights, segments, [range(side * side)], noise)


def test_leave_one_out_finds_the_weights_of_a_linear_model() -> None:
    row = words([1.5, 0.0, -2.0, 0.5])
    found = LEAVE_ONE_OUT.weigh(row, 1, 0)
    assert found.values == pytest.approx([1.5, 0.0, -2.0, 0.5], abs=1e-3)
    assert LEAVE_ONE_OUT.weigh(row, 0, 0).values == pytest.approx(-found.values, abs=1e-5)
    assert row.asked == [5, 5]
    assert LEAVE_ONE_OUT.weigh(words([3.0]), 1, 0).values == pytest.approx([3.0], abs=1e-3)


def test_in_and_out_weighs_the_fall_twice_and_the_rise_once() -> None:
    linear = words([1.5, 0.0, -2.0, 0.5])
    found = IN_AND_OUT.weigh(linear, 1, 0)
    assert found.values == pytest.approx([1.5, 0.0, -2.0, 0.5], abs=1e-3)
    assert linear.asked == [5, 5]

    # Either of the first two words is enough, so that no single one is missed.
    repeated = RepeatedWord(words([0.0, 0.0, 0.0]))
    assert LEAVE_ONE_OUT.weigh(repeated, 1, 0).values == pytest.approx([0, 0, 0], abs=1e-3)
    assert IN_AND_OUT.weigh(repeated, 1, 0).values == pytest.approx([1, 1, 0], abs=1e-3)


def test_in_and_out_explains_a_long_text_by_sentences_first() -> None:
    weights = np.zeros(5_000)
    weights[[17, 4_003]] = 2.0, -1.0
    row = words(weights.tolist(), 12)
    found = IN_AND_OUT.weigh(row, 1, 0)
    assert found.values[[17, 4_003]] == pytest.approx([2.0, -1.0], abs=1e-3)
    assert sum(row.asked) <= 4 * MOST + 4


@pytest.mark.parametrize("sentence", [1, 12, 10_000])
def test_a_long_text_is_explained_by_sentences_first(sentence: int) -> None:
    weights = np.zeros(10_000)
    weights[[17, 7_003]] = 2.0, -1.0
    row = words(weights.tolist(), sentence)
    found = LEAVE_ONE_OUT.weigh(row, 1, 0)
    assert np.argsort(-np.abs(found.values))[:2].tolist() == [17, 7_003]
    assert found.values[[17, 7_003]] == pytest.approx([2.0, -1.0], abs=1e-3)
    assert sum(row.asked) <= 2 * MOST + 2
    assert found.details["blocks"] <= MOST
    assert found.details["segments_alone"] <= 250


def test_segments_of_other_sentences_share_the_weight_of_their_sentence() -> None:
    weights = np.full(2_000, 0.001)
    found = LEAVE_ONE_OUT.weigh(words(weights.tolist(), 20), 1, 0).values
    assert found == pytest.approx(weights, abs=1e-3)
    assert float(found.sum()) == pytest.approx(2.0, abs=0.05)


def test_masks_find_the_weights_of_a_linear_model_and_say_so() -> None:
    weights = np.zeros(64)
    weights[[3, 40]] = 2.0, -1.5
    found = MASKS.weigh(cells(weights.tolist(), 8), 1, 0)
    assert found.values[[3, 40]] == pytest.approx([2.0, -1.5], abs=0.05)
    assert found.fidelity == pytest.approx(1.0, abs=0.01)
    assert np.array_equal(found.values, MASKS.weigh(cells(weights.tolist(), 8), 1, 0).values)
    assert not np.array_equal(found.values, MASKS.weigh(cells(weights.tolist(), 8), 1, 1).values)


def test_masks_measure_fidelity_on_masks_that_were_held_out() -> None:
    rng = np.random.default_rng(0)
    kept = rng.random((40, 10)) < 0.5
    odds = kept @ rng.normal(size=10) + rng.normal(size=40)
    _, fidelity = fit_ridge(kept, odds)
    inputs, errors = np.c_[kept, np.ones(40)], []
    for at in range(40):
        rest = np.arange(40) != at
        penalty = np.diag([1.0] * 10 + [0.0])
        line = np.linalg.solve(inputs[rest].T @ inputs[rest] + penalty, inputs[rest].T @ odds[rest])
        errors.append(odds[at] - inputs[at] @ line)
    expected = 1 - np.square(errors).sum() / np.square(odds - odds.mean()).sum()
    assert fidelity == pytest.approx(expected)
    assert fit_ridge(kept, np.zeros(40))[1] == 0.0


def test_occlusion_finds_the_cells_that_decide() -> None:
    weights = np.zeros(36)
    weights[[14, 15]] = 3.0
    row = cells(weights.tolist(), 6)
    found = OCCLUSION.weigh(row, 1, 0).values
    assert set(np.argsort(-found)[:2].tolist()) == {14, 15}
    assert row.asked == [26]
    assert OCCLUSION.weigh(cells([2.0], 1), 1, 0).values == pytest.approx([2.0], abs=1e-3)


def test_quality_of_a_good_and_of_a_bad_explanation() -> None:
    weights = np.zeros(64)
    weights[[3, 40]] = 4.0, 3.0
    row = cells(weights.tolist(), 8)
    quality = measure_quality(MASKS, row, 1, 0, MASKS.weigh(row, 1, 0))
    assert {3, 40} <= set(quality.named) and quality.seeds == 3
    assert quality.probability > 0.99 and quality.probability_without == pytest.approx(
        0.5, abs=0.01
    )
    assert quality.probability_without_random > 0.7
    noisy = cells([0.01] * 64, 8, noise=3.0)
    bad = measure_quality(MASKS, noisy, 1, 0, MASKS.weigh(noisy, 1, 0))
    assert any("their fidelity is" in text and "below 0.3" in text for text in bad.warnings)
    assert any("another seed names other segments" in text for text in bad.warnings)
    assert bad.to_dict()["warnings"] == bad.warnings


def test_quality_where_nothing_is_drawn() -> None:
    row = words([1.0, -1.0])
    quality = measure_quality(LEAVE_ONE_OUT, row, 1, 0, LEAVE_ONE_OUT.weigh(row, 1, 0))
    assert (quality.stability, quality.seeds, quality.named) == (1.0, 1, (0,))
    assert quality.warnings == []
    alone = words([1.0])
    quality = measure_quality(LEAVE_ONE_OUT, alone, 1, 0, LEAVE_ONE_OUT.weigh(alone, 1, 0))
    assert quality.probability_without_random is None
    against = words([-1.0, -1.0])
    quality = measure_quality(LEAVE_ONE_OUT, against, 1, 0, LEAVE_ONE_OUT.weigh(against, 1, 0))
    assert quality.named == () and quality.warnings == []
    assert strongest(np.array([0.0, 2.0, -1.0, 3.0], np.float32), 5) == (3, 1)


def test_log_odds_near_one_come_from_the_other_classes() -> None:
    p = np.array([[0.99999994, 3e-7, 2e-7], [0, 1, 0]], np.float32)
    assert log_odds(p, 0) == pytest.approx([np.log(1 / 5e-7), np.log(1e-7)], rel=1e-4)


def test_the_registry_knows_its_methods() -> None:
    assert set(BUILT_IN) <= set(method_names())
    for name in BUILT_IN:
        assert find_method(name).name == name
    assert choose_method("auto", "text", gradients=False).name == "in-and-out"
    assert choose_method("auto", "image", gradients=False).name == "masks"
    assert choose_method("quick", "image", gradients=False).name == "occlusion"
    with pytest.raises(ConfigError, match=r"no method of explanation 'mask'. Did you mean 'masks'"):
        choose_method("mask", "image", gradients=False)
    with pytest.raises(ConfigError, match=r"'masks' explains image models, but m classifies texts"):
        choose_method("masks", "text", gradients=False, model="m")


PLUGIN = """
class Saliency:
    name = "saliency"
    tasks = ("text",)
    random = False
    needs_gradients = True
    def weigh(self, row, label, seed):
        raise NotImplementedError
METHOD = Saliency()
WRONG = 3
"""


def test_methods_of_other_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {"saliency": "acme_m:METHOD", "wrong": "acme_m:WRONG", "gone": "acme_m:NONE"}
    install(tmp_path, monkeypatch, "modelwright.explainers", entries, {"acme_m": PLUGIN})
    assert "saliency" in method_names()
    assert choose_method("saliency", "text", gradients=True).name == "saliency"
    with pytest.raises(ConfigError, match=r"'saliency' needs gradients, which m does not have"):
        choose_method("saliency", "text", gradients=False, model="m")
    with pytest.raises(ConfigError, match="expected an object with name, tasks"):
        find_method("wrong")
    with pytest.raises(MissingDependencyError, match="acme"):
        find_method("gone")
    # A damaged entry point is in nobody's way who does not ask for it.
    with pytest.raises(ConfigError, match=r"methods for texts: in-and-out, leave-one-out"):
        choose_method("masks", "text", gradients=False)
