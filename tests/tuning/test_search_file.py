"""The file of a search: what it says, and every mistake in it before anything heavy loads."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from modelwright.core.errors import ConfigError
from modelwright.tuning.search_file import plan_for_data, read_search_plan
from modelwright.tuning.tune import _make_methods
from sample_data import sentences, write_csv
from search_spaces import record

SEARCH = """
name = "reviews"
[base.data]
source = "imdb"
[base.model]
recipe = "bilstm"
[base.train]
epochs = 3
[space]
"model.cell" = ["lstm", "gru"]
"model.units" = { choices = [[32], [64, 32]] }
"train.learning_rate" = { from = 1e-4, to = 1e-2, scale = "log" }
[search]
trials = 12
"""


def write(folder: Path, text: str = SEARCH, name: str = "search.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_file_gives_the_base_the_space_and_the_method(tmp_path: Path) -> None:
    plan = read_search_plan(write(tmp_path))
    assert plan.name == "reviews"
    assert plan.config.train.epochs == 3
    assert [one.key for one in plan.dimensions] == [
        "model.cell", "model.units", "train.learning_rate",
    ]  # fmt: skip
    search = plan.search
    assert (search.sampler, search.pruner, search.objective) == ("tpe", "asha", "val_accuracy")
    assert search.trial_limit == 12


def test_a_factor_reaches_the_pruner_and_the_file(tmp_path: Path) -> None:
    plan = read_search_plan(write(tmp_path, SEARCH.replace("trials = 12", "factor = 4")))
    assert (plan.search.factor, plan.search.pruning) == (4, "asha, factor=4")
    assert read_search_plan(tomllib.loads(plan.to_toml())) == plan
    _, pruner = _make_methods(plan)
    others = [record(n, {}, None, state="running", epochs=(n / 10,)) for n in range(7)]
    trials = [record(9, {}, None, state="running", epochs=(value,)) for value in (0.45, 0.55)]
    assert [pruner.stops(one, others) for one in trials] == [True, False], "two of eight go on"


def test_the_values_of_a_trial_are_over_the_base(tmp_path: Path) -> None:
    plan = read_search_plan(write(tmp_path))
    config = plan.trial_config({"model.cell": "gru", "train.learning_rate": 0.001})
    assert config.model.options["cell"] == "gru"
    assert (config.train.learning_rate, config.train.epochs) == (0.001, 3)
    assert config.train.seed == plan.config.train.seed, "trials differ in nothing else"


def test_what_is_written_reads_back_as_the_same_search(tmp_path: Path) -> None:
    plan = read_search_plan(write(tmp_path))
    again = read_search_plan(write(tmp_path, plan.to_toml(), "again.toml"))
    assert again == plan


def test_all_kinds_of_dimensions_read_back_in_their_order(tmp_path: Path) -> None:
    space = """
"train.optimizer" = ["adam", "sgd"]
"train.momentum" = { from = 0.5, to = 0.9, step = 0.1, when = { "train.optimizer" = "sgd" } }
"model.embedding" = { from = 16, to = 64, step = 16 }
"model.dropout" = { from = 0, to = 0.5 }
"model.dense" = { choices = [8, 16], when = { "model.units" = [[32], [64, 32]] } }
"model.pooling" = { choices = ["last", "max"], when = { "model.units" = [32] } }
[search]"""
    plan = read_search_plan(write(tmp_path, SEARCH.replace("[search]", space)))
    again = read_search_plan(write(tmp_path, plan.to_toml(), "again.toml"))
    assert again.dimensions == plan.dimensions
    assert [one.conditions for one in again.dimensions if one.conditions]


def test_an_empty_space_is_not_that_of_the_recipe() -> None:
    base = {"data": {"source": "imdb"}, "model": {"recipe": "bilstm"}}
    with pytest.raises(ConfigError, match="the space is empty; expected at least one setting"):
        read_search_plan({"base": base, "space": {}})


def test_without_a_space_it_is_the_recipes_own() -> None:
    base = {"data": {"source": "imdb"}, "model": {"recipe": "bilstm"}}
    plan = read_search_plan({"base": base})
    assert plan.dimensions
    assert plan.name == "imdb"
    assert plan.search.trial_limit == 30
    assert read_search_plan(tomllib.loads(plan.to_toml())) == plan


def test_data_alone_gets_a_recipe_that_fits_and_says_so(tmp_path: Path) -> None:
    source = write_csv(tmp_path / "notes.csv", sentences(60), ("text", "label"))
    plan = plan_for_data({"data": {"source": str(source)}}, ["train.seed=4"])
    assert plan.name == "notes"
    assert plan.config.train.seed == 4
    assert plan.config.recipe in plan.notes[0]


def test_a_recipe_without_validation_rows_gets_some_to_choose_on() -> None:
    base = {"data": {"source": "imdb"}, "model": {"recipe": "text-fast"}}
    plan = read_search_plan({"base": base})
    assert plan.config.data.val == plan.base["data"]["val"] == 0.1
    assert "data.val=0.1" in plan.notes[0]
    own = read_search_plan({"base": base}, ["data.val=0.3"])
    assert (own.config.data.val, own.notes) == (0.3, ())
    none = read_search_plan({"base": base}, ["data.val=0"])
    assert none.config.data.val == 0, "a source may have validation rows of its own"


def test_a_recipe_file_can_be_searched_from(tmp_path: Path) -> None:
    best = write(tmp_path, '[model]\nrecipe = "bilstm"\nlength = 99\n', "best.toml")
    plan = plan_for_data({"data": {"source": "imdb"}, "model": {"recipe": str(best)}})
    best.unlink()
    assert plan.config.model.options["length"] == 99
    assert read_search_plan(tomllib.loads(plan.to_toml())) == plan


def test_options_win_over_the_file(tmp_path: Path) -> None:
    plan = read_search_plan(write(tmp_path), ["train.epochs=9"], {"trials": 40})
    assert (plan.config.train.epochs, plan.search.trials) == (9, 40)


def test_a_setting_that_the_space_varies_is_not_dropped_in_silence(tmp_path: Path) -> None:
    message = "'train.learning_rate' was given with --set, but the space varies it.*Leave it out"
    with pytest.raises(ConfigError, match=message):
        read_search_plan(write(tmp_path), ["train.learning_rate=0.005"])
    tables = {"data": {"source": "imdb"}, "model": {"recipe": "bilstm"}}
    with pytest.raises(ConfigError, match=message):
        plan_for_data(tables, ["train.learning_rate=0.005"])


def test_a_source_next_to_the_file_is_found_from_elsewhere(tmp_path: Path) -> None:
    write_csv(tmp_path / "notes.csv", sentences(10), ("text", "label"))
    plan = read_search_plan(write(tmp_path, SEARCH.replace('"imdb"', '"notes.csv"')))
    assert plan.config.data.source == str(tmp_path / "notes.csv")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("trials = 12", "trails = 12", r"unknown key 'search.trails'.*trials"),
        ("trials = 12", "trials = 0", r"'search.trials' was given 0.*at least 1"),
        ("trials = 12", "minutes = -1", r"'search.minutes' was given -1"),
        ("trials = 12", 'objective = "accuracy"', r"'search.objective' was given 'accuracy'"),
        ("trials = 12", 'sampler = "tpa"', r"'search.sampler' was given 'tpa'.*tpe"),
        ("trials = 12", 'pruner = "ahsa"', r"'search.pruner' was given 'ahsa'.*asha"),
        ("trials = 12", "factor = 1", r"'search.factor' was given 1.*at least 2"),
        ("trials = 12", "factor = 2.5", r"'search.factor' was given 2.5"),
        ("trials = 12", 'factor = 3\npruner = "none"', r"'search.factor' was.*no effect.*'none'"),
        ("trials = 12", 'factor = 3\npruner = "median"', r"no effect with the pruner 'median'"),
        ("trials = 12", "max_size = 0", r"'search.max_size' was given 0"),
        ("[search]", "[searches]", r"unknown key 'searches'.*search"),
        ("[base.train]", "[train]", r"unknown key 'train' at the search's top.*'base.train'"),
        ('name = "reviews"', 'name = "a/b"', r"'name' was given 'a/b'"),
        ('recipe = "bilstm"', 'recipe = "bilsmt"', r"base: unknown recipe 'bilsmt'"),
        ("epochs = 3", "epoch = 3", r"base: unknown key 'train.epoch'.*epochs"),
        ('source = "imdb"', "val = 0.2", r"base: no data given"),
        ("[base.train]", '[base]\nname = "x"\n[base.train]', r"expected 'name' at the search's"),
        ('"model.cell"', '"model.sell"', r"model.sell"),
        ('["lstm", "gru"]', '["lstm"]', r"model.cell"),
        ('["lstm", "gru"]', '["lstm", "rnn"]', r"model.cell.*'rnn'"),
        ("from = 1e-4, to = 1e-2", "from = 1e-4, to = 99", r"learning_rate.*99"),
        ("from = 1e-4, to = 1e-2", "from = 1e-2, to = 1e-4", r"learning_rate"),
        ('"model.cell"', '"data.val"', r"data.val.*same rows"),
        ('"model.cell"', '"train.seed"', r"train.seed.*cannot vary"),
    ],
)
def test_a_mistake_is_named_with_what_was_expected(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in SEARCH
    with pytest.raises(ConfigError, match=message):
        read_search_plan(write(tmp_path, SEARCH.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("none.toml", "there is no search file none.toml"),
        (".", "is a folder; expected the search file"),
    ],
)
def test_a_place_without_a_search_is_named(given: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_search_plan(given)


def test_it_is_checked_before_anything_heavy_loads(tmp_path: Path) -> None:
    path = write(tmp_path)
    code = (
        "import sys; from modelwright.tuning.search_file import read_search_plan\n"
        f"read_search_plan({str(path)!r})\nimport modelwright; modelwright.tune\n"
        "heavy = {'tensorflow', 'keras', 'optuna', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(' '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_recipe_without_validation_rows_gets_some_and_it_says_so(tmp_path: Path) -> None:
    tables = {"data": {"source": "reviews.csv"}, "model": {"recipe": "text-fast"}}
    plan = plan_for_data(tables)
    assert plan.config.data.val == 0.1 and plan.base["data"]["val"] == 0.1
    assert any("data.val=0.1 holds out" in note for note in plan.notes)
    chosen = plan_for_data({**tables, "data": {"source": "reviews.csv", "val": 0.3}})
    assert chosen.config.data.val == 0.3 and chosen.notes == ()
    refused = plan_for_data({**tables, "data": {"source": "reviews.csv", "val": 0.0}})
    assert refused.config.data.val == 0 and refused.notes == ()
