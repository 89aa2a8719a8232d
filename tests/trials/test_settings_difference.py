"""Which settings of a trial that is trained may differ from those of the study today."""

from __future__ import annotations

from typing import Any

import pytest

from modelwright.core.config import Config, check_table
from modelwright.recipes.resolve import resolve_config
from modelwright.trials.settings_difference import settings_difference

MANY = {"train": 45_000, "val": 5_000, "test": 10_000}
FEW = {"train": 180, "val": 20, "test": 50}


def config(**train: Any) -> Config:
    options = {"data": {"source": "rows.csv"}, "model": {"recipe": "cnn"}, "train": train}
    return resolve_config(options=options)


def stored_before(now: Config) -> Config:
    """Returns the config as a version stored it that had no minimums for few rows."""
    values = now.model_dump(mode="json")
    for key in ("min_steps", "min_val_rows"):
        del values["train"][key]
    return check_table(Config, values, "trial")


@pytest.mark.parametrize(("rows", "same"), [(MANY, True), ({"train": 50_000}, True), (FEW, False)])
def test_a_trial_of_an_earlier_version_is_used_where_few_rows_do_not_matter(
    rows: dict[str, int], same: bool
) -> None:
    now = config()
    found = settings_difference(stored_before(now), now, rows)
    assert (found == "") == same
    if not same:
        assert f"train.min_steps 0 is now {now.train.min_steps}" in found
        assert f"train.min_val_rows 0 is now {now.train.min_val_rows}" in found


def test_unknown_rows_and_minimums_of_ones_own_are_compared() -> None:
    now = config()
    assert "train.min_steps" in settings_difference(stored_before(now), now, {})
    assert settings_difference(config(min_steps=7), now, MANY).startswith("train.min_steps 7 is")
    assert settings_difference(now, now, FEW) == ""
