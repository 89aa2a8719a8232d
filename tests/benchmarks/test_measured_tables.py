"""The recipes' measured tables come from kept studies: read back, they are what those say."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from modelwright.publish import kept_studies
from modelwright.recipes import measured as tables
from modelwright.recipes import recipe

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import measured

RUN = {"rows": 5_000, "machine": "AMD EPYC, 2 cores, no GPU", "precision": "float32 (set)"}
OLD = """summary = "a net"
builder = "bilstm"

[[measured]]
data = "{data}"
accuracy = 0.5
low = 0.4
high = 0.6
interval = "rows"
rows = 100
seeds = [0]
minutes = 1.0
machine = "old"
"""


def variant(name: str, **changes: Any) -> dict[str, Any]:
    return {
        "name": name,
        "recipe": "bilstm",
        "tta": False,
        "changed": {},
        "runs": [{"seed": seed, **RUN} for seed in (0, 1)],
        "accuracy": {"value": 0.91239, "low": 0.9, "high": 0.92, "method": "t over seeds"},
        "minutes": 12.34,
        **changes,
    }


def keep(folder: Path, *variants: dict[str, Any]) -> dict[str, Any]:
    """A study with those variants, kept in the folder."""
    study = {
        "kind": "study",
        "format": 1,
        "name": "texts",
        "split": "test",
        "data": {"source": "imdb"},
        "variants": list(variants),
    }
    (folder / "texts.json").write_text(json.dumps(study), encoding="utf-8")
    return study


def test_what_is_written_agrees_with_the_study(tmp_path: Path) -> None:
    found = [
        variant("plain"),
        variant('按字 "c"', changed={"model.tokens": "char", "model.length": 128, "data.val": 0.0}),
        variant("views", tta=True),
    ]
    study = keep(tmp_path, *found)
    written = measured.replaced(OLD.format(data="imdb"), measured.collect(tmp_path)["bilstm"])
    entries = tomllib.loads(written)["measured"]
    assert [entry["variant"] for entry in entries] == ["plain", '按字 "c"', "views"]
    for entry in entries:
        assert kept_studies.disagreements("bilstm", tables.read(entry, "bilstm"), study) == []
    assert entries[0]["accuracy"] == 0.9124
    assert entries[0]["minutes"] == 12.3
    assert tomllib.loads(written)["summary"] == "a net"


def test_another_training_says_nothing_of_the_recipe_nor_do_rows_it_was_chosen_on(
    tmp_path: Path,
) -> None:
    trained = variant("long", changed={"train.epochs": 99})
    keep(tmp_path, trained, variant("to come", accuracy=None))
    assert measured.collect(tmp_path) == {}
    study = keep(tmp_path, variant("plain"))
    assert kept_studies.entries({**study, "split": "val"}) == []


@pytest.mark.parametrize(("data", "left"), [("imdb", ["imdb"]), ("mnist", ["mnist", "imdb"])])
def test_an_older_table_stays_where_its_data_was_not_measured(
    tmp_path: Path, data: str, left: list[str]
) -> None:
    keep(tmp_path, variant("plain"))
    written = measured.replaced(OLD.format(data=data), measured.collect(tmp_path)["bilstm"])
    assert [entry["data"] for entry in tomllib.loads(written)["measured"]] == left


def test_a_shipped_recipe_can_be_written_back(tmp_path: Path) -> None:
    for name in recipe.names():
        path = measured.RECIPES / f"{name}.toml"
        before = tomllib.loads(path.read_text("utf-8"))
        if entries := before.get("measured"):
            again = measured.replaced(path.read_text("utf-8"), entries)
            assert tomllib.loads(again) == before
