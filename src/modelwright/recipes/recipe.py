"""The recipes that come with the package, and reading one."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.plugins import plugin_names
from modelwright.models.builders import PLUGINS
from modelwright.recipes import measured
from modelwright.recipes.measured import Measured


@dataclass(frozen=True)
class Recipe:
    """A builder with the settings it comes with; what is not set has its own default."""

    name: str
    summary: str
    builder: str
    model: dict[str, Any] = field(default_factory=dict)
    train: dict[str, Any] = field(default_factory=dict)
    measured: tuple[Measured, ...] = ()


def names() -> list[str]:
    """The recipes there are."""
    files = resources.files("modelwright.recipes").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))


def read(name: str) -> Recipe:
    """The recipe of that name, or of a function ``package.module:function``.

    Raises:
        ConfigError: there is none.
    """
    if ":" in name:
        return Recipe(name, "a model function of your own", "custom", {"function": name})
    if name not in names() and name in plugin_names(PLUGINS):
        return Recipe(name, "a builder of another package", name)
    if name not in names():
        raise ConfigError(
            f"unknown recipe '{name}'.{nearest(name, names())} Known here: {', '.join(names())},"
            " or a function of your own as package.module:function."
        )
    text = (resources.files("modelwright.recipes") / f"{name}.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    figures = tuple(measured.read(entry, name) for entry in tables.pop("measured", ()))
    return Recipe(name, **tables, measured=figures)
