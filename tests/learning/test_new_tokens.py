"""New tokens: which are found, and the vocabulary that they extend."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright.core.errors import ConfigError
from modelwright.learning.new_tokens import extend_vocabulary, new_tokens
from modelwright.models.graph_tokenizer import GraphTokenizer
from modelwright.models.options import TextOptions

OLD = ["<pad>", "<unk>", "good", "bad", "房", "间"]


def tokenizer(path: Path, **options: object) -> GraphTokenizer:
    table = TextOptions.model_validate({"vocabulary": 20, "length": 6, **options})
    return GraphTokenizer(table, path)


@pytest.fixture
def vocabulary(tmp_path: Path) -> Path:
    path = tmp_path / "vocabulary.txt"
    path.write_text("\n".join(OLD) + "\n", "utf-8")
    return path


def test_frequent_tokens_that_are_unknown_are_found_with_their_shares(vocabulary: Path) -> None:
    texts = [["good phone phone", "Phone, bad"], ["phone 房间", "rare screen", "screen", "screen"]]
    found = new_tokens(texts, tokenizer(vocabulary), fewest_rows=3)
    # phone 4 times in 3 texts, screen 3 in 3, rare in one: 8 of 12 tokens are unknown.
    assert found.tokens == ("phone", "screen")
    assert found.unknown_before == pytest.approx(8 / 12)
    assert found.unknown_after == pytest.approx(1 / 12)
    assert found.worthwhile
    assert found.text == "66.7% of the tokens are unknown; with 2 new tokens 8.3%"


def test_the_number_of_rows_and_of_tokens_is_bounded(vocabulary: Path) -> None:
    texts = [["b a", "a b", "c c c c"]]
    assert new_tokens(texts, tokenizer(vocabulary), fewest_rows=2).tokens == ("a", "b")
    assert new_tokens(texts, tokenizer(vocabulary), fewest_rows=2, most=1).tokens == ("a",)
    assert new_tokens(texts, tokenizer(vocabulary), fewest_rows=1).tokens == ("c", "a", "b")


def test_nothing_new_is_not_worthwhile(vocabulary: Path) -> None:
    for texts in ([["good 房 bad"]], [[""]], []):
        found = new_tokens(texts, tokenizer(vocabulary))
        assert found.tokens == ()
        assert found.unknown_before == found.unknown_after == 0
        assert not found.worthwhile


def test_ids_of_old_tokens_stay_in_the_extended_vocabulary(
    vocabulary: Path, tmp_path: Path
) -> None:
    before = tokenizer(vocabulary)
    grown = tmp_path / "grown.txt"
    assert extend_vocabulary(vocabulary, ["phone", "屏"], grown) == 8
    after = tokenizer(grown)
    assert after.lines == (*OLD, "phone", "屏")
    old, new = (one.encode(["good phone 房屏 bad", "间 good"]) for one in (before, after))
    np.testing.assert_array_equal(np.where(new >= len(OLD), 1, new), old)
    assert new[0].tolist() == [2, 6, 4, 7, 3, 0]


@pytest.mark.parametrize("tokens", [["good"], ["new", "new"], ["two\nlines"], [""]])
def test_a_token_that_would_change_an_id_is_refused(
    vocabulary: Path, tmp_path: Path, tokens: list[str]
) -> None:
    with pytest.raises(ConfigError, match="each once and none that is there already"):
        extend_vocabulary(vocabulary, tokens, tmp_path / "grown.txt")
    assert not (tmp_path / "grown.txt").exists()
