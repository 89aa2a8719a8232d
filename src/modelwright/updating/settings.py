"""The settings of an update, checked before anything heavy is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypedDict, Unpack

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError
from modelwright.learning.registry import BOUNDS, find_strategy, strategy_names
from modelwright.learning.strategy import Strategy
from modelwright.updating.gate import MAX_CLASS_DROP, MAX_DROP, Limits

AUTO = "auto"
EXEMPLARS = 2_000
"""Usual largest number of examples that the memory keeps."""
_MOST_EXEMPLARS = 1_000_000
_MOST_MINUTES = 60 * 24 * 30
_KEYS_OF_THE_MODEL = ("limit", "unlabelled", "drop", "auto_side", "orientation")


class UpdateOptions(TypedDict, total=False):
    """The options of an update that are rarely given; ``UpdateSettings`` explains them."""

    max_class_drop: float
    memory: int
    minutes: float | None
    old_data: str | Path | None
    data_root: str | Path | None
    settings: Mapping[str, Any]
    new_classes: bool
    seed: int
    dry_run: bool
    resume: bool


@dataclass(frozen=True)
class UpdateSettings:
    """How an update runs.

    Attributes:
        strategy: the name of a strategy, or ``auto`` for all that fit.
        limits: what the update may cost the old rows.
        memory: largest number of examples to keep; 0 keeps no rows.
        minutes: time for the candidates; None for no limit. The first one always runs.
        old_data: the rows of the training, where they cannot be found.
        data_root: where the data of the training is now.
        data: keys of ``[data]`` for the new rows that differ from the model's.
        new_classes: whether unknown labels are new classes, even if they look like known ones.
        seed: random seed.
        dry_run: whether to measure and write nothing.
        resume: whether to go on with an unfinished update.
    """

    strategy: str = AUTO
    limits: Limits = field(default_factory=Limits)
    memory: int = EXEMPLARS
    minutes: float | None = None
    old_data: str | None = None
    data_root: Path | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    new_classes: bool = False
    seed: int = 0
    dry_run: bool = False
    resume: bool = False


def resolve_update(
    strategy: str = AUTO, max_drop: float = MAX_DROP, **options: Unpack[UpdateOptions]
) -> UpdateSettings:
    """Returns checked settings; loads no framework.

    Args:
        strategy: the name of a strategy, or ``auto``.
        max_drop: points of macro-F1 that old rows may lose.
        options: the others; ``settings`` is the table ``data`` for the new rows.

    Raises:
        ConfigError: a setting cannot be used.
    """
    if strategy not in (AUTO, *strategy_names()):
        find_strategy(strategy)
    limits = Limits(max_drop, options.pop("max_class_drop", MAX_CLASS_DROP))
    _check_number("--max-drop", limits.max_drop, 0, 100)
    _check_number("--max-class-drop", limits.max_class_drop, 0, 100)
    tables = options.pop("settings", {})
    others: dict[str, Any] = {**options}
    for key, kind in (("old_data", str), ("data_root", Path)):
        if others.get(key) is not None:
            others[key] = kind(others[key])
    found = UpdateSettings(
        strategy=strategy, limits=limits, data=_data_keys(tables or {}), **others
    )
    if not 0 <= found.memory <= _MOST_EXEMPLARS:
        raise ConfigError(
            f"--memory was given {found.memory}; expected a number of rows from 0, which keeps"
            f" none, to {_MOST_EXEMPLARS:,}."
        )
    if not 0 <= found.seed < 2**31:
        raise ConfigError(
            f"--seed was given {found.seed}; expected an integer from 0 to {2**31 - 1}."
        )
    if found.minutes is not None:
        _check_number("--minutes", found.minutes, 0, _MOST_MINUTES)
    if found.dry_run and found.resume:
        raise ConfigError(
            "--dry-run and --resume were given together; a dry run keeps nothing to go on with."
            " Leave one out."
        )
    return found


def chosen_strategies(name: str) -> list[Strategy]:
    """Returns the strategies to try: one, or all, the cheapest first and the bounds last."""
    names = strategy_names() if name == AUTO else [name]
    found = [find_strategy(one) for one in names]
    return sorted(found, key=lambda one: (one.name in BOUNDS, one.cost, one.name))


def may_be_written(name: str, strategy: str) -> bool:
    """Returns whether a candidate can become a version: ``naive`` only if a user names it."""
    return name != "naive" or strategy == "naive"


def _data_keys(tables: Mapping[str, Any]) -> Mapping[str, Any]:
    for table in tables:
        if table != "data":
            raise ConfigError(
                f"--set was given the table {table}; an update keeps the model's own settings, and"
                " takes only those of the new rows, such as data.text."
            )
    keys = {
        DataConfig.other_names.get(key, key): one for key, one in tables.get("data", {}).items()
    }
    for key in _KEYS_OF_THE_MODEL:
        if key in keys:
            raise ConfigError(
                f"--set was given data.{key}; new rows are read as those of the training were, so"
                " it cannot differ. Leave it out."
            )
    return keys


def _check_number(option: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"{option} was given {value}; expected a number from {low} to {high}.")
