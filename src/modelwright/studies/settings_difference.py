"""The difference between two configs of a trial. Loads no framework."""

from __future__ import annotations

from typing import Any

from modelwright.core.config import Config
from modelwright.models import builders
from modelwright.recipes.resolve import flatten_settings
from modelwright.studies.plan import UNCOMPARED_SETTINGS

_IGNORED = ("name", "data.source", "data.orientation", *UNCOMPARED_SETTINGS)
"""Keys that may change. The fingerprint of the data says whether the rows are the same."""


def settings_difference(before: Config, now: Config) -> str:
    """Returns ``train.epochs 3 is now 5``, or an empty text if both give the same network."""
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
        f"{key} {old.get(key)} is now {new.get(key)}" for key in changed if key not in _IGNORED
    )


def _model_options(config: Config) -> dict[str, Any]:
    options: dict[str, Any] = builders.check_options(config.model).model_dump()
    return options
