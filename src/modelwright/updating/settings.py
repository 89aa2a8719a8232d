"""The settings of an update, checked before anything heavy is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError
from modelwright.learning.registry import BOUNDS, find_strategy, strategy_names
from modelwright.learning.strategy import Strategy
from modelwright.updating.gate import MAX_CLASS_DROP, MAX_DROP, Limits

AUTO = "auto"
EXEMPLARS = 2_000
"""Usual largest number of examples that the memory keeps."""
_MOST_EXEMPLARS = 1_000_000
_TABLES = ("data",)
_KEYS_OF_THE_MODEL = ("limit", "unlabelled", "drop", "image_size", "auto_side", "orientation")


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
    limits: Limits = Limits()
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
    *,
    strategy: str = AUTO,
    max_drop: float = MAX_DROP,
    max_class_drop: float = MAX_CLASS_DROP,
    settings: Mapping[str, Any] | None = None,
    **others: Any,
) -> UpdateSettings:
    """Returns checked settings.

    Args:
        strategy: the name of a strategy, or ``auto``.
        max_drop: points of macro-F1 that old rows may lose.
        max_class_drop: points of F1 that one old class may lose.
        settings: the table ``data``, with keys for the new rows.
        others: the other attributes of ``UpdateSettings``.

    Raises:
        ConfigError: a setting cannot be used.
    """
    if strategy != AUTO:
        find_strategy(strategy)
    _check_number("--max-drop", max_drop, 0, 100)
    _check_number("--max-class-drop", max_class_drop, 0, 100)
    memory = others.get("memory", EXEMPLARS)
    if not 0 <= memory <= _MOST_EXEMPLARS:
        raise ConfigError(
            f"--memory was given {memory}; expected a number of rows from 0, which keeps none, to"
            f" {_MOST_EXEMPLARS:,}."
        )
    seed = others.get("seed", 0)
    if not 0 <= seed < 2**31:
        raise ConfigError(f"--seed was given {seed}; expected an integer from 0 to 2**31 - 1.")
    minutes = others.get("minutes")
    if minutes is not None:
        _check_number("--minutes", minutes, 0, 60 * 24 * 30)
    if others.get("dry_run") and others.get("resume"):
        raise ConfigError("--dry-run and --resume were given together; a dry run keeps nothing.")
    return UpdateSettings(
        strategy=strategy,
        limits=Limits(max_drop, max_class_drop),
        data=_data_keys(settings or {}),
        **others,
    )


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
        if table not in _TABLES:
            raise ConfigError(
                f"--set was given {table}.{next(iter(tables[table]), '')}; an update keeps the"
                " model's own settings, and takes only those of the new rows, such as data.text."
            )
    keys = {DataConfig.other_names.get(key, key): one for key, one in tables.get("data", {}).items()}
    for key in _KEYS_OF_THE_MODEL:
        if key in keys:
            raise ConfigError(
                f"data.{key} was given; the new rows of an update are read as the model was"
                " trained, so it cannot be set here. Leave it out."
            )
    return keys


def _check_number(option: str, value: float, low: float, high: float) -> None:
    if not (math.isfinite(value) and low <= value <= high):
        raise ConfigError(f"{option} was given {value}; expected a number from {low} to {high}.")
