"""The training texts decide whether a character with its marks is a token."""

from __future__ import annotations

import pytest

from modelwright.models.spaceless_scripts import SCRIPTS, choose_tokens

PLAIN = [
    "a good film",
    "这本书很好",
    "カメラーが良い",
    "한국어 좋아",
    "हिन्दी में",
    "(づ｡◕ ค็็็ ฅ^•ﻌ•^ฅ)",
]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("ดีมาก", "Thai"),
        ("ດີຫຼາຍ", "Lao"),
        ("ភាសាខ្មែរ", "Khmer"),
        ("မြန်မာ", "Burmese"),
        ("ꀀꀁ", "Yi"),
        ("か\u3099き", "kana with separate marks"),
        ("ﾊﾞｽ", "kana with separate marks"),
        ("葛\U000e0100飾", "Han characters with variation selectors"),
        ("𮯱𮯱", "rare Han characters"),
    ],
)
def test_auto_becomes_clusters_where_a_text_has_no_spaces(text: str, name: str) -> None:
    tokens, note = choose_tokens([PLAIN, [text, "x"]], "auto", 8)
    assert tokens == "auto-clusters"
    assert note and note.startswith(f"{name} in 1 of 8 training texts: there are no spaces")
    assert "model.tokens=word splits at spaces alone" in note


def test_other_texts_and_other_options_change_nothing() -> None:
    assert choose_tokens([PLAIN], "auto", 6) == ("auto", None)
    for tokens in ("word", "auto-clusters", "char-clusters"):
        assert choose_tokens([["ดีมาก"]], tokens, 1) == (tokens, None)
    assert choose_tokens([["plain", "好 ❤️"]], "char", 2) == ("char", None)


def test_char_becomes_clusters_where_a_text_has_marks() -> None:
    tokens, note = choose_tokens([["plain", "हिन्दी"]], "char", 2)
    assert tokens == "char-clusters"
    assert note and note.startswith("combining marks in 1 of 2 training texts: each character")


def test_no_script_lists_a_combining_mark() -> None:
    import unicodedata

    for ranges in SCRIPTS.values():
        for first, last in ranges:
            assert not any(
                unicodedata.category(chr(point)) in ("Mn", "Mc", "Me")
                for point in range(first, last + 1)
            )
