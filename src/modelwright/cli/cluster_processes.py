"""Starts the processes that train together, where the command is not one of them already."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import typer

from modelwright.core.backend import keras_backend
from modelwright.training.cluster_settings import (
    MEMBER,
    Cluster,
    check_backend,
    find_cluster,
    joined_cluster,
)

_WORKER = (sys.executable, "-P", "-m", "modelwright.cli.cluster_worker")


def start_or_join(table: Mapping[str, Any]) -> tuple[Cluster | None, tuple[str, ...]]:
    """Returns the place of this process among those that train together, and notes.

    Where others, or this one, are still to be started, they run the command, and this one ends.

    Args:
        table: the keys of ``[cluster]``.

    Raises:
        ConfigError: the table cannot be used.
        RunError: a started process was lost.
        typer.Exit: with the exit code of the started processes.
    """
    if MEMBER not in os.environ and (found := find_cluster(table)):
        if note := check_backend(found, keras_backend()):
            return None, (note,)
        from modelwright.training.cluster_launcher import run_processes

        raise typer.Exit(run_processes(found, (*_WORKER, *sys.argv[1:])))
    return joined_cluster(table)


def is_silent() -> bool:
    """Returns whether another process on this machine shows the progress of the training."""
    if MEMBER not in os.environ:
        return False
    cluster = find_cluster({})
    return isinstance(cluster, Cluster) and cluster.local and cluster.rank > 0
