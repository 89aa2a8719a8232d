"""Which reader reads a file: those of the project, and those that other packages register."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core.errors import DataError, MissingDependencyError
from modelwright.data.dispatch import PLUGINS
from modelwright.data.load import load_data
from plugin_package import install

READER = """
from modelwright.data.records import Records

def read_lines(path, config):
    rows = [line.split("|") for line in path.read_text("utf-8").splitlines()]
    return Records(
        task="text",
        values=[text for _, text in rows],
        labels=[label for label, _ in rows],
        splits=None,
        origin=lambda row: f"{path.name} line {row + 1}",
        source=str(path),
    )

NUMBER = 7
"""


@pytest.fixture(autouse=True)
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entries = {
        "lines": "acme_reader:read_lines",
        "xlsx": "acme_reader:read_lines",
        "csv": "acme_reader:gone",
        "bad": "acme_reader:gone",
        "number": "acme_reader:NUMBER",
    }
    (tmp_path / "site").mkdir()
    install(tmp_path / "site", monkeypatch, PLUGINS, entries, {"acme_reader": READER})


@pytest.mark.parametrize("name", ["a.lines", "a.LINES", "a.xlsx"])
def test_a_reader_of_another_package_reads_its_extension(tmp_path: Path, name: str) -> None:
    rows = [f"{label}|text {label} {number}" for number in range(20) for label in ("neg", "pos")]
    (tmp_path / name).write_text("\n".join([*rows, "neg| "]), "utf-8")
    data = load_data(tmp_path / name)
    assert (data.labels, sum(data.counts().values())) == (("neg", "pos"), 40)
    assert [row.origin for row in data.rejected] == [f"{name} line 41"]


def test_a_known_extension_is_read_by_the_project(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\n" + "a,x\nb,y\nc,x\nd,y\n")
    assert sum(load_data(tmp_path / "a.csv").counts().values()) == 4


def test_a_broken_reader_names_its_package(tmp_path: Path) -> None:
    (tmp_path / "a.bad").write_text("x")
    with pytest.raises(MissingDependencyError, match=r"acme 1\.2 registers 'bad'"):
        load_data(tmp_path / "a.bad")
    (tmp_path / "a.number").write_text("x")
    with pytest.raises(DataError, match=r"'number' in 'modelwright\.readers' is a int; expected"):
        load_data(tmp_path / "a.number")
