"""Figures change no global setting, and draw and wrap Chinese text."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelwright.core.errors import MissingDependencyError
from modelwright.plots import canvas

matplotlib = pytest.importorskip("matplotlib")


def drawn(path: Path, text: str) -> np.ndarray:
    with canvas.figure(path, 2, 1) as figure:
        figure.text(0.5, 0.5, text, ha="center", va="center", fontsize=30)
    with Image.open(path) as image:
        return np.asarray(image.convert("L"))


def test_no_setting_outlives_a_figure_and_pyplot_stays_out(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    drawn(tmp_path / "a.png", "x")
    assert dict(matplotlib.rcParams) == before
    assert "zhplot" not in sys.modules


@pytest.mark.skipif(importlib.util.find_spec("zhplot") is None, reason="no font to test")
def test_each_chinese_character_has_its_own_shape(tmp_path: Path) -> None:
    # Without a font, all characters would be the same box.
    one, other = (drawn(tmp_path / f"{character}.png", character) for character in "书酒")
    assert (one < 128).sum() > 100
    assert not np.array_equal(one, other)


def test_a_dollar_sign_starts_no_formula(tmp_path: Path) -> None:
    drawn(tmp_path / "a.png", canvas.escape_dollars("$5 \\frac$"))


def test_nothing_is_left_when_drawing_fails(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), canvas.figure(tmp_path / "a.png", 2, 1):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_a_missing_matplotlib_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with (
        pytest.raises(MissingDependencyError, match=r"pip install 'modelwright\[train\]'"),
        canvas.figure(tmp_path / "a.png", 2, 1),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("abcdef", 6, "abcdef"),
        ("abcdefg", 6, "abcdef…"),
        ("中文字", 4, "中文…"),
        ("a中文", 4, "a中…"),
    ],
)
def test_a_chinese_character_takes_two_columns(text: str, width: int, expected: str) -> None:
    assert canvas.truncate(text, width) == expected


def test_wrap_breaks_at_spaces_and_ends_with_an_ellipsis() -> None:
    assert canvas.wrap("one two three four", 10, 2) == "one two\nthree four"
    assert canvas.wrap("一二三四五六七", 4, 2) == "一二\n三四…"
    assert canvas.wrap("", 4, 2) == ""
