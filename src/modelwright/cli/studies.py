"""``modelwright recipes``: what scored, and what was measured."""

from __future__ import annotations

from typing import Optional

import typer

import modelwright
from modelwright.cli.output import Json, emit


def recipes(
    name: Optional[str] = typer.Argument(None, help="Show this one whole."),  # noqa: UP045
    as_json: bool = Json,
) -> None:
    """List the recipes with their measured scores, or show one whole."""
    emit(modelwright.show_recipe(name) if name else modelwright.list_recipes(), as_json=as_json)
