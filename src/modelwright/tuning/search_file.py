"""Reads a search's file and checks all of it before any training.

    name = "reviews"

    [base.data]
    source = "reviews.csv"
    [base.model]
    recipe = "bilstm"

    [space]
    "model.cell" = ["lstm", "gru"]
    "train.learning_rate" = { from = 1e-4, to = 1e-2, scale = "log" }

    [search]
    objective = "val_accuracy"
    trials = 30

Without ``[space]`` it is the one that the recipe brings along. Loads no framework.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from modelwright.core.backend import load_keras
from modelwright.core.config import DataConfig, Table, check_table
from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest
from modelwright.core.types import Progress
from modelwright.data.dispatch import read_sources
from modelwright.recipes.choose import choose_recipe
from modelwright.recipes.resolve import (
    check_table_names,
    flatten_settings,
    merge_tables,
    nest_setting,
    parse_set,
    read_toml,
    resolve_config,
    with_recipe_file,
)
from modelwright.recipes.source_paths import resolve_source_paths
from modelwright.tuning.keras_tuner_space import function_space
from modelwright.tuning.pruners.registry import default_pruner, pruner_names, takes_factor
from modelwright.tuning.samplers.registry import sampler_names
from modelwright.tuning.search_folder import PLAN
from modelwright.tuning.search_plan import SearchPlan
from modelwright.tuning.search_settings import SearchSettings
from modelwright.tuning.space import default_space, read_space

_VAL = 0.1
"""Share of the training rows that a search holds out if its recipe holds out none."""


_TABLES_OF_THE_BASE = ("data", "model", "train")
"""Tables that a file for ``modelwright train`` has at its top."""


class SearchFile(Table):
    """The top level of a search's file."""

    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$", max_length=64)] | None = None
    """Name of the search and of its folder, tunings/NAME; that of the file by default."""
    base: dict[str, Any] = Field(default_factory=dict)
    """Config that all trials start from."""
    space: dict[str, Any] | None = None
    """What the search varies; by default the space of the recipe."""
    search: dict[str, Any] = Field(default_factory=dict)
    """Objective, budget and method."""


def read_search_plan(
    search: Path | str | Mapping[str, Any],
    sets: Sequence[str] = (),
    budget: Mapping[str, Any] | None = None,
) -> SearchPlan:
    """Reads a search from its file, from its folder or from a mapping, and checks all of it.

    Args:
        search: the file, the folder or the mapping.
        sets: texts ``table.key=value``, over the base.
        budget: keys of ``[search]``, over those of the file.

    Raises:
        ConfigError: names the key, what was given and what is expected.
    """
    file = None if isinstance(search, Mapping) else _search_file(Path(search))
    content = read_toml(file, "search") if file else search
    if not isinstance(content, Mapping):
        raise ConfigError(f"the search was given as {search!r}; expected a file or a mapping.")
    for name in _TABLES_OF_THE_BASE:
        if name in content:
            raise ConfigError(
                f"unknown key '{name}' at the search's top. Did you mean 'base.{name}'? The"
                " config that all trials share stands in [base.data], [base.model] and"
                " [base.train]."
            )
    top = check_table(SearchFile, content, "")
    settings = check_table(SearchSettings, {**top.search, **(budget or {})}, "search")
    base = _base_tables(top.base)
    base = resolve_source_paths(file, base) if file else base
    base = with_recipe_file(_base_tables(merge_tables(base, *map(parse_set, sets))))
    plan = _checked_plan(top.name or _usual_name(file, base), base, top.space, settings)
    return _refuse_varied_settings(plan, sets)


def plan_for_data(
    tables: Mapping[str, Any],
    sets: Sequence[str] = (),
    search: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> SearchPlan:
    """Returns the plan of a search in the space that a recipe brings along.

    Args:
        tables: ``[data]`` with a source, ``[model]`` with a recipe or without. Without one, the
            recipe is chosen for the data.
        sets: texts ``table.key=value``.
        search: the table ``[search]``.
        progress: called while the data is read.

    Raises:
        ConfigError: a setting cannot be used, or the recipe brings no space along.
        DataError: no recipe is given, and the data cannot be read.
    """
    settings = check_table(SearchSettings, search or {}, "search")
    base = with_recipe_file(_base_tables(merge_tables(tables, *map(parse_set, sets))))
    model, notes = dict(base.get("model", {})), []
    if "recipe" not in model:
        data = check_table(DataConfig, base.get("data", {}), "data")
        if not data.source:
            raise ConfigError(
                "no data given; expected a path or a named set, as in 'modelwright tune"
                " reviews.csv', or a search file."
            )
        choice = choose_recipe(read_sources(data, progress), data, model, progress)
        base, notes = merge_tables(base, {"model": {"recipe": choice.name}}), [choice.reason]
    plan = _checked_plan(_usual_name(None, base), base, None, settings, notes)
    return _refuse_varied_settings(plan, sets)


def _checked_plan(
    name: str,
    base: dict[str, Any],
    space: Mapping[str, Any] | None,
    search: SearchSettings,
    notes: Sequence[str] = (),
) -> SearchPlan:
    recipe = base.get("model", {}).get("recipe")
    if space is None and isinstance(recipe, str) and ":" in recipe:
        space, base, more = _space_of_function(recipe, base)
        notes = (*notes, *more)
    try:
        config = resolve_config(options={**base, "name": name})
        if config.data.val == 0 and "val" not in base.get("data", {}):
            base = merge_tables(base, {"data": {"val": _VAL}})
            config = resolve_config(options={**base, "name": name})
            notes = [*notes, _val_note(config.recipe)]
    except ConfigError as error:
        raise ConfigError(f"base: {error}") from None
    if "pruner" not in search.model_fields_set:
        search = search.model_copy(update={"pruner": default_pruner(search.sampler)})
    _check_name("sampler", search.sampler, sampler_names())
    _check_name("pruner", search.pruner, pruner_names())
    _check_factor(search)
    if space is None:
        space = default_space(base["model"]["recipe"])
    return SearchPlan(
        name=name,
        base=base,
        config=config,
        dimensions=read_space(space, base),
        search=search,
        notes=tuple(notes),
    )


def _refuse_varied_settings(plan: SearchPlan, sets: Sequence[str]) -> SearchPlan:
    """Returns the plan, unless a setting was given that no trial would use."""
    given = {key for text in sets for key, _ in flatten_settings(parse_set(text))}
    for dimension in plan.dimensions:
        if dimension.key in given:
            raise ConfigError(
                f"'{dimension.key}' was given with --set, but the space varies it, so no trial"
                " would use that value. Leave it out, or use a search file with a table [space]"
                f" that lists the settings to vary, without '{dimension.key}'."
            )
    return plan


def _val_note(recipe: str) -> str:
    return (
        f"the recipe {recipe} trains on all rows, but a search chooses on validation rows. So"
        f" data.val={_VAL:g} holds out a share of the training rows, unless the source has such"
        " rows. Set data.val to hold out another share; to train on all rows in the end, add"
        " --set data.val=0 to modelwright train."
    )


def _space_of_function(
    path: str, base: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Any], tuple[str, ...]]:
    """Returns the space of a user's function, the base with the settings that it says, and notes.

    Raises:
        ConfigError: the function takes no hyperparameters, or its space cannot be searched.
    """
    load_keras()
    found = function_space(path)
    if found is None:
        raise ConfigError(
            f"the function '{path}' takes no hyperparameters, so it brings no search space along;"
            " expected a function build_model(hp), or a search file with a table [space]."
        )
    below = merge_tables({}, *(nest_setting(key, one) for key, one in found.settings.items()))
    return found.table, merge_tables(below, base), found.notes


def _check_name(key: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise ConfigError(
            f"'search.{key}' was given '{name}'.{nearest(name, known)} Expected one of"
            f" {', '.join(known)}."
        )


def _check_factor(search: SearchSettings) -> None:
    """Refuses a factor that the pruner would ignore."""
    if search.factor is not None and not takes_factor(search.pruner):
        raise ConfigError(
            f"'search.factor' was given {search.factor}, which has no effect with the pruner"
            f" '{search.pruner}'; leave it out, or use the pruner asha or hyperband."
        )


def _search_file(path: Path) -> Path:
    """Returns the file of a search, which a folder of one holds."""
    inside = path / PLAN
    return inside if path.is_dir() and inside.is_file() else path


def _base_tables(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the tables of the base. Keys may be dotted, nested or both."""
    try:
        merged = merge_tables({}, *(nest_setting(key, value) for key, value in settings.items()))
        check_table_names(merged)
    except ConfigError as error:
        raise ConfigError(f"base: {error}") from None
    if "name" in merged:
        raise ConfigError("'base' sets name; expected 'name' at the search's top.")
    return {key: value for key, value in merged.items() if value}


def _usual_name(file: Path | None, base: Mapping[str, Any]) -> str:
    """Returns the name of a search without one: that of its file, its folder or its data."""
    if file is not None:
        path = file.resolve()
        stem = path.parent.name if path.name == PLAN and path.parent.name else path.stem
    else:
        source = base.get("data", {}).get("source", "")
        first = source if isinstance(source, str) else next(iter(source), "")
        stem = Path(str(first)).resolve().stem
    return re.sub(r"[^\w.-]+", "-", stem).strip("-.")[:40] or "search"
