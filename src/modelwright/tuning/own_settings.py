"""The settings that a search begins from, as a point of its space. Loads no framework.

With them as trial 0, a search ends with no worse ones, on the rows that choose.
"""

from __future__ import annotations

from typing import Any

from modelwright.core.config import Config
from modelwright.models.builders import check_options
from modelwright.recipes.resolve import flatten_settings
from modelwright.tuning.dimension import Dimension, Space, Values
from modelwright.tuning.samplers.registry import OWN_ORDER
from modelwright.tuning.search_plan import SearchPlan
from modelwright.tuning.space_points import contains

OUTSIDE = (
    "the settings of the base lie outside the space, so no trial has them. The study that follows"
    " the search compares with them."
)


def begins_with_base(plan: SearchPlan) -> bool:
    """Returns whether a search is to try the settings of its base first."""
    return plan.search.first == "own" and plan.search.sampler not in OWN_ORDER


def own_point(space: Space, config: Config) -> Values | None:
    """Returns a config's own settings as a point of a space, or None if they lie outside it."""
    own = dict(flatten_settings(config.model_dump(exclude={"model"})))
    own |= dict(flatten_settings(check_options(config.model).model_dump(), "model."))
    values: Values = {}
    for dimension in space:
        if dimension.in_force(values):
            if dimension.key not in own:
                return None
            values[dimension.key] = _in_terms_of(dimension, own[dimension.key])
    return values if contains(space, values) else None


def _in_terms_of(dimension: Dimension, value: Any) -> Any:
    """Returns a value as a dimension has it: a list for a tuple, 1.0 for 1 in a range."""
    if isinstance(value, tuple):
        return list(value)
    if dimension.kind == "float" and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value
