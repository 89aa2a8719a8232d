"""The names of the recipes of the package. Loads nothing heavy, for the completion of a shell."""

from __future__ import annotations

from importlib import resources


def recipe_names() -> list[str]:
    """Returns the names of the recipes, sorted."""
    files = resources.files("modelwright.recipes").iterdir()
    return sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml"))
