"""Stored scores: a stop loses little, a changed teacher is noticed, bad scores are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from modelwright.core.errors import ConfigError
from modelwright.data.digests import hash_texts
from modelwright.distillation.stored_scores import score_texts
from modelwright.distillation.teacher import Teacher, TextFunction

TEXTS = [f"text {number}" for number in range(150)] + ["text 0"]


class Counting:
    """Scores a text by its length and a factor, and counts the texts."""

    def __init__(self, factor: float = 1.0, fails_after: int = 1000) -> None:
        self.factor = factor
        self.fails_after = fails_after
        self.texts: list[str] = []

    def __call__(self, texts: list[str]) -> Any:
        if len(self.texts) >= self.fails_after:
            raise KeyboardInterrupt
        self.texts += texts
        return [[len(text) * self.factor, 1.0, 2.0] for text in texts]


def score(function: TextFunction, folder: Path, texts: list[str] = TEXTS) -> Any:
    digests = hash_texts(pa.array(texts, pa.large_string()))
    return score_texts(Teacher("t", "function", "key", function), texts, digests, folder)


def test_each_content_is_scored_once_and_not_again(tmp_path: Path) -> None:
    first, second = Counting(), Counting()
    scores = score(first, tmp_path)
    assert len(first.texts) == 150
    assert scores.values[:, 0].tolist() == [len(text) for text in TEXTS]
    assert scores.stored == 0
    again = score(second, tmp_path)
    np.testing.assert_array_equal(again.values, scores.values)
    assert again.stored == len(TEXTS)
    assert len(second.texts) == 4  # a few, to notice a change


def test_a_stop_keeps_what_was_scored(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        score(Counting(fails_after=64), tmp_path)
    rest = Counting()
    assert score(rest, tmp_path).stored == 65  # "text 0" counts twice
    assert len(rest.texts) == 4 + 150 - 64


def test_a_changed_teacher_scores_everything_again(tmp_path: Path) -> None:
    score(Counting(), tmp_path)
    scores = score(Counting(factor=2), tmp_path)
    assert scores.values[:, 0].tolist() == [2 * len(text) for text in TEXTS]
    assert "all were scored again" in scores.note
    assert scores.stored == 0


def test_a_torn_file_only_costs_time(tmp_path: Path) -> None:
    score(Counting(), tmp_path)
    for file in tmp_path.rglob("*.npz"):
        file.write_bytes(file.read_bytes()[:100])
    assert score(Counting(), tmp_path).stored == 0


def test_stored_scores_of_other_texts_decide_no_width(tmp_path: Path) -> None:
    score(Counting(), tmp_path)
    found = score(lambda texts: [[1.0, 2.0]] * len(texts), tmp_path, ["another text"])
    assert found.values.tolist() == [[1.0, 2.0]]


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        (lambda n: np.ones((n - 1, 2)), "returned 149 rows for 150 texts|returned 63 rows for 64"),
        (
            lambda n: np.full((n, 2), np.nan),
            r"NaN or infinity for 64 of 64 texts, such as 'text 0'",
        ),
        (lambda n: ["pos"] * n, "returned list that is not a table of numbers"),
        (lambda n: np.ones(n), r"returned the shape \(64,\) for 64 texts"),
        (lambda n: None, "returned the shape|not a table of numbers"),
        (lambda n: np.ones((n, n)), "returned 22 columns after 64 before"),
    ],
    ids=["too few rows", "NaN", "labels", "one number", "nothing", "other widths"],
)
def test_what_is_no_row_of_numbers_for_each_text_is_refused(
    scores: Any, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        score(lambda texts: scores(len(texts)), tmp_path)
