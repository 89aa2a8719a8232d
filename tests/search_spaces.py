"""Spaces, records and strategies that the tests of samplers and pruners share."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import strategies as st

from modelwright.tuning.dimension import Dimension, Space, Values
from modelwright.tuning.trial_record import TrialRecord

MIXED: Space = (
    Dimension("model.embedding", "int", 32, 128, 32),
    Dimension("train.optimizer", "choice", choices=("adam", "sgd")),
    Dimension("model.units", "choice", choices=([32], [64, 32], [128, 64])),
    Dimension("train.learning_rate", "float", 1e-4, 1e-2, log=True),
    Dimension("model.dropout", "float", 0.0, 0.5, 0.1),
    Dimension("train.momentum", "float", 0.8, 0.99, conditions=(("train.optimizer", ("sgd",)),)),
)
SMALL: Space = (
    Dimension("model.embedding", "int", 1, 3, 1),
    Dimension("model.cell", "choice", choices=("lstm", "gru")),
)


@st.composite
def ranges(draw: st.DrawFn) -> dict[str, Any]:
    """A range as a search file has it."""
    if draw(st.booleans()):
        low, count, step = (
            draw(st.integers(1, 50)),
            draw(st.integers(1, 9)),
            draw(st.integers(1, 9)),
        )
        return {"from": low, "to": low + count * step, "step": step}
    low = draw(st.integers(1, 400)) / 1000
    high = low + draw(st.integers(1, 400)) / 1000
    return {"from": low, "to": round(high, 3), "scale": draw(st.sampled_from(["linear", "log"]))}


def record(number: int, values: Values, objective: float | None, **changes: Any) -> TrialRecord:
    """A finished trial."""
    known: dict[str, Any] = {"state": "finished", "objective": objective, **changes}
    return TrialRecord(number=number, values=values, **known)


def varied_record(number: int, values: Values) -> TrialRecord:
    """A trial in one of the states that a record may have."""
    score = (number * 37 % 11) / 11
    kind = number % 6
    if kind == 1:
        return record(number, values, None, state="pruned", epochs=(score / 2,))
    if kind == 2:
        return record(number, values, math.nan, epochs=(0.1, math.nan))
    if kind == 3:
        return record(number, values, None, state="failed", reason="out of memory")
    if kind == 4:
        return record(number, values, None, state="running", epochs=(score,))
    return record(number, values, score, epochs=(score / 2, score))


def again(records: list[TrialRecord]) -> list[TrialRecord]:
    """The records after a round trip through JSON."""
    return [TrialRecord.model_validate_json(one.model_dump_json()) for one in records]
