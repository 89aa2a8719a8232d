"""Measured rows that a run was trained on."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from modelwright.core.types import Split
from modelwright.data.digests import hash_texts
from modelwright.training.overlap import find_overlap


def split(*texts: str) -> Split:
    return Split([], np.arange(len(texts)) % 2, hash_texts(pa.array(texts, pa.large_string())))  # type: ignore[arg-type]


def test_rows_of_the_training_are_counted_and_the_figures_without_them_given() -> None:
    rows, trained = split("a", "b", "c", "d"), split("x", "d", "a")
    probabilities = np.array([[1, 0], [1, 0], [1, 0], [0, 1]], np.float32)  # "b" is wrong
    found = find_overlap(rows, trained, probabilities)
    assert found.to_dict()["rows"] == 2
    assert found.to_dict()["without"]["accuracy"] == 0.5
    told = dict(found.facts())
    assert told["also trained on"] == "2 of these rows have the content of a training row"
    assert str(told["accuracy without them"]).startswith("50.00 %  (95 %: ")


def test_all_rows_no_row_and_unchecked_rows_are_told_apart() -> None:
    probabilities = np.eye(2, dtype=np.float32)
    everything = find_overlap(split("a", "b"), split("a", "b", "c"), probabilities)
    assert everything.to_dict() == {"rows": 2, "without": None, "unchecked": None}
    assert "say nothing about new rows" in str(everything.facts())
    nothing = find_overlap(split("a", "b"), split("c"), probabilities)
    assert (nothing.rows, nothing.facts()) == (0, [])
    unknown = find_overlap(split("a", "b"), "there is no x.csv", probabilities)
    assert unknown.facts() == [("also trained on", "not checked: there is no x.csv")]
    assert unknown.to_dict()["unchecked"] == "there is no x.csv"
