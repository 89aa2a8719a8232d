"""Labels that differ in what nobody sees are one class; what else is alike is told."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.data.label_names import fold_label, name_labels, visible_label
from modelwright.data.load import load_data, load_split


def named(given: list[str | None], known=None, **config: object) -> tuple[list, tuple[str, ...]]:
    found = name_labels(pa.array(given, pa.large_string()), DataConfig(**config), known)
    return found.labels.to_pylist(), found.notes


MARKED = [
    "pos\u200b",
    "\ufeffpos",
    "po\u00ads",
    "\u202apos\u202c",
    "p\u200dos",
    "pos\x00",
    "pos\u2060 ",
]


@pytest.mark.parametrize("name", MARKED)
def test_invisible_marks_make_no_difference(name: str) -> None:
    labels, notes = named(["pos", name, None])
    assert labels == ["pos", "pos", None]
    assert notes[0].startswith("1 labels have invisible marks") and ascii(name) in notes[0]


def test_unicode_forms_make_no_difference() -> None:
    assert named(["caf\u00e9", "cafe\u0301"])[0] == ["café", "café"]


@pytest.mark.parametrize("name", ["👩\u200d💻", "می\u200cشود", "क्\u200dष", "❤\ufe0f", "a b", "ｐ"])
def test_marks_that_are_seen_stay(name: str) -> None:
    assert visible_label(name) == name


@pytest.mark.parametrize(
    "alike",
    [
        ("pos", "Pos", "ＰＯＳ"),
        ("1", "1.0", "1.00"),
        ("true", "True", "TRUE"),
        ("New York", "new  york", "New\u00a0York", "New\u3000York", "NewYork"),
        ("很好", "很 好"),
        ("-1", "-1.0"),
        ("2.5", "2.50"),
        ("ﬁne", "fine"),
        ("straße", "STRASSE"),
    ],
)
def test_labels_that_look_alike_are_told_and_foldable(alike: tuple[str, ...]) -> None:
    given = [alike[0], *alike, "other"]
    labels, notes = named(given)
    assert len(set(labels)) == len(set(alike)) + 1
    assert notes[-1].startswith("warning: labels that differ only in case, width or spaces")
    assert all(f"'{name}'" in notes[-1] for name in labels[:-1])
    assert 'data.labels = "fold"' in notes[-1] and "data.labels = {" in notes[-1]
    labels, notes = named(given, labels="fold")
    assert labels == [alike[0]] * (len(alike) + 1) + ["other"]
    assert f"renames {len(alike) - 1} labels" in notes[-1]


def test_labels_that_differ_are_not_folded() -> None:
    for one, other in (("a", "b"), ("1 1", "11"), ("10", "1"), ("1.5", "15"), ("01", "1")):
        assert fold_label(one) != fold_label(other)
    assert named(["0.0", "0.0", "0"], labels="fold")[0] == ["0", "0", "0"]


def test_names_are_mapped_to_names() -> None:
    labels, notes = named(["P", "p\u200b", "n", None], labels={"P": "pos", "p": "pos", "gone": "x"})
    assert labels == ["pos", "pos", "n", None]
    assert notes[-1] == "data.labels names labels that no row has: 'gone'"


def table(path: Path, labels: list[str], copies: int = 20) -> str:
    lines = [f"text {at},{labels[at % len(labels)]}\n" for at in range(copies * len(labels))]
    path.write_text("text,label\n" + "".join(lines), "utf-8")
    return str(path)


def test_a_model_is_measured_under_the_names_of_its_training(tmp_path: Path) -> None:
    source = table(tmp_path / "a.csv", ["pos", "Pos", "neg", "neg"])
    data = load_data(DataConfig(source=source, labels="fold"))
    assert data.labels == ("Pos", "neg")
    other = table(tmp_path / "b.csv", ["POS", "neg\u200b", "NEG"])
    config = DataConfig(source=other, labels="fold")
    found = load_split(config, labels=data.labels, shape=None, task="text")
    assert found.split.labels[:3].tolist() == [0, 1, 1]
    assert any("renames 40 labels" in note for note in found.notes)
    with pytest.raises(DataError, match=r"'POS'.*differs from 'Pos' only in case.*\"fold\""):
        load_split(DataConfig(source=other), labels=data.labels, shape=None, task="text")
    config = DataConfig(source=other, labels={"POS": "Pos", "NEG": "neg"})
    found = load_split(config, labels=data.labels, shape=None, task="text")
    assert found.split.labels[:3].tolist() == [0, 1, 1]


def test_a_label_of_invisible_marks_is_none(tmp_path: Path) -> None:
    data = load_data(table(tmp_path / "a.csv", ["x", "y", "\u200b"]))
    assert data.labels == ("x", "y")
    assert {row.reason for row in data.rejected} == {"has no label"}


def test_a_table_of_names_can_be_given_on_the_command_line(tmp_path: Path, cli) -> None:
    source = table(tmp_path / "a.csv", ["pos", "Pos", "neg", "neg"], 10)
    assert any("'Pos' (10 rows)" in note for note in load_data(source).notes)
    names = ("--set", 'data.labels={Pos="pos"}')
    code, printed, _ = cli("data", "inspect", source, *names, "--out", tmp_path / "out")
    assert code == 0 and "2 classes" in printed and "'Pos'" not in printed


def test_variation_selectors_signs_and_minus_signs_are_alike() -> None:
    for one, two in (("\u2764", "\u2764\ufe0f"), ("+1", "1"), ("\u22121", "-1")):
        assert fold_label(one) == fold_label(two)
    assert fold_label("+") != fold_label("")


def test_an_empty_new_name_rejects_the_rows(tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "text,label\n" + "".join(f"t{at},{('x', 'y', 'NaN')[at % 3]}\n" for at in range(30))
    )
    data = load_data(DataConfig(source=str(path), labels={"NaN": ""}))
    assert data.labels == ("x", "y")
    assert {row.reason for row in data.rejected} == {"has no label"}
