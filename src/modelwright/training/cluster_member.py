"""What a process of several that train one model checks, and what it reports."""

from __future__ import annotations

import hashlib

from modelwright.core.config import Config
from modelwright.core.errors import ConfigError
from modelwright.core.types import Dataset
from modelwright.models.builders import check_options
from modelwright.training.cluster_settings import Cluster
from modelwright.training.session import Session
from modelwright.training.train_report import TrainReport


def check_cluster(config: Config, cluster: Cluster | None) -> None:
    """Checks that a training has steps that several processes can share.

    Raises:
        ConfigError: a solver finds the weights.
    """
    options = check_options(config.model)
    if cluster and getattr(options, "solved", False):
        way = "model.fit=steps" if hasattr(options, "fit") else "a recipe such as cnn or bilstm"
        raise ConfigError(
            f"{cluster.processes} processes were asked for, but recipe '{config.recipe}' is solved"
            f" from all rows at once and has no steps to share; train it in one process, or use"
            f" {way}."
        )


def shared_facts(config: Config, data: Dataset) -> dict[str, str]:
    """Returns what all processes of a training must have in common, by its name."""
    settings = repr((config.model.model_dump(), config.train.model_dump()))
    digest = hashlib.sha256(settings.encode()).hexdigest()
    return {"settings": digest, "training rows": data.fingerprint}


def member_report(session: Session, *, finished: bool) -> TrainReport:
    """Returns the report of a process that trained with others and wrote no run."""
    history, rule, run = session.checkpoint.history, session.early_stopping, session.run
    best = rule.best(history) or 0
    rank, processes = session.group.rank, session.group.processes
    return TrainReport(
        run=run.path,
        epochs=len(history),
        best_epoch=best + 1,
        seconds=session.checkpoint.seconds,
        val_accuracy=history[best].get("val_accuracy"),
        train_accuracy=history[best]["accuracy"],
        parameters=session.network.count_params(),
        backend=run.backend,
        precision=f"{run.precision['policy']} ({run.precision['reason']})",
        status="finished" if finished else "stopped",
        rejected=0,
        notes=(
            f"this is the process with rank {rank} of {processes}: the run is where rank 0 wrote"
            " it, and these are the figures of its epochs",
        ),
        steps=session.steps,
        epoch_chosen=rule.chooses,
        speed=session.speed,
        cluster=run.cluster,
    )
