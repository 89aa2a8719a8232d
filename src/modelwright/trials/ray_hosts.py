"""The actors of a runner on a Ray cluster: started, lent to trials, and replaced when they die."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from modelwright.core.backend import keras_backend
from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.hardware import detect
from modelwright.core.ray_cluster import RayCluster, reason_of
from modelwright.trials.ray_host import TrialHost

_SECONDS_TO_START = 120.0
_SECONDS_TO_CLOSE = 5.0


class HostPool:
    """Actors that carry out trials.

    A trial that lost its actor takes whichever is free first: a new one or that of a trial that
    has ended. So it goes on in a cluster that became smaller, too.
    """

    def __init__(self, cluster: RayCluster, count: int, *, cpus: float, gpus: float | None) -> None:
        """Starts the actors.

        Args:
            cluster: The cluster.
            count: The number of actors.
            cpus: CPUs of each.
            gpus: GPUs of each; an equal share of the cluster's by default.

        Raises:
            ConfigError: The cluster is too small.
        """
        if count * cpus > cluster.cpus:
            raise ConfigError(
                f"{count} trials with {cpus:g} CPUs each were asked for, but the Ray cluster has"
                f" {cluster.cpus}; expected {int(cluster.cpus // cpus)} trials at most."
            )
        self._cluster, self._ray = cluster, cluster.ray
        self._make = _host_maker(cluster, count, cpus, gpus)
        self._idle: list[Any] = []
        self._lent: list[Any] = []
        self._starting: dict[Any, Any] = {}
        """Actors that were asked for, by the reference that says that they are ready."""
        self._heard = time.monotonic()
        for _ in range(count):
            self._start()

    @property
    def references(self) -> Sequence[Any]:
        """References that become ready when an actor does."""
        return list(self._starting)

    @property
    def hopeless(self) -> bool:
        """Whether there is no actor, and none could be started for a long time."""
        waited = time.monotonic() - self._heard
        return not self._idle and not self._lent and waited > _SECONDS_TO_START

    def lend(self) -> Any | None:
        """Returns a free actor; None if there is none."""
        if not self._idle:
            return None
        self._lent.append(self._idle.pop())
        return self._lent[-1]

    def take_back(self, host: Any) -> None:
        """Takes an actor whose trial has ended."""
        self._lent.remove(host)
        self._idle.append(host)
        self._heard = time.monotonic()

    def replace(self, host: Any) -> None:
        """Ends an actor that died or failed, and asks for another."""
        self._lent.remove(host)
        with suppress(Exception):  # it may have ended in any way
            self._ray.kill(host)
        self._heard = time.monotonic()
        self._start()

    def started(self, reference: Any) -> None:
        """Takes an actor that is ready, or asks for another if it died meanwhile.

        Raises:
            MissingDependencyError: Modelwright cannot be loaded on its node, or has another
                version there.
        """
        host = self._starting.pop(reference)
        try:
            self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            if getattr(error, "_actor_init_failed", False):
                raise MissingDependencyError(
                    f"no trial can be carried out on the Ray cluster: {reason_of(error)}"
                ) from None
            self._start()
            return
        self._idle.append(host)
        self._heard = time.monotonic()
        self._cluster.check_nodes()

    def close(self) -> None:
        """Ends all actors."""
        with suppress(Exception):  # a cluster that died raises anything, and has ended anyway
            closing = [host.close.remote() for host in self._idle]
            if closing:
                self._ray.wait(closing, num_returns=len(closing), timeout=_SECONDS_TO_CLOSE)
            for host in [*self._idle, *self._lent, *self._starting.values()]:
                self._ray.kill(host)
        self._idle, self._lent, self._starting = [], [], {}

    def _start(self) -> None:
        host = self._make()
        self._starting[host.ready.remote()] = host


def _host_maker(
    cluster: RayCluster, count: int, cpus: float, gpus: float | None
) -> Callable[[], Any]:
    """Returns a function that asks the cluster for an actor."""
    share = min(1.0, cluster.gpus / count) if gpus is None else gpus
    # The cores of a cluster of its own are those of this machine.
    threads = int(cpus) if cluster.address else detect().cores // count
    actor = cluster.ray.remote(TrialHost).options(
        num_cpus=cpus,
        num_gpus=share,
        max_restarts=0,
        runtime_env={"env_vars": {"KERAS_BACKEND": keras_backend()}},
    )
    folder = os.getcwd()  # noqa: PTH109 - Ray gets a text
    return lambda: actor.remote(folder, max(1, threads))
