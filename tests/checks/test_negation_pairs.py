"""Negation pairs are balanced, unique, and differ by the negation of their kind."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from modelwright.checks.negation import LANGUAGES, Language, pairs
from modelwright.data.scripts import SCRIPTS, scripts_of

MARKS: dict[Language, dict[str, str]] = {
    "en": {
        "not": r"\bnot\b",
        "n't": r"n't\b",
        "never": r"\bnever\b",
        "no": r"\b(no|nothing|nobody|none)\b",
        "hardly": r"\b(hardly|scarcely)\b",
        "far from": r"\bfar from\b",
        "anything but": r"\banything but\b",
        "distant": r"\b(not|cannot|no|nobody|neither)\b|n't\b",
    },
    "zh": {
        "不": "不",
        "没有": "没",
        "并不": "并不|并没有",
        "毫不": "毫不|毫无",
        "谈不上": "[谈算称]不上",
        "一点也不": "一点[也都]不",
        "从不": "从不|从来?没|绝不",
        "distant": "不|没有|没",
    },
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_praise_is_negated_as_often_as_blame(language: Language) -> None:
    found = pairs(language)
    assert len(found) >= 120
    assert 2 * sum(pair.praise for pair in found) == len(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_occurs_in_both_directions(language: Language) -> None:
    counts = Counter((pair.kind, pair.praise) for pair in pairs(language))
    assert {kind for kind, _ in counts} == set(MARKS[language])
    for kind in MARKS[language]:
        assert min(counts[kind, True], counts[kind, False]) >= 5
        assert counts[kind, True] + counts[kind, False] == 16


def test_no_sentence_occurs_twice() -> None:
    texts = [
        re.sub(r"\W", "", text).casefold()
        for language in LANGUAGES
        for pair in pairs(language)
        for text in (pair.plain, pair.negated)
    ]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_negation_is_in_one_sentence_of_a_pair(language: Language) -> None:
    marks = MARKS[language]
    anywhere = "|".join(marks.values())
    for pair in pairs(language):
        assert re.search(marks[pair.kind], pair.negated, re.IGNORECASE), pair.negated
        assert not re.search(anywhere, pair.plain, re.IGNORECASE), pair.plain


@pytest.mark.parametrize(("language", "script"), [("en", "Latin"), ("zh", "Han")])
def test_every_sentence_is_clean_and_in_its_script(language: Language, script: str) -> None:
    texts = [text for pair in pairs(language) for text in (pair.plain, pair.negated)]
    assert set(scripts_of(texts)) == {SCRIPTS.index(script)}
    end = "." if language == "en" else "。"
    for text in texts:
        assert text == text.strip() and text.endswith(end) and text.count(end) == 1
