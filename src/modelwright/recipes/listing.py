"""What recipes there are: what each sets, and what it was measured to score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelwright.core.config import setting
from modelwright.core.terminal import percent, table
from modelwright.models.builders import find_builder
from modelwright.recipes import recipe as recipes
from modelwright.recipes.measured import Measured
from modelwright.recipes.recipe import Recipe

_UNMEASURED = "—"
_INTERVAL = """accuracy: on the test rows
95 %: over the seeds, by Student's t; with one seed over the test rows, by Wilson's score"""


@dataclass(frozen=True)
class RecipeReport:
    """One recipe, whole."""

    recipe: Recipe

    def to_dict(self) -> dict[str, Any]:
        """For a machine; accuracies from 0 to 1."""
        recipe = self.recipe
        return {
            "name": recipe.name,
            "summary": recipe.summary,
            "builder": recipe.builder,
            "task": find_builder(recipe.builder).task,
            "model": recipe.model,
            "train": recipe.train,
            "measured": [entry.model_dump() for entry in recipe.measured],
        }

    def render(self) -> str:
        """For a person."""
        recipe = self.recipe
        rows = [
            ("what it is", recipe.summary),
            ("network", recipe.builder),
            ("task", _task(recipe)),
        ]
        rows += [
            (f"{name}.{key}", setting(value))
            for name, values in (("model", recipe.model), ("train", recipe.train))
            for key, value in values.items()
        ]
        parts = [table((recipe.name, ""), rows)]
        for entry in recipe.measured:
            about = [
                (entry.metric, percent(entry.accuracy)),
                ("95 %", f"{entry.between()}, {_over(entry)}"),
                ("rows", f"{entry.rows:,}"),
                ("seeds", _seeds(entry)),
                ("minutes of training", f"{entry.minutes:g}"),
                ("machine", entry.machine),
            ]
            if entry.settings:
                about.append(
                    ("set", " ".join(f"{k}={setting(v)}" for k, v in entry.settings.items()))
                )
            if entry.note:
                about.append(("note", entry.note))
            if entry.study:
                about.append(("study", f"{entry.study}, {entry.variant}"))
            parts.append(table((f"measured on {entry.data}", ""), about))
        return "\n\n".join(parts if recipe.measured else [*parts, "not measured yet"])


@dataclass(frozen=True)
class RecipesReport:
    """Every recipe, with its measured figures beside each other."""

    recipes: tuple[Recipe, ...]

    def to_dict(self) -> dict[str, Any]:
        """For a machine."""
        return {"recipes": [RecipeReport(recipe).to_dict() for recipe in self.recipes]}

    def render(self) -> str:
        """For a person."""
        headers = ("recipe", "task", "data", "accuracy", "95 %", "seeds", "minutes", "note")
        notes = list(
            dict.fromkeys(_note(entry) for recipe in self.recipes for entry in recipe.measured)
        )
        rows: list[tuple[str, ...]] = []
        for recipe in self.recipes:
            start = (recipe.name, _task(recipe))
            if not recipe.measured:
                rows.append((*start, *[_UNMEASURED] * 6))
            for entry in recipe.measured:
                figures = (percent(entry.accuracy), entry.between(), _seeds(entry))
                number = str(notes.index(_note(entry)) + 1)
                rows.append((*start, entry.data, *figures, f"{entry.minutes:g}", number))
        legend = [f"note {number}: {note}" for number, note in enumerate(notes, 1)]
        return "\n".join([table(headers, rows), "", _INTERVAL, *legend])


def list_recipes() -> RecipesReport:
    """The recipes that come with the package."""
    return RecipesReport(tuple(recipes.read(name) for name in recipes.names()))


def show_recipe(name: str) -> RecipeReport:
    """One of them, whole.

    Raises:
        ConfigError: there is none of that name.
    """
    return RecipeReport(recipes.read(name))


def _task(recipe: Recipe) -> str:
    task = find_builder(recipe.builder).task
    return {"image": "pictures", "text": "texts", None: "both"}[task]


def _over(entry: Measured) -> str:
    return {"seeds": "over the seeds", "rows": "Wilson's, over the test rows"}[entry.interval]


def _seeds(entry: Measured) -> str:
    return ", ".join(map(str, entry.seeds))


def _note(entry: Measured) -> str:
    return f"{entry.machine}; with {entry.changed()}" if entry.changed() else entry.machine
