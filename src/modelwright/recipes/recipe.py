"""The recipes of the package, and a reader for one of them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.plugins import plugin_names
from modelwright.models.builders import PLUGINS
from modelwright.recipes.measured_score import MeasuredScore, check_measured_score
from modelwright.recipes.names import recipe_names as recipe_names


@dataclass(frozen=True)
class Recipe:
    """A builder and its settings. A setting that is not here has the default of the builder.

    ``space`` is the table ``[space]`` of a search that the recipe brings along.
    """

    name: str
    summary: str
    builder: str
    data: dict[str, Any] = field(default_factory=dict)
    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    space: dict[str, Any] = field(default_factory=dict)
    measured: tuple[MeasuredScore, ...] = ()


def read_recipe(name: str) -> Recipe:
    """Returns the recipe of a name, or the one for a function ``package.module:function``.

    Raises:
        ConfigError: there is no recipe of that name.
    """
    if ":" in name:
        return Recipe(name, "a model function of your own", "custom", model={"function": name})
    names = recipe_names()
    if name not in names and name in plugin_names(PLUGINS):
        return Recipe(name, "a builder of another package", name)
    if name not in names:
        raise ConfigError(
            f"unknown recipe '{name}'.{nearest(name, names)} Known here: {', '.join(names)},"
            " or a function of your own as package.module:function."
        )
    text = (resources.files("modelwright.recipes") / f"{name}.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    scores = tuple(check_measured_score(entry, name) for entry in tables.pop("measured", ()))
    return Recipe(name, **tables, measured=scores)
