"""The report of a training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from modelwright.core.backend import BACKENDS
from modelwright.core.blocks import Block, Facts
from modelwright.core.report import Report
from modelwright.core.terminal import percent
from modelwright.runs.details import (
    describe_cluster,
    describe_epochs,
    describe_solution,
    describe_speed,
)
from modelwright.training.baseline_figures import Baselines


@dataclass(frozen=True)
class TrainReport(Report):
    """The result of a training. Accuracies are those of the best epoch's weights, in float32."""

    run: Path
    epochs: int
    best_epoch: int
    seconds: float
    val_accuracy: float | None
    train_accuracy: float
    parameters: int
    backend: str
    precision: str
    status: str
    rejected: int
    notes: tuple[str, ...]
    baselines: Baselines = field(default_factory=Baselines)
    """Simple models of the same training rows; none before the training has finished."""
    warnings: tuple[str, ...] = ()
    """What the figures do not show, such as a model that predicts one class only."""
    cross_validated_accuracy: float | None = None
    """Accuracy on training rows that a solver left out in turn; None without a solver."""
    solution: Mapping[str, Any] = field(default_factory=dict)
    """What a solver chose, and how well it predicted rows that it left out; empty without one."""
    backbone: str = ""
    """The pretrained network that the training began with, and its license; empty without one."""
    next: str = ""
    """The command that usually follows; empty while the training is not finished."""
    steps: int = 0
    """Steps of all epochs."""
    epoch_chosen: bool = True
    """Whether the best epoch was chosen; otherwise ``best_epoch`` is the last one."""
    speed: Mapping[str, float] = field(default_factory=dict)
    """``step_ms`` (median), ``waiting_share`` (of the time of the steps, for their batches), and
    with a GPU ``gpu_utilization`` (0 to 1) and ``gpu_memory_mib`` (peak); empty without steps."""
    cluster: Mapping[str, Any] = field(default_factory=dict)
    """The processes and devices that trained together, and how they were found; empty for one."""

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields in a form that JSON can hold."""
        return {
            **vars(self),
            "run": str(self.run),
            "notes": list(self.notes),
            "baselines": self.baselines.to_list(),
            "warnings": list(self.warnings),
            "speed": dict(self.speed),
            "cluster": dict(self.cluster),
        }

    def blocks(self) -> Sequence[Block]:
        """Returns the results of the training."""
        held_out = "none held out" if self.val_accuracy is None else percent(self.val_accuracy)
        rows: list[tuple[str, object]] = [
            ("run", str(self.run)),
            ("status", self.status),
            *([("epochs", describe_epochs(vars(self)))] if self.steps else []),
            ("seconds", f"{self.seconds:.1f}"),
            *describe_speed(self.speed),
            *describe_cluster(self.cluster),
            *describe_solution(self.solution),
            ("validation accuracy", held_out),
            *self.baselines.facts(),
            ("training accuracy", percent(self.train_accuracy)),
            ("parameters", f"{self.parameters:,}"),
            *([("backbone", self.backbone)] if self.backbone else []),
            *([] if self.backend == "tensorflow" else [("backend", BACKENDS[self.backend])]),
            ("precision", self.precision),
            *(("note", note) for note in self.notes),
            *(("warning", warning) for warning in self.warnings),
        ]
        if self.rejected:
            rows.append(("rejected rows", f"{self.rejected:,}, listed in {self.run}/rejected.csv"))
        if self.next:
            rows.append(("next", self.next))
        return (Facts("trained", rows),)
