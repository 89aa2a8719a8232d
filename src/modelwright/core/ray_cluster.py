"""A connection to a Ray cluster: a named one, or one that this process starts for itself.

A cluster of its own listens on the loopback address alone and demands a token of this process, so
no other user of the machine can reach it. Its processes end with this process, however that ends.
Its files are in a temporary folder of its own, since two instances break each other in a shared
one. Usage statistics and the dashboard are off. Ray is loaded when a cluster is asked for.

This file knows nothing of trials or of scoring.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module, util
from pathlib import Path
from typing import Any, Final

from modelwright.core.errors import (
    LONGEST,
    ConfigError,
    MissingDependencyError,
    ModelwrightError,
    brief,
)
from modelwright.core.hardware import detect
from modelwright.core.ray_folder import ray_folder
from modelwright.core.ray_nodes import check_versions
from modelwright.core.ray_reaper import MARK, reaped

_TOKEN: Final = secrets.token_hex(32)
"""Ray reads its token once in a process, so all clusters of this process have the same one."""
_guarded = False
"""Whether this file loaded Ray with the token. Later, Ray does not take one any more."""
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    # Ray prints news of dead processes on standard output, except where this pattern matches.
    "RAY_DEDUP_LOGS": "1",
    "RAY_DEDUP_LOGS_SKIP_REGEX": ".*",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
_TOKEN_MODE = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": _TOKEN}
_INSTALL = "install with: pip install 'modelwright[ray]'."
_STORE = (100 * 2**20, 1024 * 2**20)
"""Least and largest object store of an own cluster, in bytes."""
_SECONDS_TO_CONNECT = 5.0


@dataclass
class RayCluster:
    """A cluster that this process is connected to.

    Attributes:
        ray: The module ``ray``.
        address: The address that was named; empty for a cluster of its own.
        packages: The packages whose versions must be the same on all nodes.
    """

    ray: Any
    address: str
    packages: tuple[str, ...]
    _checked: set[str] = field(default_factory=set)

    @property
    def cpus(self) -> int:
        """The CPUs of all nodes that are alive."""
        return int(self.ray.cluster_resources().get("CPU", 0))

    @property
    def gpus(self) -> float:
        """The GPUs of all nodes that are alive."""
        return float(self.ray.cluster_resources().get("GPU", 0))

    def check_nodes(self) -> None:
        """Checks the versions of packages on nodes that are new since the last call.

        Raises:
            MissingDependencyError: A node has other versions than this process.
        """
        nodes = {node["NodeID"]: node for node in self.ray.nodes() if node["Alive"]}
        new = {key: node for key, node in nodes.items() if key not in self._checked}
        if new:
            check_versions(self.ray, new, self.packages)
            self._checked.update(new)


@contextmanager
def ray_cluster(
    address: str = "", *, cpus: int = 0, packages: Sequence[str] = ("modelwright",)
) -> Iterator[RayCluster]:
    """Connects to a Ray cluster while the block runs.

    Args:
        address: ``HOST:PORT`` of a cluster that this machine belongs to, or ``auto`` for the one
            that was started here; the variable RAY_ADDRESS by default. Without either, or with
            ``local``, a cluster of this machine alone is started and ended.
        cpus: CPUs of a cluster of its own; 0 for all cores.
        packages: Packages whose versions must be the same on all nodes.

    Raises:
        MissingDependencyError: Ray is not installed, or a node has other versions.
        ConfigError: The address cannot be used.
    """
    address = address or os.environ.get("RAY_ADDRESS", "")
    address = "" if address == "local" else address
    environment = _QUIET if address else _own_environment()
    with _environment(environment):
        ray = load_ray()
    if ray.is_initialized():
        raise ConfigError(
            "this process is connected to a Ray cluster already; expected none. Call"
            " ray.shutdown() first."
        )
    with _environment(environment), _kept_signals() as restore:
        try:
            if address:
                _connect(ray, address)
                restore()
                cluster = RayCluster(ray, address, tuple(packages))
                cluster.check_nodes()
                yield cluster
            else:
                with ray_folder() as folder, reaped(folder):
                    _start(ray, folder, cpus or detect().cores)
                    restore()
                    yield RayCluster(ray, "", tuple(packages))
                    ray.shutdown()
        finally:
            ray.shutdown()


def require_ray() -> None:
    """Checks that Ray is installed, and loads nothing.

    Raises:
        MissingDependencyError: Ray is not installed.
    """
    if util.find_spec("ray") is None:
        raise MissingDependencyError(f"ray not installed, which this needs; {_INSTALL}")


def load_ray() -> Any:
    """Returns the module ``ray``.

    Raises:
        MissingDependencyError: Ray is not installed, or cannot be loaded.
    """
    require_ray()
    try:
        return import_module("ray")
    except Exception as error:
        raise MissingDependencyError(
            f"ray cannot be loaded ({type(error).__name__}: {brief(error)}); {_INSTALL}"
        ) from error


def reason_of(error: BaseException) -> str:
    """Returns the reason in an error of Ray, which often holds that of another machine."""
    cause = getattr(error, "cause", None) or error
    if isinstance(cause, ModelwrightError):
        return str(cause)
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    return f"{type(cause).__name__}: {lines[-1][:LONGEST] if lines else 'no message'}"


def _own_environment() -> Mapping[str, str]:
    """Returns the environment of an own cluster, with the token where Ray takes it."""
    global _guarded
    if "RAY_AUTH_MODE" in os.environ:
        return _QUIET
    _guarded = _guarded or "ray" not in sys.modules
    return {**_QUIET, **_TOKEN_MODE} if _guarded else _QUIET


def _connect(ray: Any, address: str) -> None:
    """Connects to a named cluster."""
    if "://" in address:
        raise ConfigError(
            f"the Ray address was given {address}; expected HOST:PORT of a cluster that this"
            " machine belongs to, such as 10.0.0.1:6379, or auto. Join it with: ray start"
            " --address=HOST:PORT."
        )
    if address != "auto":
        _check_reachable(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level="ERROR")
    except Exception as failure:  # noqa: BLE001 - Ray raises many classes, undocumented ones too
        error = failure.__cause__ or failure
        if "AuthToken" in str(error) or type(error).__name__ == "AuthenticationError":
            raise ConfigError(
                f"the Ray cluster {address} demands a token; expected RAY_AUTH_MODE=token with its"
                " token in RAY_AUTH_TOKEN or in ~/.ray/auth_token, as on its first machine."
            ) from None
        raise ConfigError(
            f"the Ray cluster {address} cannot be used: {brief(error)}. This machine must belong"
            " to it, with the same versions of Ray and Python; join it with: ray start"
            f" --address={'HOST:PORT' if address == 'auto' else address}."
        ) from None


def _check_reachable(address: str) -> None:
    """Checks that something listens; Ray itself would try for a long time."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 2**16:
        raise ConfigError(
            f"the Ray address was given {address}; expected HOST:PORT, such as 10.0.0.1:6379, or"
            " auto."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), _SECONDS_TO_CONNECT).close()
    except OSError as error:
        raise ConfigError(
            f"no Ray cluster answers at {address} ({error.strerror or brief(error)}); expected the"
            " address that ray start --head printed. Leave it out for a cluster of this machine."
        ) from None


def _start(ray: Any, folder: Path, cpus: int) -> None:
    """Starts a cluster of this machine alone, on the loopback address."""
    constants: Any = import_module("ray._private.ray_constants")
    memory = (detect().memory_mib or 4096) * 2**20
    # Ray turns 127.0.0.1 into the machine's own address on Linux, unless it may not cluster.
    several, constants.ENABLE_RAY_CLUSTER = constants.ENABLE_RAY_CLUSTER, False
    try:
        with _environment({MARK: str(folder)}):
            ray.init(
                address="local",
                num_cpus=cpus,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="ERROR",
                object_store_memory=min(max(memory // 10, _STORE[0]), _STORE[1]),
                _temp_dir=str(folder),
            )
    except Exception as error:  # noqa: BLE001 - Ray raises many classes, undocumented ones too
        raise ConfigError(
            f"no Ray cluster can be started on this machine: {brief(error)}. Its files were in"
            f" {folder}; look for room on that disk and in /dev/shm."
        ) from None
    finally:
        constants.ENABLE_RAY_CLUSTER = several


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Sets variables of the environment while the block runs."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _kept_signals() -> Iterator[Any]:
    """Yields a function that restores the handler of SIGTERM, which Ray replaces."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.getsignal(signal.SIGTERM) if main else None

    def restore() -> None:
        if main and before is not None:
            signal.signal(signal.SIGTERM, before)

    try:
        yield restore
    finally:
        restore()
