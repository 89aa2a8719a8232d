"""What two configs of a study's training have otherwise. Loads no framework."""

from __future__ import annotations

from typing import Any

from modelwright.core.config import Config
from modelwright.models.builders import check_options
from modelwright.recipes.resolve import flat
from modelwright.studies.plan import NO_MATTER

_ELSEWHERE = ("name", "data.source", *NO_MATTER)
"""Keys that may change: which rows there are is said by the fingerprint."""


def difference(before: Config, now: Config) -> str:
    """``train.epochs 3 is now 5``; empty where both give the same network."""
    # Checked again, an old config has the defaults of settings that are younger than it.
    old, new = (
        {**dict(flat(config.model_dump())), **dict(flat(_options(config), "model.options."))}
        for config in (before, now)
    )
    differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
    return ", ".join(
        f"{key} {old.get(key)} is now {new.get(key)}" for key in differing if key not in _ELSEWHERE
    )


def _options(config: Config) -> dict[str, Any]:
    return check_options(config.model).model_dump()  # type: ignore[no-any-return]
