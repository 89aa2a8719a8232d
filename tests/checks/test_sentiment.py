"""Names of sentiments are recognized in both languages, and no other names are."""

from __future__ import annotations

import pytest

from modelwright.checks.sentiment import positive_of


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("neg", "pos"), 1),
        (("Positive", " NEGATIVE "), 0),
        (("差评", "好评"), 1),
        (("正面", "负面"), 0),
        (("ｎｅｇ", "积极"), 1),
        (("0", "1"), None),
        (("pos", "positive"), None),
        (("neg", "other"), None),
        (("cat", "dog"), None),
        (("neg", "neutral", "pos"), None),
        (("pos",), None),
    ],
)
def test_which_label_is_praise(labels: tuple[str, ...], expected: int | None) -> None:
    assert positive_of(labels) == expected
