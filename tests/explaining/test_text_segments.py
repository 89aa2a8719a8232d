"""Texts are cut where a person would cut them, and never inside a character."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from modelwright.core.errors import ConfigError
from modelwright.explaining import word_cutters
from modelwright.explaining.text_segments import (
    characters,
    cut_text,
    fit_to_tokens,
    sentences,
)

FAMILY = "👨\u200d👩\u200d👧"
ENGLAND = "🏴\U000e0067\U000e0062\U000e007f"
CHINESE = "物流很快，但是包装太差了"


def pieces(text: str, words: str = "characters") -> list[str]:
    cut = word_cutters.find_word_cutter(words)[1]
    return [text[start:end] for start, end in cut_text(text, cut)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The plot isn't state-of-the-art.", ["The", "plot", "isn't", "state-of-the-art"]),
        ("3.5 of 1,000 (quoted) 'words'", ["3.5", "of", "1,000", "quoted", "words"]),
        ("Ｇｏｏｄ，naïve cafe\u0301", ["Ｇｏｏｄ", "naïve", "cafe\u0301"]),
        (f"{FAMILY}👍🏽 🇨🇳🇺🇸❤\ufe0f", [FAMILY, "👍🏽", "🇨🇳", "🇺🇸", "❤\ufe0f"]),
        (f"1\ufe0f\u20e3 {ENGLAND}", ["1\ufe0f\u20e3", ENGLAND]),
        ("東京タワーはとても高い。", ["東京", "タワー", "はとても", "高", "い"]),
        ("한국어 텍스트", ["한국어", "텍스트"]),
        ("ดีมาก", ["ดี", "ม", "า", "ก"]),
        ("iPhone手机good", ["iPhone", "手", "机", "good"]),
        ("see https://a.b/c?d=e，好", ["see", "https://a.b/c?d=e", "好"]),
        ("<br />ok &amp; a<b", ["ok", "a", "b"]),
        ("", []),
        (" \n，。!", []),
    ],
)  # fmt: skip
def test_where_texts_are_cut(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_chinese_words_by_a_package() -> None:
    pytest.importorskip("rjieba")
    assert pieces(CHINESE, "rjieba") == ["物流", "很快", "但是", "包装", "太差", "了"]


def test_without_a_package_chinese_is_cut_at_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in word_cutters.PACKAGES:
        monkeypatch.setitem(__import__("sys").modules, name, None)
    word_cutters.find_word_cutter.cache_clear()
    try:
        name, cut = word_cutters.find_word_cutter()
        assert (name, cut("很好")) == ("characters", ["很", "好"])
    finally:
        word_cutters.find_word_cutter.cache_clear()
    with pytest.raises(ConfigError, match="no word cutter 'mecab'; expected auto, rjieba"):
        word_cutters.find_word_cutter("mecab")


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
@example("a\u0301\u0301🏽\u200d🏽 很\U000e0100 ー゛ｶﾞ")
def test_segments_of_any_text_are_in_order_and_hold_whole_characters(text: str) -> None:
    spans = cut_text(text, list)
    edges = {edge for span in characters(text) for edge in span} | {0}
    reached = 0
    for start, end in spans:
        assert reached <= start < end <= len(text)
        assert start in edges and end in edges
        reached = end
    covered = {at for start, end in spans for at in range(start, end)}
    if not set("<&") & set(text):
        letters = {at for at, one in enumerate(text) if unicodedata.category(one)[0] == "L"}
        assert letters <= covered
    assert [at for group in sentences(spans, text) for at in group] == list(range(len(spans)))


def test_segments_are_fitted_to_the_tokens_of_a_model() -> None:
    text = "好看 = ok <b>tag</b>"
    spans = cut_text(text, list)
    # A token over two segments joins them; a sign that is a token becomes one; tags vanish.
    assert fit_to_tokens(spans, [(0, 2), (3, 4), (5, 7)], text) == [(0, 2), (3, 4), (5, 7)]
    # A segment of two tokens stays one.
    assert fit_to_tokens([(0, 2)], [(0, 1), (1, 2)], text) == [(0, 2)]


def test_sentences() -> None:
    text = "One is 3.5 long. 很好！差？End\nnext<br />last"
    spans = cut_text(text, list)
    groups = [[text[a:b] for a, b in spans[g.start : g.stop]] for g in sentences(spans, text)]
    assert groups == [
        ["One", "is", "3.5", "long"], ["很", "好"], ["差"], ["End"], ["next"], ["last"],
    ]  # fmt: skip
