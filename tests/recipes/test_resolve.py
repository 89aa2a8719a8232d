from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.core.config import from_toml, setting, to_toml
from modelwright.core.errors import ConfigError
from modelwright.recipes.recipe import read_recipe, recipe_names
from modelwright.recipes.resolve import parse_set, resolve_config

TABLES = {"data": {"source": "imdb"}, "model": {"recipe": "bilstm"}}


def test_later_layers_win(tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text('[data]\nsource = "imdb"\n[model]\nrecipe = "bilstm"\n[train]\nepochs = 3\n')
    assert resolve_config(file).train.epochs == 3
    assert resolve_config(file).train.clip_norm == 1.0, "the recipe's"
    assert resolve_config(file, {"train": {"epochs": 4}}).train.epochs == 4
    assert resolve_config(file, {"train": {"epochs": 4}}, ["train.epochs=5"]).train.epochs == 5
    assert resolve_config(file).name == "shop"


def test_every_recipe_resolves_and_says_what_it_is() -> None:
    assert {"bilstm", "bilstm-tutorial", "cnn", "cnn-tutorial"} <= set(recipe_names())
    for name in recipe_names():
        config = resolve_config(options={"data": {"source": "x"}, "model": {"recipe": name}})
        assert config.recipe == name
        assert read_recipe(name).summary


def test_a_resolved_config_survives_being_written() -> None:
    config = resolve_config(options=TABLES, sets=["model.units=[8, 4]", "data.limit=10"])
    assert from_toml(to_toml(config)) == config
    assert config.model.options["units"] == [8, 4]


def test_a_source_next_to_the_file_is_found_from_any_folder(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").touch()
    file = tmp_path / "a.toml"
    file.write_text('[data]\nsource = "rows.csv"\n[model]\nrecipe = "bilstm"\n')
    assert resolve_config(file).data.source == str(tmp_path / "rows.csv")
    file.write_text('[data]\nsource = ["rows.csv", "imdb"]\n[model]\nrecipe = "bilstm"\n')
    assert resolve_config(file).data.source == [str(tmp_path / "rows.csv"), "imdb"]
    for text, found in (('"rows.csv"', "rows.csv"), ('["rows.csv"]', ["rows.csv"])):
        file.write_text(
            f'[data]\nsource = "imdb"\nunlabelled = {text}\n[model]\nrecipe = "textcnn"\n'
        )
        data = resolve_config(file).data
        here = str(tmp_path / "rows.csv")
        assert data.unlabelled == (here if isinstance(found, str) else [here])
        assert data.source == "imdb"


def test_a_value_of_set_is_toml_or_else_plain_text() -> None:
    assert parse_set("train.epochs=5") == {"train": {"epochs": 5}}
    assert parse_set("data.source=my file.csv") == {"data": {"source": "my file.csv"}}
    assert parse_set("model.masking=false") == {"model": {"masking": False}}


@pytest.mark.parametrize(
    "value",
    [True, 0.5, 3, "char", "3", "true", "我的 文件.csv", [8, 4], [True], ["a", "书"], 'a"b'],
)
def test_a_value_survives_being_written_for_set(value: object) -> None:
    assert parse_set(f"model.x={setting(value)}") == {"model": {"x": value}}


@pytest.mark.parametrize(
    ("sets", "says"),
    [
        (["train.epohcs=5"], r"unknown key 'train.epohcs'\. Did you mean 'epochs'"),
        (["trian.epochs=5"], r"unknown key 'trian'\. Did you mean 'train'"),
        (["epochs=3"], r"unknown key 'epochs'\. Did you mean 'train\.epochs'"),
        (["train.epochs"], "expected table.key=value"),
        (["train=5"], "'train' was given 5; expected a table"),
        (["model.recipe=bilsm"], r"unknown recipe 'bilsm'\. Did you mean 'bilstm'"),
        (["model.drpout=0.5"], r"unknown key 'model.drpout'\. Did you mean 'dropout'"),
        (["model.dropout=1.5"], "'model.dropout' was given 1.5; expected a number"),
        (["model.units=[]"], "'model.units' was given \\[\\]"),
        (["data.source=5"], "'data.source' was given 5; expected a text or a list"),
        (["name=../x"], "'name' was given '../x'"),
    ],
)
def test_an_error_names_the_setting(sets: list[str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        resolve_config(options=TABLES, sets=sets)


def test_a_config_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("[data\n")
    with pytest.raises(ConfigError, match=r"bad\.toml is not TOML: .*line 1"):
        resolve_config(bad)
    bad.write_bytes(b"\xff\xfe[data]")
    with pytest.raises(ConfigError, match="cannot be read"):
        resolve_config(bad)
    bad.write_text("[data]\nsource = 5\n[model]\nrecipe = 'cnn'\n")
    with pytest.raises(ConfigError, match="'data.source' was given 5"):
        resolve_config(bad)
    with pytest.raises(ConfigError, match="there is no config file"):
        resolve_config(tmp_path / "missing.toml")
    with pytest.raises(ConfigError, match="no recipe given; expected one of bilstm"):
        resolve_config(options={"data": {"source": "imdb"}})
    with pytest.raises(ConfigError, match="no data given"):
        resolve_config(options={"model": {"recipe": "cnn"}})
