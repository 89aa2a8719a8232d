"""A study's file: inheritance, the grid, and the errors before any training."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import ConfigError
from modelwright.recipes.resolve import resolve_config
from modelwright.studies.plan import StudyVariant
from modelwright.studies.plan_file import read_study_plan

BASE: dict[str, Any] = {
    "name": "table",
    "seeds": [0, 1],
    "base": {"data": {"source": "cifar10"}, "model": {"recipe": "cnn"}, "train": {"epochs": 3}},
}
CHAIN = [
    {"name": "base"},
    {"name": "dropout", "after": "base", "set": {"model.dropout": 0.5}},
    {"name": "batch norm", "after": "dropout", "set": {"model.batch_norm": False}},
    {"name": "宽 网络", "set": {"model.filters": [64, 128]}, "claimed": 78.5, "claimed_gap": -2},
]


def test_settings_are_inherited_and_each_variant_has_its_reference() -> None:
    found = {
        variant.name: variant for variant in read_study_plan({**BASE, "variants": CHAIN}).variants
    }
    assert [variant.reference for variant in found.values()] == [None, "base", "dropout", "base"]
    assert found["batch norm"].settings == {"model.dropout": 0.5, "model.batch_norm": False}
    config = found["batch norm"].config("table", 7)
    assert (config.model.options["dropout"], config.model.options["batch_norm"]) == (0.5, False)
    assert (config.train.seed, config.train.epochs, config.name) == (7, 3, "table")
    wide = found["宽 网络"]
    assert (wide.claimed, wide.claimed_gap) == (0.785, -0.02)
    assert wide.config("table", 0).model.options["dropout"] == 0.3, "the recipe's, not inherited"
    assert wide.slug == "宽-网络"


def test_a_file_reads_like_a_mapping_and_finds_its_source(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").touch()
    file = tmp_path / "study.toml"
    file.write_text(
        'name = "a"\n[base.data]\nsource = "rows.csv"\n[base.model]\nrecipe = "bilstm"\n'
        '[[variants]]\nname = "one"\n[[variants]]\nname = "two"\nset = { model.units = [4] }\n',
        encoding="utf-8",
    )
    found = read_study_plan(file)
    assert found.seeds == (0, 1, 2)
    assert found.variants[1].settings == {"model.units": [4]}
    assert found.variants[1].config("a", 0).data.source == str(tmp_path / "rows.csv")


def test_every_variant_is_trained_at_every_point_of_the_grid() -> None:
    grid = {"train.batch_size": [8, 16], "model.dropout": [0.1, 0.2]}
    alone = read_study_plan({**BASE, "grid": grid}).variants
    assert [variant.name for variant in alone] == [
        f"batch_size={size}, dropout={rate}" for size in (8, 16) for rate in (0.1, 0.2)
    ]
    assert [variant.reference for variant in alone] == [None, *[alone[0].name] * 3]
    assert alone[2].config("table", 0).train.batch_size == 16
    small = {"train.batch_size": [8, 16]}
    times = read_study_plan({**BASE, "variants": CHAIN[:3], "grid": small}).variants
    assert {variant.name: variant.reference for variant in times} == {
        "base, batch_size=8": None,
        "base, batch_size=16": "base, batch_size=8",
        "dropout, batch_size=8": "base, batch_size=8",
        "dropout, batch_size=16": "base, batch_size=16",
        "batch norm, batch_size=8": "dropout, batch_size=8",
        "batch norm, batch_size=16": "dropout, batch_size=16",
    }


def test_without_variants_and_grid_the_base_is_measured() -> None:
    [only] = read_study_plan(BASE).variants
    assert (only.name, only.reference, only.settings) == ("base", None, {})


def test_the_command_of_a_variant_gives_its_config() -> None:
    tables = {**BASE["base"], "data": {"source": "my file.csv", "label": "情感", "limit": 5}}
    variant = read_study_plan({**BASE, "base": tables, "variants": CHAIN}).variants[3]
    arguments = shlex.split(variant.command(3, Path("out folder/run")))
    sets = [arguments[at + 1] for at, one in enumerate(arguments) if one == "--set"]
    keys = ("data", "recipe", "seed", "out")
    values = {key: arguments[arguments.index(f"--{key}") + 1] for key in keys}
    assert values["out"] == "out folder/run"
    options = {
        "name": "table",
        "data": {"source": values["data"]},
        "model": {"recipe": values["recipe"]},
        "train": {"seed": int(values["seed"])},
    }
    assert resolve_config(options=options, sets=sets) == variant.config("table", 3)


def test_changed_settings_include_those_of_the_base() -> None:
    base = {**BASE["base"], "train": {"epochs": 3, "patience": 8, "tensorboard": False}}
    found = read_study_plan({**BASE, "base": base, "variants": CHAIN}).variants
    assert found[0].changed_settings() == {"train.epochs": 3}, "8 is the recipe's patience"
    assert found[2].changed_settings() == {
        "train.epochs": 3, "model.dropout": 0.5, "model.batch_norm": False,
    }  # fmt: skip


def test_a_long_name_gives_a_short_file_name_of_its_own() -> None:
    one, other = ("x" * 70 + end for end in "ab")
    variants = [StudyVariant(name, None, {}, {}) for name in (one, other)]
    assert all(len(variant.slug) < 80 for variant in variants)
    assert variants[0].slug != variants[1].slug


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": [1]}, r"unknown key 'seed'\. Did you mean 'seeds'"),
        ({"seeds": []}, r"'seeds' was given \[\]"),
        ({"seeds": [1, 1]}, r"'seeds' was given \[1, 1\]; expected each seed once"),
        ({"split": "train"}, "'split' was given 'train'; expected 'test' or 'val'"),
        ({"name": "a/b"}, "'name' was given 'a/b'"),
        ({"base": {"trian": {}}}, r"base: unknown key 'trian'\. Did you mean 'train'"),
        ({"base": {"data": {"source": "x"}}}, "variant 'base': no recipe given"),
        ({"base": {"train": {"seed": 3}}}, "'base' sets train.seed; expected 'seeds' at the study"),
        (
            {"variants": [{"name": "a", "claimd": 1}]},
            r"unknown key 'variants\.a\.claimd'\. Did you mean 'claimed'",
        ),
        ({"variants": [{"name": "a", "claimed": 0.785}]}, "'variants.a.claimed' was given 0.785"),
        ({"variants": [{"set": {}}]}, r"'variants\.1\.name' is missing"),
        ({"variants": [{"nam": "a"}]}, r"unknown key 'variants\.1\.nam'\. Did you mean 'name'"),
        (
            {"seeds": [0, -1]},
            r"'seeds' was given \[0, -1\]; expected a list of at least 1, each an integer at",
        ),
        ({"variants": [{"name": "a"}, {"name": "a"}]}, "two variants are named 'a'"),
        (
            {"variants": [{"name": "bse"}, {"name": "b", "after": "base"}]},
            r"variant 'b' comes after 'base', which is not listed before it\. Did you mean 'bse'",
        ),
        (
            {"variants": [{"name": "a", "set": {"model.drpout": 0.1}}]},
            r"variant 'a': unknown key 'model\.drpout'\. Did you mean 'dropout'",
        ),
        (
            {"variants": [{"name": "a", "set": {"dropout": 0.1}}]},
            r"variants\.a\.set: unknown key 'dropout'",
        ),
        (
            {"variants": [{"name": "a", "set": {"train": 5}}]},
            r"variants\.a\.set: 'train' was given 5; expected a table",
        ),
        (
            {"variants": [{"name": "a"}, {"name": "b", "set": {"train.epochs": 3}}]},
            "variants 'a' and 'b' have the same settings; change one of them",
        ),
        (
            {"variants": [{"name": "a b"}, {"name": "A-b", "set": {"train.epochs": 1}}]},
            "variants 'a b' and 'A-b' have names that give the same file name",
        ),
        ({"variants": [{"name": "!"}]}, "variant '!' has no letter or digit"),
        ({"grid": {"train.epochs": 5}}, "'grid.train.epochs' was given 5; expected a list"),
        ({"grid": {"train.epochs": []}}, r"'grid.train.epochs' was given \[\]; expected a list"),
        ({"grid": {"train.epochs": [1, 1]}}, "expected each value once"),
        ({"grid": {"train.seed": [1, 2]}}, "'grid' sets train.seed; expected 'seeds'"),
        ({"grid": {"train.epohcs": [1]}}, r"variant 'epohcs=1': unknown key 'train\.epohcs'"),
    ],
)
def test_an_error_names_the_key_or_variant(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read_study_plan({**BASE, **changes})


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no study file"):
        read_study_plan(tmp_path / "no.toml")
    (tmp_path / "bad.toml").write_text("[[variants]\n")
    with pytest.raises(ConfigError, match=r"bad\.toml is not TOML"):
        read_study_plan(tmp_path / "bad.toml")


def test_a_variant_may_measure_the_trainings_of_another() -> None:
    variants = [
        {"name": "plain", "rerun": 63, "claimed": 78.5},
        {"name": "augmented", "after": "plain", "tta": True},
        {"name": "dropout", "set": {"model.dropout": 0.5}},
    ]
    plain, augmented, dropout = read_study_plan({**BASE, "variants": variants}).variants
    assert (plain.tta, augmented.tta, dropout.tta) == (False, True, False)
    assert (plain.rerun, augmented.rerun) == (0.63, None)
    assert augmented.run_name(1) == plain.run_name(1) == "plain-seed-1"
    assert augmented.result_name(1, "test") == "augmented-seed-1.test-tta.json"
    assert plain.result_name(1, "test") == "plain-seed-1.test.json"
    assert dropout.run_name(1) == "dropout-seed-1"
    # A variant without tta has the study's.
    others = read_study_plan(
        {**BASE, "tta": True, "variants": [*variants, {"name": "not", "tta": False}][2:]}
    )
    assert [variant.tta for variant in others.variants] == [True, False]
    with pytest.raises(ConfigError, match="'augmented' and 'again' have the same settings"):
        read_study_plan({**BASE, "variants": [*variants, {"name": "again", "tta": True}]})


def test_titles_are_by_language() -> None:
    found = read_study_plan(
        {**BASE, "title": {"en": "a table", "zh": "一张表"}, "source": {"en": "a paper"}}
    )
    assert found.title["zh"] == "一张表"
    assert found.source == {"en": "a paper"}
    with pytest.raises(ConfigError, match="title"):
        read_study_plan({**BASE, "title": {"fr": "un tableau"}})
