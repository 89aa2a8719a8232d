"""A recipe's measured figures: the tables ``[[measured]]`` of its file, each one checked.

They are copied from the JSON of a study (``benchmarks/results/STUDY.json``) wherever one was
kept, and ``study`` and ``variant`` then say which. It measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from modelwright.core.config import Positive, Table, check_table, setting
from modelwright.core.errors import ConfigError

Share = Annotated[float, Field(ge=0, le=1)]


class Measured(Table):
    """``[[measured]]``: what the recipe scored, on which rows, in which time, on which machine."""

    data: str
    """The name of the set."""
    metric: Literal["test accuracy"] = "test accuracy"
    accuracy: Share
    """The mean over the seeds."""
    low: Share
    high: Share
    interval: Literal["seeds", "rows"]
    """What the 95 % interval is over: Student's t over seeds, or with one seed Wilson's over
    the test rows."""
    rows: Positive
    """Of the test split."""
    seeds: Annotated[list[int], Field(min_length=1)]
    minutes: Annotated[float, Field(gt=0)]
    """Of training; the median over the seeds."""
    machine: str
    note: str = ""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Where other than the recipe's: ``model.length`` to its value."""
    study: str | None = None
    variant: str | None = None

    def changed(self) -> str:
        """The settings and the note, for a person; nothing where there are none."""
        settings = " ".join(f"{key}={setting(value)}" for key, value in self.settings.items())
        return ", ".join(part for part in (settings, self.note) if part)

    def between(self) -> str:
        """The interval, for a person."""
        return f"{100 * self.low:.2f} to {100 * self.high:.2f}"


def read(entry: Mapping[str, Any], recipe: str) -> Measured:
    """One table, checked.

    Raises:
        ConfigError: a key is unknown or missing, or figures contradict each other.
    """
    where = f"{recipe}.measured"
    found = check_table(Measured, entry, where)
    if not found.low <= found.accuracy <= found.high:
        raise ConfigError(
            f"'{where}' has the accuracy {found.accuracy} and the interval {found.low} to"
            f" {found.high}; expected one that holds it."
        )
    if len(set(found.seeds)) != len(found.seeds):
        raise ConfigError(f"'{where}.seeds' was given {found.seeds}; expected each one once.")
    if (found.interval == "rows") != (len(found.seeds) == 1):
        raise ConfigError(
            f"'{where}.interval' was given '{found.interval}' with {len(found.seeds)} seeds;"
            " expected 'rows' with one seed and 'seeds' with more."
        )
    if (found.study is None) != (found.variant is None):
        raise ConfigError(f"'{where}' has study or variant; expected both or neither.")
    return found
