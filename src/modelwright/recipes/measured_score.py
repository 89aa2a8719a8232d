"""The measured accuracy of a recipe: one table ``[[measured]]`` of its file, checked.

The tables are copied from the JSON of a study (``benchmarks/results/STUDY.json``) if there is
one; ``study`` and ``variant`` then name it. This module measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from modelwright.core.config import Positive, Table, check_table, setting
from modelwright.core.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]


class MeasuredScore(Table):
    """``[[measured]]``: the accuracy of a recipe, with its rows, time and machine."""

    data: str
    """Name of the data set."""
    metric: Literal["test accuracy"] = "test accuracy"
    accuracy: Share
    """Mean over the seeds."""
    low: Share
    high: Share
    interval: Literal["seeds", "rows"]
    """What the 95 % interval covers: Student's t over the seeds, or with one seed Wilson's over
    the test rows."""
    rows: Positive
    """Number of test rows."""
    seeds: Annotated[list[int], Field(min_length=1)]
    minutes: Annotated[float, Field(gt=0)]
    """Time of training; the median over the seeds."""
    machine: str
    note: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings that differ from the recipe's: ``model.length`` to its value."""
    study: str | None = None
    variant: str | None = None

    def describe_changes(self) -> str:
        """Returns the changed settings and the note, or an empty text if there are none."""
        settings = " ".join(f"{key}={setting(value)}" for key, value in self.settings.items())
        return ", ".join(part for part in (settings, self.note) if part)

    def describe_interval(self) -> str:
        """Returns ``84.63 to 86.02``."""
        return f"{100 * self.low:.2f} to {100 * self.high:.2f}"


def check_measured_score(entry: Mapping[str, Any], recipe: str) -> MeasuredScore:
    """Checks one table ``[[measured]]`` of a recipe.

    Raises:
        ConfigError: a key is unknown or missing, or two values contradict each other.
    """
    where = f"{recipe}.measured"
    score = check_table(MeasuredScore, entry, where)
    if not score.low <= score.accuracy <= score.high:
        raise ConfigError(
            f"'{where}' has the accuracy {score.accuracy} and the interval {score.low} to"
            f" {score.high}; expected an interval that contains the accuracy."
        )
    if len(set(score.seeds)) != len(score.seeds):
        raise ConfigError(f"'{where}.seeds' was given {score.seeds}; expected each seed once.")
    if (score.interval == "rows") != (len(score.seeds) == 1):
        raise ConfigError(
            f"'{where}.interval' was given '{score.interval}' with {len(score.seeds)} seeds;"
            " expected 'rows' with one seed and 'seeds' with more."
        )
    if (score.study is None) != (score.variant is None):
        raise ConfigError(f"'{where}' has study or variant; expected both or neither.")
    return score
