"""A recipe can be a TOML file that changes another one, as ``modelwright tune`` writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelwright
from modelwright.core.errors import ConfigError
from modelwright.recipes.resolve import resolve_config, resolve_or_choose

BEST = """
[data]
source = "imdb"
[model]
recipe = "bilstm"
units = [48]
[train]
learning_rate = 0.004
epochs = 3
"""


@pytest.fixture
def best(tmp_path: Path) -> Path:
    path = tmp_path / "best.toml"
    path.write_text(BEST, "utf-8")
    return path


def test_its_settings_are_those_of_the_recipe_with_the_changes(best: Path) -> None:
    from_file = resolve_config(options={"model": {"recipe": str(best)}})
    given = {"model": {"recipe": "bilstm", "units": [48]}, "data": {"source": "imdb"}}
    given["train"] = {"learning_rate": 0.004, "epochs": 3}
    assert from_file == resolve_config(options=given)


def test_other_data_and_options_win_over_the_file(best: Path) -> None:
    options = {"model": {"recipe": str(best)}, "data": {"source": "reviews.csv"}}
    resolved = resolve_or_choose(None, options, ["train.epochs=7"]).config
    assert resolved.data.source == "reviews.csv"
    assert resolved.train.epochs == 7
    assert resolved.model.options["units"] == [48]


def test_what_is_recorded_does_not_need_the_file(best: Path) -> None:
    config = resolve_config(options={"model": {"recipe": str(best)}})
    best.unlink()
    assert config.recipe == "bilstm"
    again = {"data": {"source": "imdb"}, "model": {"recipe": config.recipe}}
    assert resolve_config(options=again).model.builder == config.model.builder


def test_a_source_next_to_the_file_is_found_from_elsewhere(best: Path) -> None:
    (best.parent / "reviews.csv").write_text("text,label\n", "utf-8")
    best.write_text(BEST.replace('"imdb"', '"reviews.csv"'), "utf-8")
    config = resolve_config(options={"model": {"recipe": str(best)}})
    assert config.data.source == str(best.parent / "reviews.csv")


def test_it_is_shown_as_any_other_recipe(best: Path) -> None:
    shown = modelwright.show_recipe(str(best)).to_dict()
    assert shown["model"]["units"] == [48]
    assert shown["train"]["learning_rate"] == 0.004
    assert shown["measured"] == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[model]\nunits = [3]\n", "has nothing as .model. recipe"),
        ('[model]\nrecipe = "other.toml"\n', "has 'other.toml' as .model. recipe"),
        ('[model]\nrecipe = "bilstm"\n[serve]\nport = 1\n', "has 'serve' at its top"),
        ("not toml", "cannot be read"),
        ('[model]\nrecipe = "bilsmt"\n', "unknown recipe 'bilsmt'.*bilstm"),
    ],
)
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "best.toml"
    path.write_text(content, "utf-8")
    options = {"model": {"recipe": str(path)}, "data": {"source": "imdb"}}
    with pytest.raises(ConfigError, match=message):
        resolve_config(options=options)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    options = {"model": {"recipe": str(tmp_path / "none.toml")}, "data": {"source": "imdb"}}
    with pytest.raises(ConfigError, match=r"there is no recipe file .*none\.toml"):
        resolve_config(options=options)
