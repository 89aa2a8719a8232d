"""Which processes train together: from ``[cluster]``, options, or what started the processes.

Nothing heavy is loaded here, so a mistake is reported before TensorFlow loads.
"""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from modelwright.core.backend import keras_backend
from modelwright.core.config import ClusterConfig, check_table
from modelwright.core.errors import ConfigError

MEMBER = "MODELWRIGHT_CLUSTER"
"""Variable with which the command tells a process that it starts what it is part of."""
RUN_PLACE = "MODELWRIGHT_RUN_PLACE"
"""Variable with the file in which rank 0 tells that command the folder of the run."""
RANK = "MODELWRIGHT_RANK"
"""Variable with the rank, in place of the option."""
_JOB_PORT = 8476


@dataclass(frozen=True)
class Cluster:
    """The place of this process among those that train together.

    Attributes:
        rank: its number, from 0. The process with rank 0 writes the run.
        processes: their number.
        coordinator: address and port of rank 0.
        source: where this was found, for the report.
        local: whether one command on this machine started all of them.
    """

    rank: int
    processes: int
    coordinator: str
    source: str
    local: bool = False

    def to_environment(self) -> dict[str, str]:
        """Returns the variable from which a started process reads this."""
        return {MEMBER: json.dumps(asdict(self))}


@dataclass(frozen=True)
class LocalProcesses:
    """Processes that the command starts on this machine."""

    processes: int


def find_cluster(
    table: Mapping[str, Any], environment: Mapping[str, str] | None = None
) -> Cluster | LocalProcesses | None:
    """Returns what this process is part of; None if it trains alone.

    Args:
        table: the keys of ``[cluster]``, with those of the options over them.
        environment: the environment variables; those of this process by default.

    Raises:
        ConfigError: a key cannot be used, or one is missing.
    """
    variables = os.environ if environment is None else environment
    if MEMBER in variables:
        return Cluster(**json.loads(variables[MEMBER]))
    given = check_table(ClusterConfig, table, "cluster")
    if given.use == "none":
        if further := [key for key in table if key != "use"]:
            raise ConfigError(
                f"'cluster.{further[0]}' was given with cluster.use='none', which trains in one"
                " process; leave one of them out."
            )
        return None
    if given.processes is None:
        return _found_alone(given, variables)
    if given.processes == 1 and not given.rank:
        return None
    rank, source = _find_rank(given, variables)
    if rank is None:
        if given.coordinator:
            raise ConfigError(
                f"the coordinator {given.coordinator} was given, but not which process this is;"
                f" expected --rank (0 to {given.processes - 1}), the variable {RANK}, or a process"
                " that Slurm or a Kubernetes job started. To start all processes on this machine,"
                " give --processes alone."
            )
        return LocalProcesses(given.processes)
    if rank >= given.processes:
        raise ConfigError(
            f"the rank {rank} was given for {given.processes} processes; expected 0 to"
            f" {given.processes - 1}."
        )
    coordinator = given.coordinator or _find_coordinator(source, variables)
    return Cluster(rank, given.processes, _checked_address(coordinator), source)


def _found_alone(given: ClusterConfig, variables: Mapping[str, str]) -> Cluster | None:
    """Returns what started this process with others, where nobody says how many there are."""
    for key in ("rank", "coordinator"):
        if getattr(given, key) is not None:
            raise ConfigError(
                f"'cluster.{key}' was given without the number of processes; add --processes N."
            )
    count = variables.get("SLURM_STEP_NUM_TASKS", "")
    if count.isdigit() and int(count) > 1 and "SLURM_PROCID" in variables:
        coordinator = _find_coordinator("Slurm", variables)
        return Cluster(int(variables["SLURM_PROCID"]), int(count), coordinator, "Slurm")
    return _in_ray()


def _find_rank(given: ClusterConfig, variables: Mapping[str, str]) -> tuple[int | None, str]:
    if given.rank is not None:
        return given.rank, "the options"
    if value := variables.get(RANK):
        return _number(RANK, value), RANK
    tasks = variables.get("SLURM_STEP_NUM_TASKS", "1")
    if tasks not in ("1", str(given.processes)):
        raise ConfigError(
            f"{given.processes} processes were asked for, but Slurm started {tasks} tasks in this"
            " step; leave --processes out, or start as many tasks with srun --ntasks."
        )
    if tasks != "1":
        return _number("SLURM_PROCID", variables.get("SLURM_PROCID", "")), "Slurm"
    if value := variables.get("JOB_COMPLETION_INDEX"):
        return _number("JOB_COMPLETION_INDEX", value), "Kubernetes"
    return None, ""


def _find_coordinator(source: str, variables: Mapping[str, str]) -> str:
    """Returns the address of rank 0 from the names that Slurm and Kubernetes give."""
    if source == "Slurm" and (nodes := variables.get("SLURM_STEP_NODELIST")):
        # All tasks of a job agree on the port, and two jobs on a node seldom share one.
        port = 61440 + int(variables.get("SLURM_JOB_ID", "0") or 0) % 4096
        return f"{first_node(nodes)}:{port}"
    if source == "Kubernetes":
        name, dot, domain = socket.getfqdn().partition(".")
        index = variables["JOB_COMPLETION_INDEX"]
        if dot and name.endswith(f"-{index}"):
            return f"{name.removesuffix(index)}0.{domain}:{_JOB_PORT}"
    raise ConfigError(
        f"the rank is known from {source}, but not where rank 0 runs; expected --coordinator"
        " HOST:PORT, the address of the machine of rank 0 and a free port there."
    )


def first_node(nodes: str) -> str:
    """Returns the first name in a list of nodes as Slurm writes it: ``a[03-07,9],b``."""
    first = re.match(r"([^,\[]+)(?:\[([^\],-]+)[^\]]*\]([^,]*))?", nodes)
    if not first:
        raise ConfigError(f"SLURM_STEP_NODELIST is '{nodes}'; expected a list of nodes.")
    return "".join(part or "" for part in first.groups())


def _in_ray() -> Cluster | None:
    """Returns the place of this process among the workers of Ray Train."""
    train = sys.modules.get("ray.train")
    if train is None:
        return None
    try:
        context = train.get_context()
        rank, count = context.get_world_rank(), context.get_world_size()
    except Exception:  # noqa: BLE001 - Ray says in several ways that this is no worker of its own
        return None
    if count < 2:
        return None
    from ray import util
    from ray.train.collective import broadcast_from_rank_zero

    node: Any = util
    own = f"{node.get_node_ip_address()}:{free_port()}" if rank == 0 else None
    return Cluster(rank, count, broadcast_from_rank_zero(own), "Ray Train")


def free_port() -> int:
    """Returns a port that no program listens on now."""
    with socket.socket() as sock:
        sock.bind(("", 0))
        return int(sock.getsockname()[1])


def check_backend(cluster: Cluster | LocalProcesses, backend: str) -> str:
    """Checks that the backend trains in several processes.

    Returns a note where each of the processes that were found trains alone; empty otherwise.

    Raises:
        ConfigError: several processes were asked for under TensorFlow.
    """
    if backend == "jax":
        return ""
    if isinstance(cluster, Cluster) and cluster.source in ("Slurm", "Ray Train"):
        return (
            f"{cluster.source} started {cluster.processes} processes, and each trains a model of"
            " its own under TensorFlow; KERAS_BACKEND=jax trains one model with all of them"
        )
    raise ConfigError(
        f"{cluster.processes} processes were asked for, but Keras' backend is TensorFlow, whose"
        " MultiWorkerMirroredStrategy does not work with Keras 3; set KERAS_BACKEND=jax (pip"
        " install 'modelwright[jax]'), or train in one process."
    )


def lost_message(processes: int, run: Path | None) -> str:
    """Returns what happened and what to do when a process of a training is lost."""
    which = str(run) if run else "RUN"
    return (
        f"one of the {processes} processes of the training ended or cannot be reached, so all end."
        f" Start them again; after the first epoch, with: modelwright train --resume {which}"
        f" --processes {processes}, on several machines with --rank and --coordinator."
    )


def joined_cluster(table: Mapping[str, Any]) -> tuple[Cluster | None, tuple[str, ...]]:
    """Returns the place of this process among those that train together, and notes.

    Raises:
        ConfigError: this process would have to start others, or cannot train with them.
    """
    found = find_cluster(table)
    if found is None:
        return None, ()
    if note := check_backend(found, keras_backend()):
        return None, (note,)
    if isinstance(found, LocalProcesses):
        raise ConfigError(
            f"cluster.processes={found.processes} was given without a rank; expected rank and"
            " coordinator in each process. The command 'modelwright train --processes"
            f" {found.processes}' starts all of them on this machine."
        )
    return found, ()


def _checked_address(address: str) -> str:
    if not 0 < int(address.rpartition(":")[2]) < 65536:
        raise ConfigError(f"the coordinator {address} has no port from 1 to 65535.")
    return address


def _number(name: str, value: str) -> int:
    if not value.isdigit():
        raise ConfigError(f"the variable {name} is '{value}'; expected an integer from 0.")
    return int(value)
