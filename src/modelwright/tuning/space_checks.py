"""Checks a space against a recipe: each end and each choice must give a config of its own.

Each value is tried by resolving a config with it, together with each value of each other dimension,
because some settings have an effect only beside others. Nothing is trained.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelwright.core.config import Config, setting
from modelwright.core.errors import ConfigError
from modelwright.models.builders import find_builder
from modelwright.recipes.resolve import (
    ConfigLayer,
    merge_tables,
    nest_setting,
    note_unused_steps,
    resolve_config,
)
from modelwright.tuning.dimension import Dimension, Space, Values, value_text

_MOST_PAIRS = 4000
_CUSTOM = "model.options."
"""The options of a user's function, whose bounds nobody knows."""
_SAME_ROWS = ("data.image_size", "data.auto_side")
"""Keys of ``[data]`` that change no row."""
_SET_BY_THE_SEARCH = {
    "name": "the search names its trials",
    "train.seed": "all trials share one seed, so that they differ in nothing else",
    "model.recipe": "each recipe has settings of its own; search one recipe at a time, and compare"
    " the best of each with 'modelwright compare'",
    "train.tensorboard": "it does not change the network",
    "train.histograms": "it does not change the network",
}


def check_key(key: str) -> None:
    """Checks that a setting is one that a search may vary.

    Raises:
        ConfigError: there is no such table, or a search does not vary the setting.
    """
    reason = _SET_BY_THE_SEARCH.get(key)
    if key.startswith("data.") and key not in _SAME_ROWS:
        reason = "all trials must see the same rows, or their figures could not be compared"
    if reason is None:
        try:
            nest_setting(key, 0)
        except ConfigError as error:
            raise ConfigError(f"space: {error}") from None
        return
    raise ConfigError(
        f"'space.{key}' cannot vary: {reason}. Take it out of the space; settings of"
        " [model] and [train] can vary, and data.image_size and data.auto_side."
    )


def takes_fractions(dimension: Dimension, base: ConfigLayer) -> bool:
    """Returns whether a setting whose ends are integers takes the numbers between them too."""
    if dimension.key.startswith(_CUSTOM):
        return False
    between = dimension.low + (dimension.high - dimension.low) * 0.375 + 0.03125
    parents = {key: wanted[0] for key, wanted in dimension.conditions}
    try:
        _resolve(base, {**parents, dimension.key: between})
    except ConfigError:
        return False
    return True


def check_configs(space: Space, base: ConfigLayer) -> None:
    """Checks that the ends and choices give configs, and that no two of a dimension give the same.

    Raises:
        ConfigError: names the setting, what was given and what is allowed.
    """
    for dimension in space:
        known: dict[str, Any] = {}
        # A setting that takes integers alone may take both ends, but not what is between.
        between = [dimension.at_share(0.382)] if dimension.kind == "float" else []
        for value in dict.fromkeys([*dimension.ends, *between]) if between else dimension.ends:
            point = _complete(space, {dimension.key: value})
            if point is None:
                raise ConfigError(
                    f"'space.{dimension.key}' never has an effect: its conditions exclude each"
                    " other; change one of them."
                )
            config = _try(base, point, (dimension.key,)).model_dump_json()
            if config in known:
                raise ConfigError(
                    f"'space.{dimension.key}' varies nothing: {known[config]!r} and {value!r} give"
                    " the same settings. Leave one of them out."
                )
            known[config] = value
    for first, second in itertools.combinations(space, 2):
        for values in _pairs(first, second, len(space)):
            point = _complete(space, values)
            if point is not None:
                _try(base, point, tuple(values))


def _pairs(first: Dimension, second: Dimension, dimensions: int) -> Iterator[Values]:
    """Yields values of two dimensions; of very many choices only the outer ones."""
    count = len(first.ends) * len(second.ends) * dimensions * (dimensions - 1) / 2
    few = slice(None) if count <= _MOST_PAIRS else slice(None, None, max(1, len(first.ends) - 1))
    other = slice(None) if count <= _MOST_PAIRS else slice(None, None, max(1, len(second.ends) - 1))
    for one, two in itertools.product(first.ends[few], second.ends[other]):
        yield {first.key: one, second.key: two}


def _complete(space: Space, fixed: Mapping[str, Any]) -> Values | None:
    """Returns a point with the fixed values, or None if these exclude each other."""
    wanted = dict(fixed)
    for dimension in reversed(space):  # children come after their parents
        for key, values in dimension.conditions if dimension.key in wanted else ():
            wanted.setdefault(key, values[0])
    point: Values = {}
    for dimension in space:
        if dimension.in_force(point):
            point[dimension.key] = wanted.get(dimension.key, dimension.ends[0])
    same = all(key in point and value_text(point[key]) == value_text(wanted[key]) for key in wanted)
    return point if same else None


def _try(base: ConfigLayer, point: Values, varied: Sequence[str]) -> Config:
    try:
        return _resolve(base, point)
    except ConfigError as error:
        tried = ", ".join(f"{key}={setting(point[key])}" for key in varied)
        hint = ""
        if "no effect" in str(error):
            hint = (
                " If another dimension decides whether a setting has an effect, say with which"
                ' value, as in when = { "train.optimizer" = "sgd" }.'
            )
        raise ConfigError(f"space, at {tried}: {error}{hint}") from None


def _resolve(base: ConfigLayer, values: Values) -> Config:
    """Returns the config of a point.

    Raises:
        ConfigError: a value is not allowed, or has no effect.
    """
    own = merge_tables({}, *(nest_setting(key, value) for key, value in values.items()))
    config = resolve_config(None, merge_tables(base, own))
    if own.get("data") and find_builder(config.model.builder).task == "text":
        raise ConfigError(
            f"{', '.join(key for key in values if key in _SAME_ROWS)} has no effect on texts; take"
            " it out of the space."
        )
    notes = note_unused_steps(config, own)
    if notes:
        raise ConfigError(f"{notes[0]}.")
    return config
