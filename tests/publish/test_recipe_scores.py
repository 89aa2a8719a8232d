"""Recipes say what their studies measured."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from modelwright.publish.recipe_scores import score_disagreements, scores_of_study
from modelwright.recipes.measured_score import check_measured_score
from modelwright.recipes.recipe import read_recipe, recipe_names
from modelwright.studies.study_record import read_study_record
from study_records import MACHINE, study_record, variant_json

RESULTS = sorted((Path(__file__).parents[2] / "benchmarks" / "results").glob("*.json"))
SCORE: dict[str, Any] = {
    "data": "cifar10",
    "accuracy": 0.8534,
    "low": 0.8463,
    "high": 0.8602,
    "interval": "seeds",
    "rows": 10_000,
    "seeds": [0, 1],
    "minutes": 13.4,
    "machine": MACHINE["name"],
    "settings": {"train.epochs": 30},
    "study": "table",
    "variant": "b|ase",
}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, None),
        ({"accuracy": 0.8535}, "accuracy: 0.8535 and 0.8534"),
        ({"high": 0.87}, "high: 0.87 and 0.8602"),
        ({"seeds": [0, 2]}, r"seeds: \[0, 2\] and \[0, 1\]"),
        ({"minutes": 12.0}, "minutes: 12.0 and 13.4"),
        ({"settings": {}}, r"settings: \{\} and"),
        ({"machine": "another"}, "machine: another and AMD"),
        ({"note": "with test-time augmentation"}, "test-time augmentation: True and False"),
        ({"rows": 5}, "rows: 5 and 10000"),
        ({"variant": "none"}, "table has no measured variant 'none'"),
        ({"study": "other"}, "table has no measured variant 'b|ase'"),
    ],
)
def test_a_score_that_differs_from_its_study_is_found(
    changes: dict[str, Any], says: str | None
) -> None:
    score = check_measured_score({**SCORE, **changes}, "cnn")
    study = study_record(variant_json("b|ase", 0.85338))
    found = score_disagreements("cnn", score, study)
    if says is None:
        assert found == []
        assert score_disagreements("bilstm", score, study) == ["recipe: bilstm and cnn"]
    else:
        [line] = found
        assert re.search(says, line)


def test_the_scores_of_a_study_agree_with_it() -> None:
    study = study_record(
        variant_json("plain", 0.85338, changed={}),
        variant_json("augmented", 0.85338, changed={"model.dropout": 0.5}, tta=True),
        variant_json("long training", 0.85338),
        variant_json("not trained yet", None, changed={}),
    )
    scores = scores_of_study(study)
    assert [(recipe, score["variant"]) for recipe, score in scores] == [
        ("cnn", "plain"),
        ("cnn", "augmented"),
    ]
    for recipe, score in scores:
        assert score_disagreements(recipe, check_measured_score(score, recipe), study) == []


@pytest.mark.parametrize("name", recipe_names())
def test_a_shipped_recipe_says_what_its_study_measured(name: str) -> None:
    studies = {study.name: study for path in RESULTS if (study := read_study_record(path))}
    for score in read_recipe(name).measured:
        if score.study is not None:
            assert score.study in studies, f"{score.study}.json is not in benchmarks/results"
            assert score_disagreements(name, score, studies[score.study]) == []
