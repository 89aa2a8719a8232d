"""The difference between two configs of a trial. Loads no framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from modelwright.core.config import Config
from modelwright.models import builders
from modelwright.recipes.resolve import flatten_settings
from modelwright.training.epoch_plan import plan_epochs

UNCOMPARED_SETTINGS = ("data.folder", "data.memory_mib", "train.tensorboard", "train.histograms")
"""Settings that do not change the network."""
_IGNORED = ("name", "data.source", "data.orientation", *UNCOMPARED_SETTINGS)
"""Keys that may change. The fingerprint of the data says whether the rows are the same."""


def settings_difference(before: Config, now: Config, rows: Mapping[str, int]) -> str:
    """Returns ``train.epochs 3 is now 5``, or an empty text if both give the same network.

    Args:
        before: the config of the trial that was trained.
        now: the config that the study gives the trial today.
        rows: number of rows of each split, for settings that matter with few rows only; empty if
            it is not known.
    """
    ignored = (*_IGNORED, *(_without_effect(before, now, rows) if rows else ()))
    # A config that is older than a setting has the default of that setting.
    old, new = (
        {
            **dict(flatten_settings(config.model_dump())),
            **dict(flatten_settings(_model_options(config), "model.options.")),
        }
        for config in (before, now)
    )
    changed = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return ", ".join(
        f"{key} {old.get(key)} is now {new.get(key)}" for key in changed if key not in ignored
    )


def _without_effect(before: Config, now: Config, rows: Mapping[str, int]) -> list[str]:
    """Returns the settings for few rows that an earlier version did not have or need here.

    An earlier version chose an epoch with any number of validation rows. Without such rows it
    chose on the training rows, which is the last epoch of a schedule that ends.
    """
    given, found = before.train.model_fields_set, []
    train, val = rows.get("train", 0), rows.get("val", 0)
    least = {"min_steps": now.train.min_steps}
    plans = [
        plan_epochs(one, train) for one in (before.train, before.train.model_copy(update=least))
    ]
    if "min_steps" not in given and plans[0] == plans[1]:
        found.append("train.min_steps")
    if "min_val_rows" not in given and (not val or val >= now.train.min_val_rows):
        found.append("train.min_val_rows")
    return found


def _model_options(config: Config) -> dict[str, Any]:
    options: dict[str, Any] = builders.check_options(config.model).model_dump()
    return options
