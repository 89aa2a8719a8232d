"""A study's file: inheritance, the grid, and what is refused before anything is trained."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import ConfigError
from modelwright.recipes.resolve import resolve
from modelwright.studies import plan

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
    found = {variant.name: variant for variant in plan.read({**BASE, "variants": CHAIN}).variants}
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
    found = plan.read(file)
    assert found.seeds == (0, 1, 2)
    assert found.variants[1].settings == {"model.units": [4]}
    assert found.variants[1].config("a", 0).data.source == str(tmp_path / "rows.csv")


def test_the_grid_is_multiplied_with_the_variants() -> None:
    grid = {"train.batch_size": [8, 16], "model.dropout": [0.1, 0.2]}
    alone = plan.read({**BASE, "grid": grid}).variants
    assert [variant.name for variant in alone] == [
        f"batch_size={size}, dropout={rate}" for size in (8, 16) for rate in (0.1, 0.2)
    ]
    assert [variant.reference for variant in alone] == [None, *[alone[0].name] * 3]
    assert alone[2].config("table", 0).train.batch_size == 16
    small = {"train.batch_size": [8, 16]}
    times = plan.read({**BASE, "variants": CHAIN[:3], "grid": small}).variants
    assert {variant.name: variant.reference for variant in times} == {
        "base, batch_size=8": None,
        "base, batch_size=16": "base, batch_size=8",
        "dropout, batch_size=8": "base, batch_size=8",
        "dropout, batch_size=16": "base, batch_size=16",
        "batch norm, batch_size=8": "dropout, batch_size=8",
        "batch norm, batch_size=16": "dropout, batch_size=16",
    }


def test_without_variants_and_grid_the_base_is_measured() -> None:
    [only] = plan.read(BASE).variants
    assert (only.name, only.reference, only.settings) == ("base", None, {})


def test_the_command_of_a_variant_gives_its_config() -> None:
    tables = {**BASE["base"], "data": {"source": "my file.csv", "label": "情感", "limit": 5}}
    variant = plan.read({**BASE, "base": tables, "variants": CHAIN}).variants[3]
    words = shlex.split(variant.command(3, Path("out folder/run")))
    sets = [words[at + 1] for at, word in enumerate(words) if word == "--set"]
    given = {key: words[words.index(f"--{key}") + 1] for key in ("data", "recipe", "seed", "out")}
    assert given["out"] == "out folder/run"
    options = {
        "name": "table",
        "data": {"source": given["data"]},
        "model": {"recipe": given["recipe"]},
        "train": {"seed": int(given["seed"])},
    }
    assert resolve(options=options, sets=sets) == variant.config("table", 3)


def test_what_differs_from_the_recipe_counts_the_base_too() -> None:
    base = {**BASE["base"], "train": {"epochs": 3, "patience": 8, "tensorboard": False}}
    found = plan.read({**BASE, "base": base, "variants": CHAIN}).variants
    assert found[0].changed() == {"train.epochs": 3}, "8 is the recipe's patience"
    assert found[2].changed() == {
        "train.epochs": 3, "model.dropout": 0.5, "model.batch_norm": False,
    }  # fmt: skip


def test_a_long_name_gives_a_short_file_name_of_its_own() -> None:
    one, other = ("x" * 70 + end for end in "ab")
    variants = [plan.Variant(name, None, {}, {}) for name in (one, other)]
    assert all(len(variant.slug) < 80 for variant in variants)
    assert variants[0].slug != variants[1].slug


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"seed": [1]}, r"unknown key 'seed'\. Did you mean 'seeds'"),
        ({"seeds": []}, r"'seeds' was given \[\]"),
        ({"seeds": [1, 1]}, r"'seeds' was given \[1, 1\]; expected each one once"),
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
def test_a_mistake_is_named_with_its_place(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        plan.read({**BASE, **changes})


def test_a_file_that_cannot_be_used(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no study file"):
        plan.read(tmp_path / "no.toml")
    (tmp_path / "bad.toml").write_text("[[variants]\n")
    with pytest.raises(ConfigError, match=r"bad\.toml is not TOML"):
        plan.read(tmp_path / "bad.toml")


def test_a_variant_may_measure_the_trainings_of_another() -> None:
    variants = [
        {"name": "plain", "rerun": 63, "claimed": 78.5},
        {"name": "views", "after": "plain", "tta": True},
        {"name": "dropout", "set": {"model.dropout": 0.5}},
    ]
    plain, views, dropout = plan.read({**BASE, "variants": variants}).variants
    assert (plain.tta, views.tta, dropout.tta) == (False, True, False)
    assert (plain.rerun, views.rerun) == (0.63, None)
    assert views.run(1) == plain.run(1) == "plain-seed-1"
    assert views.file(1) == "views-seed-1"
    assert (plain.measured("test"), views.measured("test")) == ("test", "test-tta")
    assert dropout.run(1) == dropout.file(1) == "dropout-seed-1"
    # The study's own tta is what a variant has that says nothing.
    others = plan.read(
        {**BASE, "tta": True, "variants": [*variants, {"name": "not", "tta": False}][2:]}
    )
    assert [variant.tta for variant in others.variants] == [True, False]
    with pytest.raises(ConfigError, match="'views' and 'again' have the same settings"):
        plan.read({**BASE, "variants": [*variants, {"name": "again", "tta": True}]})


def test_titles_are_by_language() -> None:
    found = plan.read(
        {**BASE, "title": {"en": "a table", "zh": "一张表"}, "source": {"en": "a paper"}}
    )
    assert found.title["zh"] == "一张表"
    assert found.source == {"en": "a paper"}
    with pytest.raises(ConfigError, match="title"):
        plan.read({**BASE, "title": {"fr": "un tableau"}})
