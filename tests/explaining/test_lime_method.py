"""The method ``lime`` finds planted segments of texts and images, in either language."""

from __future__ import annotations

import builtins
import sys

import numpy as np
import pytest

from explaining.hand_made_rows import LinearRow
from modelwright.core.errors import MissingDependencyError
from modelwright.explaining.faithfulness import order_segments
from modelwright.explaining.lime import METHOD, Lime


def planted(count: int, at: int, seed: int = 0) -> list[float]:
    weights = np.random.default_rng(seed).normal(0, 0.1, count)
    weights[at] = 3.0
    return weights.tolist()


@pytest.mark.parametrize("at", [0, 5, 19])
@pytest.mark.parametrize("cells", [0, 5], ids=["text", "image"])
def test_the_planted_segment_is_first(at: int, cells: int) -> None:
    count = cells * cells or 20
    row = LinearRow(planted(count, at), cells=cells)
    found = METHOD.weigh(row, 1, 0)
    assert order_segments(found.values)[0] == at
    assert order_segments(METHOD.weigh(row, 0, 0).values)[-1] == at
    assert found.values.shape == (count,) and 0.5 < found.fidelity <= 1


def test_chinese_words_and_hostile_ones_are_features_like_others() -> None:
    words = ["物流", "很快", "，", "但是", "包装", "<b>", "12", " ", "a b", "👍", "\u202e"]
    row = LinearRow(planted(len(words), 4), words=words)
    found = METHOD.weigh(row, 1, 3)
    assert order_segments(found.values)[0] == 4
    assert found.details == {"samples": 300, "features": 11}


def test_equal_words_share_a_weight_as_in_the_package() -> None:
    row = LinearRow([2.0, 0.1, 2.0, -0.2, 0.3], words=["bad", "a", "bad", "b", "c"])
    found = METHOD.weigh(row, 1, 0)
    assert found.values[0] == found.values[2] == found.values.max()
    assert found.details["features"] == 4


def test_the_seed_decides_what_is_drawn() -> None:
    row = LinearRow(planted(12, 3))
    one, same, other = (METHOD.weigh(row, 1, seed).values for seed in (1, 1, 2))
    assert np.array_equal(one, same) and not np.array_equal(one, other)


@pytest.mark.parametrize("cells", [0, 3], ids=["text", "image"])
def test_the_model_is_asked_for_the_samples_at_once(cells: int) -> None:
    row = LinearRow(planted(9, 2), cells=cells)
    Lime(samples=40).weigh(row, 1, 0)
    assert row.asked == [40]


def test_a_single_segment_and_a_model_that_does_not_move() -> None:
    assert METHOD.weigh(LinearRow([1.0]), 1, 0).values.shape == (1,)
    flat = METHOD.weigh(LinearRow([0.0] * 6), 1, 0)
    assert np.abs(flat.values).max() < 1e-6 and np.isfinite(flat.fidelity)


def test_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    METHOD.weigh(LinearRow(planted(9, 2), cells=3), 1, 0)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("cells", [0, 2])
def test_a_missing_package_names_the_extra(cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_lime(name: str, *rest: object) -> object:
        if name.startswith("lime"):
            raise ModuleNotFoundError(f"No module named '{name}'", name="lime")
        return real(name, *rest)

    for name in [name for name in sys.modules if name.split(".")[0] == "lime"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(builtins, "__import__", without_lime)
    with pytest.raises(
        MissingDependencyError, match=r"'lime' needs lime.*'modelwright\[explain\]'"
    ):
        METHOD.weigh(LinearRow([1.0] * 4, cells=cells), 1, 0)
