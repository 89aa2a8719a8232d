"""The table [space]: what it may hold, what is refused and why, and the recipes' own spaces."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelwright.core.errors import ConfigError
from modelwright.recipes.recipe import recipe_names
from modelwright.recipes.resolve import resolve_config
from modelwright.tuning.dimension import Dimension
from modelwright.tuning.dimension_file import read_dimension
from modelwright.tuning.space import config_tables, default_space, read_space
from modelwright.tuning.space_points import contains, count_points, point_text, points
from search_spaces import MIXED, SMALL, ranges

RATE = {"from": 1e-4, "to": 1e-2, "scale": "log"}
SGD = {"train.optimizer": ["adam", "sgd"]}
MOMENTUM = {"from": 0.8, "to": 0.9}


def base(recipe: str = "bilstm") -> dict[str, Any]:
    return {"data": {"source": "reviews.csv"}, "model": {"recipe": recipe}}


def refuse(table: dict[str, Any], recipe: str = "bilstm") -> str:
    with pytest.raises(ConfigError) as caught:
        read_space(table, base(recipe))
    return str(caught.value)


def test_the_kinds_of_dimensions() -> None:
    space = read_space(
        {
            "model.embedding": {"from": 64, "to": 256, "step": 64},
            "model.cell": ["lstm", "gru"],
            "model.units": {"choices": [[32], [64, 32]]},
            "train.learning_rate": RATE,
            "model": {"dense": {"from": 8, "to": 64, "scale": "log"}},
            "model.dropout": {"from": 0.0, "to": 0.5, "step": 0.1},
        },
        base(),
    )
    assert space == (
        Dimension("model.embedding", "int", 64, 256, 64),
        Dimension("model.cell", "choice", choices=("lstm", "gru")),
        Dimension("model.units", "choice", choices=([32], [64, 32])),
        Dimension("train.learning_rate", "float", 1e-4, 1e-2, log=True),
        Dimension("model.dense", "int", 8, 64, log=True),
        Dimension("model.dropout", "float", 0.0, 0.5, 0.1),
    )


def test_whole_ends_of_a_setting_that_takes_fractions() -> None:
    """``from = 1, to = 2`` of a rate are not the two rates 1 and 2; of a size they are."""
    space = read_space(
        {"train.clip_norm": {"from": 1, "to": 2}, "train.batch_size": {"from": 8, "to": 16}}, base()
    )
    assert space[0] == Dimension("train.clip_norm", "float", 1.0, 2.0)
    assert space[1] == Dimension("train.batch_size", "int", 8, 16, 1)


def test_steps_are_free_of_rounding_errors() -> None:
    values = list(Dimension("model.dropout", "float", 0.0, 0.7, 0.1).values())
    assert values == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


def test_a_condition_puts_its_dimension_after_the_other() -> None:
    when = {"train.optimizer": "sgd"}
    space = read_space({"train.momentum": {**MOMENTUM, "when": when}, **SGD}, base())
    assert [one.key for one in space] == ["train.optimizer", "train.momentum"]
    assert space[1].in_force({"train.optimizer": "sgd"})
    assert not space[1].in_force({"train.optimizer": "adam"})
    assert not space[1].in_force({})


def test_a_condition_names_one_list_or_several_values() -> None:
    table: dict[str, Any] = {"model.units": {"choices": [[32], [64, 32], [64]]}}
    table["model.pooling"] = {"choices": ["last", "max"], "when": {"model.units": [64, 32]}}
    assert read_space(table, base())[1].conditions == (("model.units", ([64, 32],)),)
    table["model.pooling"]["when"] = {"model.units": [[32], [64]]}
    assert read_space(table, base())[1].conditions == (("model.units", ([32], [64])),)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "the space is empty; expected at least one setting that varies"),
        ({"learning_rate": [1e-3, 1e-2]}, "Did you mean 'train.learning_rate'?"),
        ({"model.embeding": [8, 16]}, "unknown key 'model.embeding'. Did you mean 'embedding'?"),
        ({"tarin.epochs": [1, 2]}, "unknown key 'tarin'. Did you mean 'train'?"),
        ({"train.learning_rate": [1e-3, 20.0]}, "at train.learning_rate=20.0: "),
        ({"train.learning_rate": [1e-3, 20.0]}, "expected a number above 0 and at most 10"),
        ({"model.cell": ["lstm", "rnn"]}, "'model.cell' was given 'rnn'; expected 'lstm' or 'gru'"),
        ({"model.dropout": {"from": 0, "to": 1}}, "'model.dropout' was given 1.0"),
        ({"model.embedding": {"from": 64.0, "to": 128.0}}, "expected an integer at least 1"),
        ({"model.units": {"choices": [[32], []]}}, "was given []; expected a list of at least 1"),
        ({"train.epochs": 5}, "'space.train.epochs' was given 5; expected [16, 32]"),
        ({"train.epochs": [5]}, "in which nothing varies; expected at least two values"),
        ({"train.epochs": []}, "in which nothing varies"),
        ({"train.epochs": {"from": 5, "to": 5}}, "in which nothing varies; expected 'to' above"),
        ({"train.epochs": [5, 5]}, "lists 5 twice"),
        ({"train.epochs": [5, 5.0]}, "varies nothing: 5 and 5.0 give the same settings"),
        ({"train.epochs": {"from": 9, "to": 5}}, "goes from 9 to 5; expected 'to' above 'from'"),
        ({"train.epochs": {"from": 5}}, "'space.train.epochs.to' is missing"),
        ({"train.epochs": {"from": "5", "to": 9}}, "from' was given '5'; expected a number"),
        ({"train.epochs": {"from": True, "to": 9}}, "from' was given True; expected a number"),
        ({"train.warmup": {"from": 0.0, "to": float("nan")}}, "was given nan; expected a number"),
        ({"train.epochs": {"from": 1, "to": 9, "steps": 2}}, "Did you mean 'step'?"),
        ({"train.epochs": {"from": 1, "to": 9, "step": 0}}, "expected a number above 0"),
        ({"train.epochs": {"from": 1, "to": 9, "step": 3}}, "write to = 7 or to = 10"),
        ({"train.epochs": {"from": 1, "to": 9, "step": 20}}, "write step = 8 or to = 21"),
        ({"model.dropout": {"from": 0.0, "to": 0.5, "step": 0.2}}, "write to = 0.4 or to = 0.6"),
        ({"train.epochs": {"choices": [1, 2], "step": 1}}, "It does not go with choices"),
        ({"train.learning_rate": {**RATE, "scale": "logg"}}, "expected 'linear' or 'log'. Did you"),
        ({"train.learning_rate": {**RATE, "scale": 3}}, "scale' was given 3"),
        ({"train.warmup": {"from": 0, "to": 0.5, "scale": "log"}}, "never reaches 0"),
        ({"train.learning_rate": {**RATE, "step": 1e-3}}, "expected one of them. Leave the step"),
        ({"train.optimizer": [{"a": 1}, {"b": 1}]}, "expected a list of numbers, texts"),
        ({"train.seed": [1, 2]}, "'space.train.seed' cannot vary: all trials share one seed"),
        ({"name": ["a", "b"]}, "'space.name' cannot vary"),
        ({"data.val": [0.1, 0.2]}, "all trials must see the same rows"),
        ({"data": {"limit": [10, 20]}}, "all trials must see the same rows"),
        ({"data.image_size": [32, 64]}, "data.image_size has no effect on texts"),
        ({"model.recipe": ["bilstm", "textcnn"]}, "search one recipe at a time"),
        ({"train.tensorboard": [True, False]}, "it does not change the network"),
        ({"train.momentum": MOMENTUM}, "train.optimizer is 'adam'"),
        ({"train.momentum": MOMENTUM, **SGD}, 'as in when = { "train.optimizer" = "sgd" }'),
        (
            {"train.momentum": {**MOMENTUM, "when": {"train.optimiser": "sgd"}}, **SGD},
            "not another dimension of the space. Did you mean 'train.optimizer'?",
        ),
        (
            {"train.momentum": {**MOMENTUM, "when": {"train.optimizer": "sdg"}}, **SGD},
            'is \'sdg\', which it never is; expected one of "adam", "sgd"',
        ),
        ({"train.momentum": {**MOMENTUM, "when": "sgd"}, **SGD}, "expected another dimension with"),
        (
            {
                "model.cell": {"choices": ["lstm", "gru"], "when": {"model.pooling": "last"}},
                "model.pooling": {"choices": ["last", "max"], "when": {"model.cell": "gru"}},
            },
            "are conditions of each other",
        ),
        (
            {
                "train.learning_rate": RATE,
                "model.pooling": {
                    "choices": ["last", "max"],
                    "when": {"train.learning_rate": 1e-3},
                },
            },
            "takes any number of a range",
        ),
    ],
)
def test_what_is_refused(table: dict[str, Any], message: str) -> None:
    assert message in refuse(table)


def test_steps_of_a_solved_recipe_vary_nothing() -> None:
    message = refuse({"train.learning_rate": RATE}, "text-fast")
    assert "train.learning_rate has no effect: recipe 'text-fast' is solved" in message
    when = {"model.fit": "steps"}
    table = {
        "model.fit": ["steps", "solver"],
        "train.learning_rate": {**RATE, "when": when},
    }
    assert len(read_space(table, base("text-fast"))) == 2


def test_the_options_of_a_function_are_integers_if_they_look_so() -> None:
    table = {"model": {"options": {"units": {"from": 1, "to": 4}, "rate": {"from": 0.0, "to": 1}}}}
    space = read_space(table, base("my_models:build"))
    assert [(one.key, one.kind) for one in space] == [
        ("model.options.units", "int"),
        ("model.options.rate", "float"),
    ]


@pytest.mark.parametrize("recipe", recipe_names())
def test_every_recipe_brings_a_space_along(recipe: str) -> None:
    space = read_space(default_space(recipe), base(recipe))
    assert 3 <= len(space) <= 6
    for dimension in space:
        for value in dimension.ends:
            parents = {key: wanted[0] for key, wanted in dimension.conditions}
            tables = config_tables(base(recipe), {**parents, dimension.key: value})
            assert resolve_config(None, tables).recipe == recipe


def test_a_function_brings_no_space_along() -> None:
    with pytest.raises(
        ConfigError, match=r"'a:b' brings no search space along; expected one of bi"
    ):
        default_space("a:b")


def test_points_of_a_space_with_conditions() -> None:
    space = (
        *SMALL,
        Dimension("model.x", "int", 1, 5, 1, conditions=(("model.cell", ("gru",)),)),
    )
    found = list(points(space))
    assert len(found) == count_points(space) == 3 * (1 + 5)
    assert len({point_text(point) for point in found}) == 18
    assert all(contains(space, point) for point in found)
    assert not contains(space, {"model.embedding": 1, "model.cell": "gru"})
    assert not contains(space, {"model.embedding": 1, "model.cell": "lstm", "model.x": 1})
    assert not contains(space, {"model.embedding": 4, "model.cell": "lstm"})
    assert count_points(MIXED) is None


@settings(max_examples=100, deadline=None)
@given(ranges(), st.floats(0, 1))
def test_every_share_of_a_range_is_one_of_its_values(entry: dict[str, Any], share: float) -> None:
    dimension, _ = read_dimension("model.options.x", entry)
    value = dimension.at_share(share)
    assert dimension.low <= value <= dimension.high
    assert contains((dimension,), {dimension.key: value})
    assert dimension.at_share(dimension.share(value)) == pytest.approx(value)
    assert dimension.at_share(0) == entry["from"] and dimension.at_share(1) == entry["to"]
    if dimension.size is not None:
        assert value in list(dimension.values())
