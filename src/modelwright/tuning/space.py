"""Reads the table ``[space]`` of a search and checks all of it before any training.

    [space]
    "model.embedding" = { from = 64, to = 256, step = 64 }
    "model.cell" = ["lstm", "gru"]
    "model.units" = { choices = [[32], [64, 32], [128, 64]] }
    "train.learning_rate" = { from = 1e-4, to = 1e-2, scale = "log" }
    "train.optimizer" = ["adam", "sgd"]
    "train.momentum" = { from = 0.8, to = 0.99, when = { "train.optimizer" = "sgd" } }

A list is a choice. Numbers from ``from`` to ``to``, both included, are integers if both are and the
setting takes no fractions. ``when`` names other dimensions, each with a value or several, with
which alone a dimension has an effect. Loads no framework.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.recipes.recipe import read_recipe, recipe_names
from modelwright.recipes.resolve import ConfigLayer, flatten_settings, merge_tables, nest_setting
from modelwright.tuning.dimension import Condition, Dimension, Space, Values, value_text
from modelwright.tuning.dimension_file import read_dimension
from modelwright.tuning.space_checks import check_configs, check_key, takes_fractions

_TABLES = ("data", "model", "train", "model.options")


def read_space(table: Mapping[str, Any], base: ConfigLayer) -> Space:
    """Returns the dimensions of a search, checked.

    Args:
        table: the content of ``[space]``. Keys may be dotted, nested or both.
        base: the tables of the config that all trials share: ``[data]`` with a source, ``[model]``
            with a recipe, ``[train]``.

    Raises:
        ConfigError: names the key, what was given and what is expected.
    """
    specs = dict(_entries(table))
    if not specs:
        raise ConfigError(
            "the space is empty; expected at least one setting that varies, as in"
            ' "train.learning_rate" = { from = 1e-4, to = 1e-2, scale = "log" }.'
        )
    for key in specs:
        check_key(key)
    read = {key: read_dimension(key, spec) for key, spec in specs.items()}
    dimensions = {key: dimension for key, (dimension, _) in read.items()}
    space = _ordered(
        {
            key: replace(dimension, conditions=tuple(_conditions(key, when, dimensions)))
            for key, (dimension, when) in read.items()
        }
    )
    integers = [one for one in space if one.kind == "int" and one.step in (None, 1)]
    loose = {
        one.key for one in integers if "step" not in specs[one.key] and takes_fractions(one, base)
    }
    space = tuple(_without_steps(one) if one.key in loose else one for one in space)
    check_configs(space, base)
    return space


def default_space(recipe: str) -> dict[str, Any]:
    """Returns the table ``[space]`` that a recipe brings along.

    Raises:
        ConfigError: the recipe has none.
    """
    found = read_recipe(recipe).space
    if not found:
        names = ", ".join(name for name in recipe_names() if read_recipe(name).space)
        raise ConfigError(
            f"the recipe '{recipe}' brings no search space along; expected one of {names}, a"
            " function build_model(hp), or a search file with a table [space] that lists the"
            " settings to vary."
        )
    return found


def settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the dotted settings of a point, as ``--set`` and a study's variants take them."""
    return dict(values)


def config_tables(base: ConfigLayer, values: Values) -> dict[str, Any]:
    """Returns the tables of a trial's config: those of all trials with a point's settings."""
    return merge_tables(base, *(nest_setting(key, one) for key, one in settings(values).items()))


def _without_steps(integers: Dimension) -> Dimension:
    """Returns a dimension that takes all numbers between two integers."""
    low, high = float(integers.low), float(integers.high)
    return replace(integers, kind="float", low=low, high=high, step=None)


def _entries(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yields each dotted key with what is given for it."""
    for name, value in table.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping) and key in _TABLES:
            yield from _entries(value, f"{key}.")
        else:
            yield key, value


def _conditions(
    key: str, when: Mapping[str, Any], dimensions: Mapping[str, Dimension]
) -> Iterator[Condition]:
    """Yields the conditions of a dimension, checked against the others."""
    for parent, wanted in flatten_settings(when):
        if parent not in dimensions or parent == key:
            others = [name for name in dimensions if name != key]
            raise ConfigError(
                f"'space.{key}' is for when '{parent}' has a value, which is not another dimension"
                f" of the space.{nearest(parent, others)} Others: {', '.join(others) or 'none'}."
            )
        known = dimensions[parent]
        if known.size is None or known.size > 1000:
            raise ConfigError(
                f"'space.{key}' is for when '{parent}' is {wanted!r}, but '{parent}' takes any"
                " number of a range; expected a dimension with choices or few steps."
            )
        texts = {value_text(value): value for value in known.values()}
        # A list may be one value, such as units, or several values.
        several = isinstance(wanted, list) and value_text(wanted) not in texts
        values = wanted if several else [wanted]
        for value in values:
            if value_text(value) not in texts:
                shown = ", ".join(list(texts)[:20])
                raise ConfigError(
                    f"'space.{key}' is for when '{parent}' is {value!r}, which it never is;"
                    f" expected one of {shown}."
                )
        if not values:
            raise ConfigError(f"'space.{key}' is for when '{parent}' is []; expected a value.")
        yield parent, tuple(values)


def _ordered(dimensions: Mapping[str, Dimension]) -> Space:
    """Returns the dimensions in the order of the file, each after those of its conditions."""
    left, done = dict(dimensions), dict[str, Dimension]()
    while left:
        free = [
            key
            for key, dimension in left.items()
            if all(parent in done for parent, _ in dimension.conditions)
        ]
        if not free:
            raise ConfigError(
                f"in the space, {', '.join(left)} are conditions of each other; expected one that"
                " has an effect whatever the others are."
            )
        done[free[0]] = left.pop(free[0])
    return tuple(done.values())
