"""The recipes of the package, and a reader for one of them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.plugins import plugin_names
from modelwright.models.builders import PLUGINS
from modelwright.recipes.measured_score import MeasuredScore, check_measured_score
from modelwright.recipes.names import recipe_names as recipe_names

_TABLES = ("data", "model", "train")


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


def is_recipe_file(name: str) -> bool:
    """Returns whether a recipe is named by the path of its TOML file."""
    return name.lower().endswith(".toml")


def read_recipe_file(name: str) -> dict[str, Any]:
    """Returns the tables of a recipe file: those of a config, with the recipe that it changes.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or names no recipe to change.
    """
    path = Path(name)
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"there is no recipe file {path}; expected one that modelwright tune wrote, such as"
            f" tunings/NAME/best.toml, or the name of a recipe: {', '.join(recipe_names())}."
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"the recipe file {path} cannot be read: {error}.") from None
    for key, value in tables.items():
        if key not in _TABLES or not isinstance(value, dict):
            raise ConfigError(
                f"{path} has '{key}' at its top; expected the tables of a config,"
                f" {', '.join(_TABLES)}."
            )
    recipe = tables.get("model", {}).get("recipe")
    if not isinstance(recipe, str) or is_recipe_file(recipe):
        given = "nothing" if recipe is None else repr(recipe)
        raise ConfigError(
            f"{path} has {given} as [model] recipe; expected the recipe that it changes, one of"
            f" {', '.join(recipe_names())}, or a function as package.module:function."
        )
    return tables


def read_recipe(name: str) -> Recipe:
    """Returns the recipe of a name, of a file, or for a function ``package.module:function``.

    The recipe of a file has the name of the recipe that it changes, so that what is trained with it
    does not depend on the file.

    Raises:
        ConfigError: there is no recipe of that name, or the file cannot be used.
    """
    if is_recipe_file(name):
        tables = read_recipe_file(name)
        base, model = read_recipe(tables["model"]["recipe"]), dict(tables["model"])
        del model["recipe"]
        return replace(
            base,
            data={**base.data, **tables.get("data", {})},
            model={**base.model, **model},
            train={**base.train, **tables.get("train", {})},
            measured=(),
        )
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
