"""Quantities and several labels in one cell are no classes; names with commas are."""

from __future__ import annotations

import tomllib

import numpy as np
import pytest

from modelwright.core.errors import DataError
from modelwright.data.label_checks import check_labels


def check(names: list[str], rows_each: int = 20) -> list[str]:
    return check_labels(names, np.full(len(names), rows_each), "a.csv")


@pytest.mark.parametrize("form", ["{:.2f}", "${:,.2f}", "{:.2f}%", "{:.3e}", "¥{:.1f}", "-{:.2f}"])
def test_quantities_are_refused(form: str) -> None:
    names = [form.format(1234.567 + 37.77 * at) for at in range(100)]
    expected = r"100 different numbers.*\(regression\).*one label a row.*group the numbers"
    with pytest.raises(DataError, match=expected):
        check(names, 1)


def test_integers_that_are_nearly_all_different_are_refused() -> None:
    with pytest.raises(DataError, match="regression"):
        check([str(at * 1000) for at in range(200)], 1)
    assert check([str(at) for at in range(1000)], 4) == []


def test_ratings_with_fractions_are_told() -> None:
    [note] = check(["1.0", "1.5", "2.0", "2.5", "3.0"])
    assert "numbers with fractions, such as 1.5, 2.5" in note and "without an order" in note
    assert check(["1", "2", "3.0"]) == []


@pytest.mark.parametrize("mark", [", ", ";", "|", "、", "，"])
def test_several_labels_in_a_cell_are_refused(mark: str) -> None:
    names = ["food", "service", f"food{mark}service"]
    expected = r"several labels in one cell, as in 'food.*service': in 20 rows.*one label a row"
    with pytest.raises(DataError, match=expected):
        check(names)
    with pytest.raises(DataError, match=r"data.labels = \{\".*\" = \"food service\"\}"):
        check(names)


def test_written_lists_are_refused() -> None:
    with pytest.raises(DataError, match="several labels"):
        check(["['a']", "['a', 'b']", "['b']"])


def test_names_may_hold_commas() -> None:
    assert check(["Washington, DC", "Paris", "Seattle, WA"]) == []
    for names in (["action|comedy", "action|drama"], ["Seattle, WA", "Spokane, WA"]):
        [note] = check(names)
        assert "may be several in one cell" in note and f"'{names[0]}'" in note
    [note] = check(["pop", "rock", "pop/rock"])
    assert "with '/' between them" in note
    assert check(["w/o", "yes", "R&B", "C++"]) == []


def test_a_class_for_nearly_each_row_is_told() -> None:
    [note] = check([f"id{at}" for at in range(100)], 1)
    assert "100 classes for 100 rows" in note and "data.label" in note


@pytest.mark.parametrize(
    ("names", "note"),
    [
        (["pos", "NaN", "None"], "'NaN' (9 rows), 'None' (9 rows). data.labels = {\"NaN\" = \"\"}"),
        (["pos", "neg", "-"], "for a missing one are classes like any other: '-' (9 rows)"),
        (["1", "0", "True"], "'1', 'True' may mean the same"),
        (["no", "0", "yes"], "'0', 'no' may mean the same"),
        (["2020-01-01", "2020-01-02"], "the labels are dates, such as 2020-01-01"),
        (["['a']", "['b']"], "written as lists of one, such as ['a']"),
    ],
)
def test_labels_that_may_be_something_else_are_told(names: list[str], note: str) -> None:
    found = check_labels(names, np.full(len(names), 9), "a.csv")
    assert any(line.startswith("warning: ") and note in line for line in found)


@pytest.mark.parametrize("names", [["+", "-"], ["t", "f", "y", "n"], ["yes", "no"], ["0", "1"]])
def test_usual_labels_need_no_note(names: list[str]) -> None:
    assert check_labels(names, np.full(len(names), 9), "a.csv") == []


def test_the_advice_for_a_quoted_name_is_valid_toml() -> None:
    with pytest.raises(DataError) as raised:
        check_labels(['["a"]', '["b"]', '["a", "b"]'], np.full(3, 9), "a.csv")
    advice = str(raised.value).partition("rename it: data.")[2]
    assert tomllib.loads(advice) == {"labels": {'["a", "b"]': '["a" "b"]'}}


def test_missing_values_among_quantities_do_not_hide_them() -> None:
    names = [f"{at * 3.7:.2f}" for at in range(60)]
    with pytest.raises(DataError, match="60 different numbers"):
        check([*names, "NaN"], 1)
