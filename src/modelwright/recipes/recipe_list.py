"""Reports on recipes: the settings of each one, and its measured accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelwright.core.blocks import Block, Facts, Note, Table
from modelwright.core.config import setting
from modelwright.core.report import Report
from modelwright.core.terminal import percent
from modelwright.models import builders
from modelwright.recipes.measured_score import MeasuredScore
from modelwright.recipes.recipe import Recipe, read_recipe, recipe_names

_UNMEASURED = "—"
_INTERVAL = """accuracy: on the test rows
95 %: over the seeds, by Student's t; with one seed over the test rows, by Wilson's score"""


@dataclass(frozen=True)
class RecipeReport(Report):
    """One recipe with all its settings and measured scores."""

    recipe: Recipe

    def to_dict(self) -> dict[str, Any]:
        """Returns the recipe as JSON can hold it; accuracies are from 0 to 1."""
        recipe = self.recipe
        return {
            "name": recipe.name,
            "summary": recipe.summary,
            "builder": recipe.builder,
            "task": builders.find_builder(recipe.builder).task,
            **({"data": recipe.data} if recipe.data else {}),
            "model": recipe.model,
            "train": recipe.train,
            **({"space": recipe.space} if recipe.space else {}),
            "measured": [entry.model_dump() for entry in recipe.measured],
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the settings, then what a search varies, then each measured score."""
        recipe = self.recipe
        rows = [
            ("what it is", recipe.summary),
            ("network", recipe.builder),
            ("task", _task(recipe)),
        ]
        rows += [
            (f"{table}.{key}", setting(value))
            for table, values in (
                ("data", recipe.data),
                ("model", recipe.model),
                ("train", recipe.train),
            )
            for key, value in values.items()
        ]
        searched = [(key, _values(entry)) for key, entry in recipe.space.items()]
        scores: list[Block] = [_score_facts(score) for score in recipe.measured]
        return [
            Facts(recipe.name, rows),
            *([Facts("what modelwright tune varies", searched)] if searched else []),
            *(scores or [Note("not measured yet")]),
        ]


@dataclass(frozen=True)
class RecipesReport(Report):
    """All recipes with their measured scores, one score per row."""

    recipes: tuple[Recipe, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns all recipes as JSON can hold them."""
        return {"recipes": [RecipeReport(recipe).to_dict() for recipe in self.recipes]}

    def blocks(self) -> Sequence[Block]:
        """Returns the table of scores and its legend."""
        headers = ("recipe", "task", "data", "accuracy", "95 %", "seeds", "minutes", "note")
        notes = list(
            dict.fromkeys(_note(score) for recipe in self.recipes for score in recipe.measured)
        )
        rows: list[tuple[str, ...]] = []
        for recipe in self.recipes:
            start = (recipe.name, _task(recipe))
            if not recipe.measured:
                rows.append((*start, *[_UNMEASURED] * 6))
            for score in recipe.measured:
                cells = (percent(score.accuracy), score.describe_interval(), _seeds(score))
                number = str(notes.index(_note(score)) + 1)
                rows.append((*start, score.data, *cells, f"{score.minutes:g}", number))
        legend = [f"note {number}: {note}" for number, note in enumerate(notes, 1)]
        return [Table(headers, rows), Note("\n".join([_INTERVAL, *legend]))]


def list_recipes() -> RecipesReport:
    """Returns the recipes of the package."""
    return RecipesReport(tuple(read_recipe(name) for name in recipe_names()))


def show_recipe(name: str) -> RecipeReport:
    """Returns one recipe with all its settings.

    Raises:
        ConfigError: there is no recipe of that name.
    """
    return RecipeReport(read_recipe(name))


def _values(entry: Any) -> str:
    """Returns an entry of ``[space]`` as it stands in a file."""
    if not isinstance(entry, Mapping):
        return setting(entry)
    keys = (f"{key} = {_values(value)}" for key, value in entry.items())
    return f"{{ {', '.join(keys)} }}"


def _score_facts(score: MeasuredScore) -> Facts:
    interval = {"seeds": "over the seeds", "rows": "Wilson's, over the test rows"}[score.interval]
    rows = [
        (score.metric, percent(score.accuracy)),
        ("95 %", f"{score.describe_interval()}, {interval}"),
        ("rows", f"{score.rows:,}"),
        ("seeds", _seeds(score)),
        ("minutes of training", f"{score.minutes:g}"),
        ("machine", score.machine),
    ]
    if score.settings:
        settings = " ".join(f"{key}={setting(value)}" for key, value in score.settings.items())
        rows.append(("set", settings))
    if score.note:
        rows.append(("note", score.note))
    if score.study:
        rows.append(("study", f"{score.study}, {score.variant}"))
    return Facts(f"measured on {score.data}", rows)


def _task(recipe: Recipe) -> str:
    task = builders.find_builder(recipe.builder).task
    return {"image": "images", "text": "texts", None: "both"}[task]


def _seeds(score: MeasuredScore) -> str:
    return ", ".join(map(str, score.seeds))


def _note(score: MeasuredScore) -> str:
    changes = score.describe_changes()
    return f"{score.machine}; with {changes}" if changes else score.machine
