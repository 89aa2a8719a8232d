"""The record of one trial of a search, kept as JSON in the search's folder.

The records are all that a search goes on from: samplers and pruners are functions of them.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

State = Literal["running", "finished", "pruned", "failed"]


class TrialRecord(BaseModel):
    """What is known of one trial. Shares are from 0 to 1.

    Attributes:
        number: the trial, from 0, in the order of proposals.
        values: the proposed value of each dimension.
        state: ``running`` also stands for a trial that was interrupted; it goes on.
        epochs: what the pruner sees, after each finished epoch: the objective, so far as it is
            known during the training.
        objective: the objective of a finished trial; that of the best epoch of a pruned one.
        figures: further figures of a finished trial, such as parameters, size_mib, latency_ms.
        reason: why it failed or was pruned.
        seconds: time spent on it, over all interruptions.
        attempts: how often it was begun: once, and once more after each failure that was retried.
    """

    # A loss that is not a number is kept as the text NaN, which JSON has no number for.
    model_config = ConfigDict(extra="ignore", frozen=True, ser_json_inf_nan="strings")

    number: int
    values: dict[str, Any]
    state: State = "running"
    epochs: tuple[float, ...] = ()
    objective: float | None = None
    figures: dict[str, float] = Field(default_factory=dict)
    reason: str = ""
    seconds: float = 0.0
    attempts: int = 1
