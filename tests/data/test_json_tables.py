"""JSON as people have it: nested keys, labels in lists and objects, whole files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.readers.tables import read_table
from modelwright.data.records import Records

ROWS = [{"text": "a", "label": "x"}, {"text": "b", "label": "y"}]


def read(path: Path, content: Any, **config: object) -> Records:
    """Reads JSON Lines of a list of objects, or a text as it is."""
    if not isinstance(content, str):
        content = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
    path.write_text(content, "utf-8")
    return read_table(path, DataConfig(**config))


def rows(records: Records) -> list[tuple[str, str]]:
    return list(zip(records.values.to_pylist(), records.labels.to_pylist(), strict=True))


def test_nested_keys_are_columns(tmp_path: Path) -> None:
    nested = [{"data": {"text": row["text"], "n": 1}, "meta": {"y": row["label"]}} for row in ROWS]
    found = read(tmp_path / "a.jsonl", nested, label="meta.y")
    assert rows(found) == [("a", "x"), ("b", "y")]
    assert found.notes == ("columns: text from 'data.text', label from 'meta.y'; not read: data.n",)
    broken = read(tmp_path / "a.jsonl", [*nested, {"data": 3, "meta": {"y": "x"}}], label="meta.y")
    assert rows(broken)[2] == (None, "x")
    literal = [{"data.text": row["text"], "label": row["label"]} for row in ROWS]
    assert rows(read(tmp_path / "a.jsonl", literal)) == [("a", "x"), ("b", "y")]
    twice = [{"a": {"text": "1"}, "b": {"text": "2"}, "label": "x"}]
    with pytest.raises(DataError, match=r"usual name for the text.*Columns: a, a.text, b, b.text"):
        read(tmp_path / "a.jsonl", twice)


def test_a_key_whose_values_are_splits_is_told(tmp_path: Path) -> None:
    parts = [{**row, "part": part} for row, part in zip(ROWS, ("train", "test"), strict=True)]
    assert "--split-column" in read(tmp_path / "a.jsonl", parts).notes[-1]


def test_columns_that_the_first_object_lacks_are_found(tmp_path: Path) -> None:
    found = read(tmp_path / "a.jsonl", [{"text": "z"}, *ROWS])
    assert rows(found) == [("z", None), ("a", "x"), ("b", "y")]


def test_a_list_of_one_label_is_taken_and_told(tmp_path: Path) -> None:
    lists = [{**row, "label": [row["label"]]} for row in ROWS]
    found = read(tmp_path / "a.jsonl", [*lists, {"text": "c", "label": ["x", "y"]}])
    assert rows(found) == [("a", "x"), ("b", "y")]
    assert found.notes[-1] == "2 labels are the one entry of a list"
    assert [row.reason for row in found.rejected] == [
        "has 2 labels (x, y) in 'label'; expected one"
    ]
    empty = read(tmp_path / "a.jsonl", [*lists, {"text": "c", "label": []}])
    assert rows(empty)[2] == ("c", None)


def test_an_object_as_the_label_is_named_as_such(tmp_path: Path) -> None:
    objects = [{**row, "label": {"name": row["label"], "id": 1}} for row in ROWS]
    expected = r"every row has an object with the keys name, id as its label.*label.name"
    with pytest.raises(DataError, match=expected):
        read(tmp_path / "a.jsonl", objects)
    found = read(tmp_path / "a.jsonl", objects, label="label.name")
    assert rows(found) == [("a", "x"), ("b", "y")]
    assert found.notes == (
        "columns: text from 'text', label from 'label.name'; not read: label.id",
    )


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_list_of_objects_is_read(tmp_path: Path, name: str, indent: int | None) -> None:
    found = read(tmp_path / name, json.dumps(ROWS, indent=indent))
    assert rows(found) == [("a", "x"), ("b", "y")] and found.origin(1) == f"{name} row 2"
    under = read(tmp_path / name, json.dumps({"version": 1, "data": ROWS}, indent=indent))
    assert rows(under) == [("a", "x"), ("b", "y")]
    assert under.notes[-1] == "the rows are the list under 'data'"
    mixed = read(tmp_path / name, json.dumps([*ROWS, 3], indent=indent))
    assert [row.reason for row in mixed.rejected] == ["is not a JSON object"]


def test_json_lines_may_be_called_json_and_hold_lists(tmp_path: Path) -> None:
    found = read(tmp_path / "a.json", [{**row, "tokens": [{"a": 1}]} for row in ROWS])
    assert rows(found) == [("a", "x"), ("b", "y")]


def test_other_json_is_explained(tmp_path: Path) -> None:
    columns = {"text": {"0": "a"}, "label": {"0": "x"}}
    with pytest.raises(
        DataError, match=r"one JSON object with the keys text, label; expected JSON"
    ):
        read(tmp_path / "a.json", json.dumps(columns, indent=1))
    for content in ("[]", "[1, 2]", '"text"', "3", "[" * 100_000):
        with pytest.raises(DataError, match=r"a.json line 1 is not.*or a list of objects"):
            read(tmp_path / "a.json", content)


def test_many_lines_of_another_codec_are_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    lines = ['{"text": "plain", "label": "x"}', *['{"text": "很好", "label": "y"}'] * 5]
    path.write_bytes("\n".join(lines).encode("gb18030"))
    with pytest.raises(DataError, match=r"line 2 .*gb18030.*it has '很好"):
        read_table(path, DataConfig())


@pytest.mark.parametrize(
    "content",
    [
        "".join(map(json.dumps, ROWS)),
        "\n".join(json.dumps(row, indent=2) for row in ROWS),
        ",\n".join(map(json.dumps, ROWS)),
    ],
)
def test_objects_one_after_another_are_rows(tmp_path: Path, content: str) -> None:
    found = read(tmp_path / "a.jsonl", content)
    assert rows(found) == [("a", "x"), ("b", "y")]
    assert any("one after another" in note for note in found.notes)


@pytest.mark.parametrize(
    "whole",
    [
        {"text": ["a", "b"], "label": ["x", "y"]},
        {"text": {"0": "a"}, "label": {"0": "x"}},
        {"0": ROWS[0], "1": ROWS[1]},
        {"columns": ["text", "label"], "data": [["a", "x"]]},
        {"train": ROWS, "test": ROWS},
    ],
)
def test_an_object_of_columns_is_explained(tmp_path: Path, whole: object) -> None:
    with pytest.raises(DataError, match=r"is one JSON object with the keys .*orient=\"records\""):
        read(tmp_path / "a.json", json.dumps(whole))
