"""Which columns are read is told, and two columns of one name need a choice."""

from __future__ import annotations

import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.readers.columns import find_columns


def note(*names: str, **config: object) -> str:
    return find_columns(names, DataConfig(**config), "a.csv").notes[0]


def test_the_columns_and_what_else_they_could_be_are_told() -> None:
    assert note("review", "category", "sentiment", "id") == (
        "columns: text from 'review', label from 'category'; 'sentiment' could be the label too "
        "(--label-column); not read: id"
    )
    assert note("review", "category", "sentiment", label="sentiment").startswith(
        "columns: text from 'review', label from 'sentiment'; 'category' could be the label too"
    )
    assert "'image' could be the image too (--image-column)" in note("text", "image", "label")
    assert "'content' could be the text too" in note("Text", "content", "label")


def test_two_columns_of_one_name_need_a_choice() -> None:
    names = ("text", "label", "text", "label")
    with pytest.raises(DataError, match=r"'text' 2 times; choose one by its position.*#1 or #3"):
        note(*names)
    with pytest.raises(DataError, match=r"'label' 2 times.*--label-column\) as #2 or #4"):
        note(*names, text="#3")
    found = find_columns(names, DataConfig(text="#3", label="#2"), "a.csv")
    assert (found.value, found.label) == (2, 1)
    assert "text from 'text' (#3), label from 'label' (#2)" in found.notes[0]
    with pytest.raises(DataError, match=r"no column '#5'"):
        note(*names, text="#5")


def test_nested_names_are_found_by_their_last_part_if_only_one_has_it() -> None:
    assert "text from 'data.text'" in note("data", "data.text", "label")
    assert "not read" not in note("data", "data.text", "label")
    assert "not read" not in note("image", "label", "image.bytes", "image.path")
    assert "text from 'text'" in note("data.text", "text", "label")
    with pytest.raises(DataError, match=r"no column with a usual name for the text"):
        note("a.text", "b.text", "label")


def test_the_columns_of_another_table_come_first() -> None:
    names = ("review", "category", "sentiment")
    like = {"label": "sentiment", "text": "gone"}
    found = find_columns(names, DataConfig(), "a.csv", like)
    assert found.chosen() == {"text": "review", "label": "sentiment"}


def test_a_column_has_one_meaning() -> None:
    with pytest.raises(DataError, match=r"the split from the column 'label'.*data\.split"):
        find_columns(["text", "label"], DataConfig(split="label"), "a.csv")
    with pytest.raises(DataError, match=r"usual name for the split\. Name it"):
        find_columns(["text", "label"], DataConfig(split_names={"A": "train"}), "a.csv")
