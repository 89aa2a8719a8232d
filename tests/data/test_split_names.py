"""Names of splits as people write them, and names that only look like them."""

from __future__ import annotations

import pytest

from modelwright.data.split_names import is_split_name, read_split_names


@pytest.mark.parametrize(
    ("names", "splits"),
    [
        (("train", "val", "test"), ("train", "val", "test")),
        (("Training", "Testing"), ("train", "test")),
        (("training_set", "test_set"), ("train", "test")),
        (("TrainImages", "ValidationImages"), ("train", "val")),
        (("train2017", "val2017"), ("train", "val")),
        (("seg_train", "seg_test"), ("train", "test")),
        (("seg_train", "seg_test", "seg_pred"), ("train", "test", None)),
        (("fruits-360_Training", "fruits-360_Test"), ("train", "test")),
        (("训练集", "验证集", "测试集"), ("train", "val", "test")),
        (("训练数据", "测试样本"), ("train", "test")),
        (("train", "eval"), ("train", "test")),
        (("train", "dev", "eval"), ("train", "val", "test")),
        (("train", "eval", "test"), ("train", "val", "test")),
        (("train", "hold-out"), ("train", "test")),
        (("ＴＲＡＩＮ", "ｔｅｓｔ"), ("train", "test")),
        (("train", "augmented"), ("train", None)),
    ],
)
def test_splits_are_recognized(names: tuple[str, ...], splits: tuple[str | None, ...]) -> None:
    found = read_split_names(names)
    assert tuple(found.get(name) for name in names) == splits


@pytest.mark.parametrize("name", ["cat", "trainer", "contest", "trains", "value", "set", "1", ""])
def test_other_names_are_not_splits(name: str) -> None:
    assert not is_split_name(name)


def test_words_for_files_in_chinese_do_not_count() -> None:
    assert read_split_names(["训练集图片", "测试用图片"]) == {
        "训练集图片": "train",
        "测试用图片": "test",
    }
    assert read_split_names(["train", "evaluate"])["evaluate"] == "test"
    assert read_split_names(["图片", "图片集"]) == {}


def test_one_word_of_several_names_the_split_if_others_are_there() -> None:
    numbered = read_split_names(["01_train", "02_val", "03_test"])
    assert list(numbered.values()) == ["train", "val", "test"]
    assert read_split_names(["train_v2", "test_v2"]) == {"train_v2": "train", "test_v2": "test"}
    mixed = read_split_names(["train_clean", "test_other", "augmented"])
    assert mixed == {"train_clean": "train", "test_other": "test"}
    assert read_split_names(["train_station", "bus_stop"]) == {}
    assert read_split_names(["train_test_a", "b"]) == {}
