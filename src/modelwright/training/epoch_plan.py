"""How often an epoch goes over few training rows, so that the training has enough steps.

A recipe is tuned on thousands of rows. On a few hundred, the same number of epochs would be too few
steps for any optimizer, and averages that are updated in each step, such as those of batch
normalization, would still hold their initial values when the first epochs are compared. Instead,
each epoch goes over the rows several times. So the number of epochs, and with it the schedule, the
patience and the time for validation and checkpoints, stays as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

from modelwright.core.config import TrainConfig

_SMALLEST_BATCH = 32
_PASS_STEPS = 16


@dataclass(frozen=True)
class EpochPlan:
    """The passes over the rows in each epoch, and the rows of a step.

    Attributes:
        rows: number of training rows.
        passes: how often each epoch goes over the rows.
        batch_size: rows of a step. The last step of a pass may have fewer.
    """

    rows: int
    passes: int
    batch_size: int

    @property
    def pass_steps(self) -> int:
        """Steps of one pass over the rows."""
        return -(-self.rows // self.batch_size)

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return self.passes * self.pass_steps


def plan_epochs(train: TrainConfig, rows: int) -> EpochPlan:
    """Returns one pass an epoch, or as many as ``train.min_steps`` needs.

    Where the rows are repeated, a batch is at most a sixteenth of them, though at least 32 rows if
    ``train.batch_size`` allows it: on few rows that is as accurate as larger batches, and a step
    takes a fraction of the time. The batches of a pass have equal sizes: after the last full batch
    there would often be one of a few rows, whose gradient is mostly noise.
    """
    steps = -(-rows // train.batch_size)
    if train.epochs * steps >= train.min_steps:
        return EpochPlan(rows, 1, train.batch_size)
    largest = max(_SMALLEST_BATCH, -(-rows // _PASS_STEPS))
    steps = -(-rows // min(train.batch_size, largest))
    batch_size = -(-rows // steps)
    steps = -(-rows // batch_size)
    return EpochPlan(rows, -(-train.min_steps // (train.epochs * steps)), batch_size)


def epoch_plan_note(plan: EpochPlan, train: TrainConfig) -> str:
    """Returns what a reader of the report must know about the plan; empty for one pass."""
    if plan == EpochPlan(plan.rows, 1, train.batch_size):
        return ""
    steps = f"{plan.pass_steps:,} step{'s' if plan.pass_steps > 1 else ''}"
    times = f"{plan.passes:,} times" if plan.passes > 1 else "once"
    return (
        f"{plan.rows:,} training rows are {steps} of {plan.batch_size:,} rows, and each epoch goes"
        f" over them {times}: {plan.steps * train.epochs:,} steps in {train.epochs:,} epochs"
        f" (train.min_steps={train.min_steps}; 0 goes over them once in batches of"
        f" {train.batch_size:,})"
    )
