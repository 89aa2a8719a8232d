"""Tables that a spreadsheet opens run no formula, and give back the texts that were written."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from modelwright.core.spreadsheet import original_cell, safe_cell, write_safe_csv

FORMULAS = ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "  =cmd|' /C calc'!A0", "\n=1"]


@pytest.mark.parametrize("text", [*FORMULAS, "'=1", "''=1", "'quoted'", "", "plain", "好评", "a=b"])
def test_a_cell_comes_back_as_it_was(text: str) -> None:
    assert original_cell(safe_cell(text)) == text


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert safe_cell(text).startswith("'")


def test_texts_without_a_formula_stay() -> None:
    assert [safe_cell(text) for text in ("good", "'quoted'", "1-2")] == ["good", "'quoted'", "1-2"]


def test_a_table_is_marked_as_utf8_and_quotes_what_it_must(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_safe_csv(path, ("origin", "score"), [('=a, "b"\nc', 0.5), ("\ud800", 1)])
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    with path.open(encoding="utf-8-sig", newline="") as file:
        assert list(csv.reader(file)) == [["origin", "score"], ['\'=a, "b"\nc', "0.5"], ["?", "1"]]
