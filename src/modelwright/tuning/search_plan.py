"""The plan of a search: the settings that all trials share, the space, and the table ``[search]``.

``search_file`` reads a plan. This module trains nothing and loads no framework.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import tomli_w

from modelwright.core.config import Config, check_table
from modelwright.core.errors import RunError
from modelwright.models.builders import check_options
from modelwright.recipes.resolve import (
    flatten_settings,
    merge_tables,
    nest_setting,
    resolve_config,
)
from modelwright.trials.settings_difference import settings_difference
from modelwright.tuning.dimension import Dimension, Space
from modelwright.tuning.search_record import SearchRecord
from modelwright.tuning.search_settings import CHANGEABLE, SearchSettings

_SHOWN = 6
"""The most changes that an error names."""


@dataclass(frozen=True)
class SearchPlan:
    """A search that was read and checked.

    Attributes:
        name: its name, and that of its folder.
        base: the tables that each trial changes, as given.
        config: the whole config of the base.
        dimensions: what the search varies.
        search: the table ``[search]``.
        notes: what was decided for the user.
    """

    name: str
    base: Mapping[str, Any]
    config: Config
    dimensions: Space
    search: SearchSettings
    notes: tuple[str, ...] = field(default=(), compare=False)

    def tables(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the tables of the base with other values of some settings."""
        return merge_tables(self.base, *(nest_setting(key, value) for key, value in values.items()))

    def trial_config(self, values: Mapping[str, Any]) -> Config:
        """Returns the config of a trial.

        Raises:
            ConfigError: the values cannot be used together.
        """
        return resolve_config(options={**self.tables(values), "name": self.name})

    def to_toml(self) -> str:
        """Returns the search file that gives this plan."""
        search = self.search.model_dump(exclude_none=True, exclude_unset=True)
        space = {one.key: _space_entry(one) for one in self.dimensions}
        return tomli_w.dumps(
            {"name": self.name, "base": self.base, "space": space, "search": search}
        )


def _space_entry(dimension: Dimension) -> dict[str, Any]:
    """Returns a dimension as ``[space]`` has it, as a table, so that TOML keeps their order."""
    entry: dict[str, Any] = {"choices": list(dimension.choices)}
    if dimension.kind != "choice":
        number = int if dimension.kind == "int" else float
        entry = {"from": number(dimension.low), "to": number(dimension.high)}
        if dimension.step is not None:
            entry["step"] = number(dimension.step)
        if dimension.log:
            entry["scale"] = "log"
    if dimension.conditions:
        entry["when"] = {key: list(values) for key, values in dimension.conditions}
    return entry


def planned_epochs(config: Config) -> int:
    """Returns the most epochs that a training reports; a solution counts as one."""
    options = check_options(config.model)
    solved = bool(getattr(options, "solved", False))
    steps = not solved or getattr(options, "steps_follow", False)
    return solved + (config.train.epochs if steps else 0)


def refuse_changed_search(plan: SearchPlan, earlier: SearchRecord) -> None:
    """Checks that a search in a folder is the one that its trials were made for.

    The number of trials, the minutes, and what is kept may change.

    Raises:
        RunError: names what changed, and what to do.
    """
    before = check_table(Config, earlier.base, "base")
    if before.recipe != plan.config.recipe:
        changes = [f"recipe {before.recipe} is now {plan.config.recipe}"]
    else:
        changes = list(_changes(plan, earlier, before))
    if changes:
        more = f"; and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
        raise RunError(
            f"the search changed since the {len(earlier.records)} trials in {earlier.folder} were"
            f" made: {'; '.join(changes[:_SHOWN])}{more}. Undo the change, or give the search"
            " another folder with --out."
        )


def _changes(plan: SearchPlan, earlier: SearchRecord, before: Config) -> Iterator[str]:
    """Yields what differs between a search and its earlier trials, except what may change."""
    if difference := settings_difference(before, plan.config, {}):
        yield f"base: {difference}"
    old, new = ({one.key: one for one in space} for space in (earlier.dimensions, plan.dimensions))
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            yield f"space: {_described(key, old)} is now {_described(key, new)}"
    former, latter = (
        dict(flatten_settings(one.model_dump())) for one in (earlier.search, plan.search)
    )
    for key, value in latter.items():
        if key not in CHANGEABLE and former[key] != value:
            yield f"search.{key} {former[key]} is now {value}"


def _described(key: str, dimensions: Mapping[str, Dimension]) -> str:
    one = dimensions.get(key)
    if one is None:
        return f"no {key}"
    when = "".join(f" when {parent} is {list(them)}" for parent, them in one.conditions)
    if one.kind == "choice":
        return f"{key} of {list(one.choices)}{when}"
    step = f" in steps of {one.step:g}" if one.step is not None else ""
    scale = " (log)" if one.log else ""
    return f"{key} from {one.low:g} to {one.high:g}{step}{scale}{when}"
