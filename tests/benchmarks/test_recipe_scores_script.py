"""The script that writes the scores of recipes: what it writes agrees with the studies."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from modelwright.publish.recipe_scores import score_disagreements, scores_of_study
from modelwright.recipes.measured_score import check_measured_score
from modelwright.recipes.recipe import recipe_names
from study_records import study_json, study_record, variant_json

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import recipe_scores

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
    estimate = {"value": 0.91239, "low": 0.9, "high": 0.92, "method": "t over seeds"}
    defaults = {"recipe": "bilstm", "changed": {}, "accuracy": estimate, "minutes": 12.34}
    return variant_json(name, 0.91239, **{**defaults, **changes})


def write_study(folder: Path, *variants: dict[str, Any]) -> None:
    record = study_json(*variants, name="texts", data=DATA)
    (folder / "texts.json").write_text(json.dumps(record), encoding="utf-8")


DATA = {"source": "imdb", "fingerprint": None, "rows": {"test": 10_000}}


def test_what_is_written_agrees_with_the_study(tmp_path: Path) -> None:
    variants = [
        variant("plain"),
        variant('按字 "c"', changed={"model.tokens": "char", "model.length": 128, "data.val": 0.0}),
        variant("augmented", tta=True),
    ]
    write_study(tmp_path, *variants)
    study = study_record(*variants, name="texts", data=DATA)
    scores = recipe_scores.collect_scores(tmp_path)["bilstm"]
    written = recipe_scores.replace_scores(OLD.format(data="imdb"), scores)
    entries = tomllib.loads(written)["measured"]
    assert [entry["variant"] for entry in entries] == ["plain", '按字 "c"', "augmented"]
    for entry in entries:
        assert score_disagreements("bilstm", check_measured_score(entry, "bilstm"), study) == []
    assert entries[0]["accuracy"] == 0.9124
    assert entries[0]["minutes"] == 12.3
    assert tomllib.loads(written)["summary"] == "a net"


def test_other_training_settings_and_validation_rows_give_no_score(tmp_path: Path) -> None:
    write_study(
        tmp_path,
        variant("long", changed={"train.epochs": 99}),
        variant("to come", accuracy=None, minutes=None, runs=[]),
    )
    assert recipe_scores.collect_scores(tmp_path) == {}
    assert scores_of_study(study_record(variant("plain"), split="val")) == []


@pytest.mark.parametrize(("data", "left"), [("imdb", ["imdb"]), ("mnist", ["mnist", "imdb"])])
def test_an_older_table_stays_if_its_data_was_not_measured(
    tmp_path: Path, data: str, left: list[str]
) -> None:
    write_study(tmp_path, variant("plain"))
    scores = recipe_scores.collect_scores(tmp_path)["bilstm"]
    written = recipe_scores.replace_scores(OLD.format(data=data), scores)
    assert [entry["data"] for entry in tomllib.loads(written)["measured"]] == left


def test_a_shipped_recipe_can_be_written_back() -> None:
    for name in recipe_names():
        path = recipe_scores.RECIPES / f"{name}.toml"
        before = tomllib.loads(path.read_text("utf-8"))
        if entries := before.get("measured"):
            again = recipe_scores.replace_scores(path.read_text("utf-8"), entries)
            assert tomllib.loads(again) == before
