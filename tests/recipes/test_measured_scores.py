"""Measured scores of recipes: their checks, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.config import setting
from modelwright.core.errors import ConfigError
from modelwright.core.statistics import wilson_interval
from modelwright.recipes.measured_score import MeasuredScore, check_measured_score
from modelwright.recipes.recipe import Recipe, read_recipe, recipe_names
from modelwright.recipes.recipe_list import RecipeReport, list_recipes
from modelwright.recipes.resolve import resolve_config

ENTRY: dict[str, Any] = {
    "data": "cifar10",
    "accuracy": 0.9,
    "low": 0.89,
    "high": 0.91,
    "interval": "seeds",
    "rows": 100,
    "seeds": [0, 1],
    "minutes": 1.5,
    "machine": "AMD EPYC, 2 cores, no GPU",
}
SHIPPED = [(name, entry) for name in recipe_names() for entry in read_recipe(name).measured]
RESULTS = (Path(__file__).parents[2] / "docs" / "results.md").read_text("utf-8")


def test_there_are_measured_recipes() -> None:
    assert {name for name, _ in SHIPPED} >= {"cnn", "cnn-tutorial"}


@pytest.mark.parametrize(("name", "entry"), SHIPPED)
def test_a_shipped_score_is_that_of_the_results_page(name: str, entry: MeasuredScore) -> None:
    if entry.study is None:
        assert f"{100 * entry.accuracy:.2f} %" in RESULTS
        assert f"{100 * entry.low:.2f} to {100 * entry.high:.2f}" in RESULTS
    for key, value in entry.settings.items():
        table, _, option = key.partition(".")
        tables = {"data": {"source": entry.data}, "model": {"recipe": name}}
        found = resolve_config(options=tables, sets=[f"{key}={setting(value)}"]).model_dump()
        assert {**found[table], **found[table].get("options", {})}[option] == value


@pytest.mark.parametrize(("name", "entry"), [pair for pair in SHIPPED if len(pair[1].seeds) == 1])
def test_the_interval_of_one_seed_is_wilsons(name: str, entry: MeasuredScore) -> None:
    low, high = wilson_interval(round(entry.accuracy * entry.rows), entry.rows)
    assert (entry.low, entry.high) == pytest.approx((low, high), abs=1e-4), name


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"acuracy": 0.9}, r"unknown key 'net\.measured\.acuracy'\. Did you mean 'accuracy'"),
        ({"accuracy": 85.3}, r"'net\.measured\.accuracy' was given 85\.3; expected a number"),
        ({"accuracy": 0.95}, "has the accuracy 0.95 and the interval 0.89 to 0.91; expected an"),
        ({"seeds": []}, r"'net\.measured\.seeds' was given \[\]"),
        ({"seeds": [1, 1]}, r"'net\.measured\.seeds' was given \[1, 1\]; expected each seed once"),
        ({"seeds": [3]}, "was given 'seeds' with 1 seeds; expected 'rows' with one seed"),
        ({"interval": "rows"}, "was given 'rows' with 2 seeds; expected 'rows' with one seed"),
        ({"study": "table"}, "has study or variant; expected both or neither"),
    ],
)
def test_a_score_that_contradicts_itself_is_refused(changes: dict[str, Any], says: str) -> None:
    assert check_measured_score(ENTRY, "net").accuracy == 0.9
    with pytest.raises(ConfigError, match=says):
        check_measured_score({**ENTRY, **changes}, "net")


def test_the_table_has_a_dash_for_a_recipe_without_a_score(
    cli: Callable[..., tuple[int, str, str]],
) -> None:
    code, out, _ = cli("recipes")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines() if line}
    for name in recipe_names():
        entries = read_recipe(name).measured
        assert ("—" in lines[name]) == (not entries)
        if entries:
            assert f"{100 * entries[-1].accuracy:.2f} %" in lines[name]
    assert "note 1: " in out


def test_a_score_is_shown_with_its_settings() -> None:
    entry = check_measured_score(
        {**ENTRY, "seeds": [0], "interval": "rows", "settings": {"model.tokens": "char"}}, "net"
    )
    shown = RecipeReport(Recipe("net", "a net", "bilstm", measured=(entry,))).render()
    for part in ("measured on cifar10", "model.tokens=char", "Wilson"):
        assert part in shown
    assert "not measured yet" in RecipeReport(Recipe("net", "a net", "bilstm")).render()


def test_one_recipe_is_shown_whole(cli: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = cli("recipes", "bilstm")
    assert code == 0
    own, varied = (
        dict(line.split(maxsplit=1) for line in part.splitlines() if line.startswith("model."))
        for part in out.split("what modelwright tune varies")
    )
    for key, value in read_recipe("bilstm").model.items():
        assert own[f"model.{key}"] == str(value)
    assert varied["model.cell"].strip() == '["lstm", "gru"]'
    code, out, _ = cli("recipes", "cnn", "--json")
    shown = json.loads(out)
    assert shown["task"] == "image"
    assert shown["train"]["epochs"] == 40
    assert shown["measured"][0]["seeds"] == [0]
    assert shown in list_recipes().to_dict()["recipes"]
    code, out, err = cli("recipes", "bilstn")
    assert (code, out) == (2, "")
    assert "Did you mean 'bilstm'" in err
