"""A column of splits in other words is read, or is an error; it is never ignored in silence."""

from __future__ import annotations

import pyarrow as pa
import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.load import load_data, load_split
from modelwright.data.readers.split_column import SplitColumn, read_split_column
from modelwright.data.readers.tables import read_table


def read(values: list[str | None], header: str = "split", **config: object) -> SplitColumn:
    return read_split_column(pa.array(values), header, "a.csv", DataConfig(**config))


@pytest.mark.parametrize(
    ("header", "values", "splits"),
    [
        ("split", ["Training", "Testing", " "], ["train", "test", None]),
        ("Usage", ["Training", "PublicTest", "PrivateTest"], ["train", "val", "test"]),
        ("划分", ["训练集", "验证集", None], ["train", "val", None]),
        ("subset", ["TRAIN_SET", "hold-out"], ["train", "test"]),
        ("is_test", ["True", "false", "1", ""], ["test", "train", "test", None]),
        ("is_train", ["yes", "NO"], ["train", "test"]),
        ("Is Valid", ["0", "1"], ["train", "val"]),
        ("fold", ["train", "dev"], ["train", "val"]),
        ("isTrain", ["True", "False"], ["train", "test"]),
        ("test", ["1", "0"], ["test", "train"]),
        ("in_val_set", ["yes", "no"], ["val", "train"]),
        ("split", ["train", "NaN", "None", "-"], ["train", None, None, None]),
    ],
)
def test_words_for_splits(header: str, values: list[str], splits: list[str]) -> None:
    found = read(values, header)
    assert found.splits == splits
    assert found.note.startswith(f"split from '{header}': {values[0]} is {splits[0]}")


def test_a_value_that_names_no_split_is_an_error_that_says_what_to_do() -> None:
    expected = (
        r"has 'te' in the column 'subset'.* train, val, test,.*data.split_names = "
        r'\{"te" = "test"\}.*data.split \(--split-column\).*data.split = "none"'
    )
    with pytest.raises(DataError, match=expected):
        read(["train", "te"], "subset")
    for header in ("split", "set", "partition", "is_test"):
        with pytest.raises(DataError, match=f"column '{header}'"):
            read(["A", "B"], header)
    with pytest.raises(DataError, match=r'\{"A" = "train", "B" = "test"\}'):
        read(["B", "A", "A"])
    mapped = read(["A", "B", "dev"], split_names={"A": "train", "B": "test"})
    assert mapped.splits == ["train", "test", "val"]


def test_columns_that_often_hold_something_else_are_told() -> None:
    for header, values in (("fold", ["0", "1"]), ("dataset", ["imdb", "yelp"])):
        found = read(values, header)
        assert found.splits is None
        assert f"'{header}' is not read as the split: no value, such as '{values[0]}'" in found.note
        with pytest.raises(DataError, match="seems to hold the split"):
            read([*values, "test"], header)
        with pytest.raises(DataError, match="seems to hold the split"):
            read(values, header, split=header)
    assert read([f"{at}" for at in range(20)], "set").splits is None


def test_the_splits_of_a_table_are_kept_and_can_be_ignored(tmp_path, cli) -> None:
    path = tmp_path / "a.csv"
    words = ["Training", "Testing"]
    lines = [f"text {at},{'ab'[at % 2]},{words[at >= 40]}\n" for at in range(60)]
    path.write_text("text,label,split\n" + "".join(lines))
    assert load_data(DataConfig(source=str(path), val=0)).counts() == {"train": 40, "test": 20}
    assert "split" not in " ".join(read_table(path, DataConfig(split="none")).notes[1:])
    path.write_text(path.read_text().replace("Training", "A").replace("Testing", "B"))
    out = ("--out", tmp_path / "out")
    code, _, error = cli("data", "inspect", path, *out)
    assert code == 3 and "has 'A' in the column 'split'" in error
    names = 'data.split_names={A="train", B="test"}'
    code, printed, _ = cli("data", "inspect", path, "--split-column", "split", "--set", names, *out)
    assert code == 0 and "A is train (40 rows), B is test (20 rows)" in printed


def test_all_rows_are_measured_whatever_their_splits_are_called(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label,split\na,x,A\nb,y,B\n")
    found = load_split(DataConfig(source=str(path)), labels=["x", "y"], shape=None, task="text")
    assert len(found.split) == 2
    assert found.notes == ("columns: text from 'text', label from 'label'; not read: split",)


def test_a_column_of_splits_with_another_name_is_told(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label,part\n" + "a,x,train\nb,y,test\n" * 9)
    found = read_table(path, DataConfig())
    assert "the column 'part' has the names of splits and is not read" in found.notes[-1]
    for split in ("none", "part"):
        assert "not read" not in " ".join(read_table(path, DataConfig(split=split)).notes[1:])
    path.write_text(path.read_text().replace("part", "phase"))
    assert read_table(path, DataConfig()).splits[:2] == ["train", "test"]


def test_a_mapping_without_a_column_is_an_error(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label,part\na,x,A\nb,y,B\n")
    names = {"A": "train", "B": "test"}
    with pytest.raises(DataError, match=r"no column with a usual name for the split.*data.split "):
        read_table(path, DataConfig(split_names=names))
    assert read_table(path, DataConfig(split_names=names, split="part")).splits == ["train", "test"]


def test_a_column_of_yes_and_no_is_read_or_told(tmp_path) -> None:
    path = tmp_path / "a.csv"
    lines = [f"t{at},{'xy'[at % 2]},{at % 3 == 0}\n" for at in range(9)]
    path.write_text("text,label,isTest\n" + "".join(lines))
    assert read_table(path, DataConfig()).splits == ["test", "train", "train"] * 3
    path.write_text("text,label,test\n" + "".join(lines))
    found = read_table(path, DataConfig())
    assert found.splits is None
    assert any("the column 'test' may say to which split" in note for note in found.notes)
    assert read_table(path, DataConfig(split="test")).splits == ["test", "train", "train"] * 3
    as_json = tmp_path / "a.jsonl"
    as_json.write_text(
        "".join(
            f'{{"text": "t{at}", "label": "x", "test": {str(at > 3).lower()}}}\n' for at in range(9)
        )
    )
    notes = read_table(as_json, DataConfig()).notes
    assert any("the column 'test' may say to which split" in note for note in notes)
