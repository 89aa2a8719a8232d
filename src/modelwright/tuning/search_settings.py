"""The table ``[search]`` of a search file: the objective, the budget and the method."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from modelwright.core.config import Positive, Table

ObjectiveName = Literal["val_accuracy", "macro_f1", "val_loss"]
DEFAULT_TRIALS = 30
"""The number of trials where neither ``trials`` nor ``minutes`` is given."""
CHANGEABLE = ("trials", "minutes", "keep", "retries")
"""Settings that may change when a search goes on."""


class SearchSettings(Table):
    """``[search]``: what a search looks for, how long, and how."""

    objective: ObjectiveName = "val_accuracy"
    """Figure to improve, measured on the validation rows."""
    trials: Positive | None = None
    """Number of trials; 30 if ``minutes`` is not given either."""
    minutes: Annotated[float, Field(gt=0)] | None = None
    """Time of all sessions of the search together. With ``trials`` too, the first limit ends it."""
    sampler: Annotated[str, Field(min_length=1)] = "tpe"
    """Method that proposes the settings of a trial."""
    first: Literal["own", "sampler"] = "own"
    """Settings of trial 0: own takes those of the base, where they lie in the space."""
    pruner: Annotated[str, Field(min_length=1)] = "asha"
    """Method that ends a trial early; none trains each one to its end."""
    factor: Annotated[int, Field(ge=2, le=100)] | None = None
    """Of so many trials that a pruner compares, one goes on; by default what the pruner takes."""
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0
    """Random seed of the sampler and the pruner. Trials train with ``train.seed`` of the base."""
    max_latency: Annotated[float, Field(gt=0)] | None = None
    """Largest latency of a best trial: milliseconds a row, in batches of one, on one thread."""
    max_size: Annotated[float, Field(gt=0)] | None = None
    """Largest size of a best trial's weights, in MiB of float32."""
    keep: Literal["runs", "best"] = "runs"
    """best deletes the runs of all ended trials but the best ones, and keeps their records."""
    retries: Annotated[int, Field(ge=0, le=10)] = 1
    """How often a trial whose process died goes on at once from its last epoch."""

    @property
    def higher_is_better(self) -> bool:
        """Whether a higher objective is better."""
        return self.objective != "val_loss"

    @property
    def pruning(self) -> str:
        """The pruner, with its factor if the search names one."""
        return self.pruner if self.factor is None else f"{self.pruner}, factor={self.factor}"

    @property
    def trial_limit(self) -> int | None:
        """The number of trials at which the search ends; None if only time ends it."""
        return self.trials or (None if self.minutes else DEFAULT_TRIALS)
