from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from modelwright.core.errors import RunError
from modelwright.models.graph_tokenizer import (
    GraphTokenizer,
    learn_vocabulary,
    separate_tokens,
    split_tokens,
)
from modelwright.models.options import TextOptions


def tokens(text: str, **options: object) -> list[str]:
    ragged = split_tokens(tf.constant([text]), TextOptions(**options))  # type: ignore[arg-type]
    return [token.decode() for token in ragged.to_list()[0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("这部电影，令人震撼！", list("这部电影令人震撼")),
        ("ＡＢＣ１２３　全角", ["abc123", "全", "角"]),
        ("A waste.<br /><br />Don't &nbsp; go", ["a", "waste", "dont", "go"]),
        ("iPhone很好用", ["iphone", "很", "好", "用"]),
        ("five ⭐⭐ 👍🏽", ["five", "⭐", "⭐", "👍"]),
        ("I <3 it", ["i", "3", "it"]),
        ("カタカナ ひらがな", [*"カタカナ", *"ひらがな"]),
        ("tab\tand\nline\x00end", ["tab", "and", "line", "end"]),
        ("", []),
        ("  ！。", []),
    ],
)
def test_tokens_of_mixed_text(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


def test_words_and_characters_as_tokens() -> None:
    assert tokens("好电影 ok", tokens="word") == ["好电影", "ok"]
    assert tokens("好 ok", tokens="char") == ["好", "o", "k"]
    assert tokens("好电影", ngrams=2) == ["好", "电", "影", "好 电", "电 影"]


SPACELESS = {
    "Thai": ("ดีมากชอบที่สุด1", ["ดี", *"มากชอบ", "ที่", "สุ", "ด", "1"]),
    "Thai, am": ("ทำ", ["ทำ"]),
    "Lao": ("ດີຫຼາຍ", ["ດີ", "ຫຼ", "າ", "ຍ"]),
    "Khmer": ("ភាសាខ្មែរ", ["ភា", "សា", "ខ្", "មែ", "រ"]),
    "Burmese": ("မြန်မာဘာသာ", ["မြ", "န်", "မာ", "ဘာ", "သာ"]),
    "Tibetan": ("བོད་སྐད་ཡིན།", ["བོད", "སྐད", "ཡིན"]),
    "rare Han": ("𮯱𱍐b", ["𮯱", "𱍐", "b"]),
    "kana": ("か\u3099ﾊﾞー", ["か\u3099", "ﾊﾞ", "ー"]),
    "variant": ("葛\U000e0100飾", ["葛\U000e0100", "飾"]),
    "Yi": ("ꀀꀁ", ["ꀀ", "ꀁ"]),
    "spaced": ("हिन्दी है 한국어 café", ["हिन्दी", "है", "한국어", "café"]),
    "lone marks": ("\u0301 \u0e35! \u0e33ab", ["ab"]),
}


@pytest.mark.parametrize("name", SPACELESS)
def test_clusters_keep_a_mark_with_its_character(name: str) -> None:
    text, expected = SPACELESS[name]
    assert tokens(text, tokens="auto-clusters") == expected
    for token in (*tokens(text, tokens="auto-clusters"), *tokens(text, tokens="char-clusters")):
        assert unicodedata.category(token[0])[0] != "M", "a lone mark is no token"
    assert tokens("हिन्दी", tokens="char-clusters") == ["हि", "न्", "दी"]


def test_invalid_utf8_is_skipped() -> None:
    assert split_tokens(tf.constant([b"good \xff\xfe film"]), TextOptions()).to_list() == [
        [b"good", b"film"]
    ]


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    learn_vocabulary([["b b a", "a c"], ["b"]], TextOptions(vocabulary=4), tmp_path / "v.txt")
    return tmp_path / "v.txt"


def test_the_vocabulary_is_by_frequency_then_code_point(vocabulary: Path, tmp_path: Path) -> None:
    assert vocabulary.read_text() == "<pad>\n<unk>\nb\na\n"
    learn_vocabulary([["c a", "b"], ["b a b"]], TextOptions(vocabulary=4), tmp_path / "w.txt")
    assert (tmp_path / "w.txt").read_text() == vocabulary.read_text()


def test_ids_are_padded_and_cut_and_never_all_padding(vocabulary: Path) -> None:
    tokenizer = GraphTokenizer(TextOptions(length=3), vocabulary)
    ids = tokenizer.encode(["b", "a zz b a", "", "!"])
    np.testing.assert_array_equal(ids, [[2, 0, 0], [1, 2, 3], [1, 0, 0], [1, 0, 0]])
    head = GraphTokenizer(TextOptions(length=3, keep="start"), vocabulary)
    np.testing.assert_array_equal(head.encode(["a zz b a"]), [[3, 1, 2]])


def test_a_text_of_100000_characters(vocabulary: Path) -> None:
    ids = GraphTokenizer(TextOptions(length=4), vocabulary).encode(["b 好 " * 25_000 + "a"])
    np.testing.assert_array_equal(ids, [[1, 2, 1, 3]])


def test_a_file_that_is_not_a_vocabulary_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "v.txt"
    path.write_text("a\nb\n")
    with pytest.raises(RunError, match="is not a vocabulary: expected <pad> and <unk> first"):
        GraphTokenizer(TextOptions(), path)
    with pytest.raises(RunError, match="cannot be read"):
        GraphTokenizer(TextOptions(), tmp_path / "missing")


def test_known_share_counts_single_tokens(vocabulary: Path) -> None:
    for ngrams in (1, 2):
        tokenizer = GraphTokenizer(TextOptions(ngrams=ngrams), vocabulary)
        assert tokenizer.known_share(["a b c", "B!"]) == 0.75
        assert tokenizer.known_share(["", "?"]) == 0.0


def test_a_rewritten_vocabulary_is_read_again(vocabulary: Path) -> None:
    before = GraphTokenizer(TextOptions(length=1), vocabulary)
    np.testing.assert_array_equal(before.encode(["b"]), [[2]])
    vocabulary.write_text("<pad>\n<unk>\na\nb\n")
    after = GraphTokenizer(TextOptions(length=1), vocabulary)
    np.testing.assert_array_equal(after.encode(["b"]), [[3]])
    np.testing.assert_array_equal(before.encode(["b"]), [[2]])


def digest() -> str:
    """Returns a hash of the tokens of every assigned code point, and of some with marks."""
    points = (*range(0xD800), *range(0xE000, 0x32400), *range(0xE0000, 0xE0200))
    texts = [*map(chr, points), *(f"{chr(p)}\u0300\u0307 A{chr(p)}" for p in range(0x3000))]
    found = separate_tokens(tf.constant(texts), TextOptions()).numpy()
    return hashlib.sha256(b"|".join(found)).hexdigest()


@pytest.mark.parametrize(
    "language", ["tr_TR.UTF-8", pytest.param("lt_LT.UTF-8", marks=pytest.mark.slow)]
)
def test_tokens_do_not_depend_on_the_language_of_the_process(language: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import test_graph_tokenizer; print(test_graph_tokenizer.digest())"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "LC_ALL": language,
            "LANG": language,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
    )
    assert done.stdout.strip() == digest()
