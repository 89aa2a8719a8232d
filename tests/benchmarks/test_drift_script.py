"""The benchmark of drift: its shifts have the size that they claim."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from modelwright.monitoring.observation import Observation
from modelwright.monitoring.observed_model import ObservedModel

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import drift
import drift_models


def observed(rows: int, length: float, classes: int = 2) -> Observation:
    """Returns rows with one length, whose answers are equally often each class."""
    random = np.random.default_rng(0)
    answers = np.eye(classes, dtype=np.float32)[np.arange(rows) % classes]
    values = {
        "confidence": random.uniform(0.5, 1, rows),
        "unknown": np.zeros(rows),
        "length": np.full(rows, length),
    }
    return Observation(answers, values, tuple(np.array([2]) for _ in range(rows)))


@pytest.fixture
def pool() -> drift.Pool:
    """A pool of 400 rows that needs no model."""
    model = ObservedModel(None, "text", ("neg", "pos"), ("", "[UNK]", "good"), orient=True)  # type: ignore[arg-type]
    rows = observed(400, 10.0)
    return drift.Pool(model, rows, np.arange(400) % 2, ("good",), rows, {"long": observed(90, 999)})


def test_a_share_of_the_rows_is_replaced(pool: drift.Pool) -> None:
    change = drift.mixed(pool, pool.shifted["long"], 0.2)
    new = change(np.arange(200, 400), 100, np.random.default_rng(0))
    assert new is not None
    assert len(new) == len(new.tokens) == 100
    assert (new.values["length"] == 999).sum() == 20


def test_a_class_gets_more_rows(pool: drift.Pool) -> None:
    change = drift.more_of_a_class(pool, 0.1)
    new = change(np.arange(200, 400), 100, np.random.default_rng(0))
    assert new is not None
    assert (new.answers == 0).sum() == 60
    assert change(np.arange(200, 400), 190, np.random.default_rng(0)) is None  # too few rows


def test_halves_of_one_set_are_silent_and_another_set_is_not(pool: drift.Pool) -> None:
    halves = drift.false_alarms(pool, 3)
    assert list(halves) == ["all"]
    assert (halves["all"]["rows"], halves["all"]["alarms"]) == (200, 0)
    reference = np.arange(200)
    assert drift.compare_rows(pool, reference, pool.shifted["long"]).drifted


def test_the_same_rows_are_drawn_each_time(tmp_path: Path) -> None:
    rows = [{"text": str(number), "label": "a"} for number in range(30)]
    assert drift_models.some(rows, 5) == drift_models.some(rows, 5)
    path = drift_models.write_table(tmp_path / "new" / "table.csv", rows)
    assert drift_models.read_table(path) == rows
