"""Processes that train one model together, and what they must agree on.

JAX connects them. Each holds all weights and computes the gradients of its part of every batch, and
the gradients are summed. So all of them take the same steps, and must take the same decisions: the
order of what they ask of each other may not differ.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.errors import ConfigError, ModelwrightError, RunError, brief
from modelwright.core.types import Progress
from modelwright.training.cluster_settings import RUN_PLACE, Cluster, lost_message

_LOST_SECONDS = 10
"""Seconds without a sign of life after which a process counts as lost."""
_START_SECONDS = 300
_PIECE = 64 * 2**20  # bytes that are sent at once
_MESSAGE = 512  # bytes of the reason that a process sends the others
_AGREE_SECONDS = 0.5
_JAX_SETTINGS = {
    "jax_cpu_collectives_implementation": "gloo",
    "jax_enable_preemption_service": False,  # it takes SIGTERM for a notice to save, and goes on
    "jax_check_proxy_envs": False,  # it warns of every variable with "proxy" in its name
}
_EXCHANGE = ("Gloo", "NCCL", "oordination", "onnection", "barrier")
"""Parts of the messages with which JAX says that another process is gone."""


class ProcessGroup:
    """The processes that train together; this one alone where no cluster is given."""

    def __init__(self, cluster: Cluster | None = None) -> None:
        self.cluster = cluster
        self.rank = cluster.rank if cluster else 0
        self.processes = cluster.processes if cluster else 1
        self._next_agreement = 0
        self._last_agreement = 0.0
        self._every = 1
        self._run: Path | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None

    @property
    def writes(self) -> bool:
        """Whether this process writes the run."""
        return self.rank == 0

    def broadcast(self, data: bytes = b"") -> bytes:
        """Returns the bytes that rank 0 gives, in all processes."""
        if self.processes == 1:
            return data
        length = np.frombuffer(len(data).to_bytes(8, "big"), np.uint8)
        size = int.from_bytes(self._broadcast_array(length).tobytes(), "big")
        pieces = []
        for begin in range(0, size, _PIECE):
            end = min(begin + _PIECE, size)
            own = np.zeros(end - begin, np.uint8)
            if self.writes:
                own = np.frombuffer(data[begin:end], np.uint8)
            pieces.append(self._broadcast_array(own).tobytes())
        return b"".join(pieces)

    def agree_on(self, values: Mapping[str, float]) -> dict[str, float]:
        """Returns the values of rank 0, so that all processes decide by the same figures."""
        if self.processes == 1:
            return dict(values)
        names = sorted(values)
        own = np.array([float(values[name]) for name in names], np.float64)
        shared = np.frombuffer(self.broadcast(own.tobytes()), np.float64)
        return dict(zip(names, map(float, shared), strict=True))

    def any(self, flag: bool) -> bool:
        """Returns whether the flag is set in one of the processes."""
        if self.processes == 1:
            return flag
        return bool(self._gather(np.array([flag], np.uint8)).any())

    def asked_to_stop(self, step: int, flag: bool) -> bool:
        """Returns whether one of the processes is to stop after this step, the same in all.

        To ask costs a round over the network. So it is done about twice a second, after steps that
        rank 0 chooses by the time that the steps take.

        Args:
            step: the number of the step, which rises by one.
            flag: whether this process was asked to stop.
        """
        if self.processes == 1:
            return flag
        if step < self._next_agreement:
            return False
        took = time.monotonic() - self._last_agreement
        if self._last_agreement:
            pace = self._every * _AGREE_SECONDS / max(took, 1e-3)
            self._every = int(np.clip(pace, 1, 2 * self._every + 1))
        answers = self._gather(np.array([flag, self._every], np.int32))
        self._last_agreement = time.monotonic()
        self._every = int(answers[0, 1])  # each process measured a time of its own
        self._next_agreement = step + self._every
        return bool(answers[:, 0].any())

    @contextmanager
    def preparing(self) -> Iterator[dict[str, str]]:
        """Yields a dict for what must be the same in all processes, by its name.

        At the end of the block the processes compare it. If one of them failed, all end.

        Raises:
            RunError: another process failed, or has other settings or other rows.
        """
        facts: dict[str, str] = {}
        if self.processes == 1:
            yield facts
            return
        try:
            yield facts
        except (ModelwrightError, OSError) as error:
            with suppress(Exception):
                self._share("error", brief(error))
            raise
        texts = self._share("facts", "\n".join(f"{key}\t{value}" for key, value in facts.items()))
        for rank, (kind, text) in enumerate(texts):
            if kind == "error":
                raise RunError(f"the process with rank {rank} cannot begin: {text}")
        first = dict(line.split("\t", 1) for line in texts[0][1].splitlines())
        for rank, (_, text) in enumerate(texts):
            other = dict(line.split("\t", 1) for line in text.splitlines())
            for name, value in first.items():
                if other.get(name) != value:
                    raise ConfigError(
                        f"the process with rank {rank} has other {name} than rank 0"
                        f" ({str(other.get(name))[:12]}, {value[:12]}); one training needs the"
                        " same in all processes. Start all with the same command and the same"
                        " files; cluster.use=none trains in each process apart."
                    )

    def run_folder(self, folder: Path | None) -> Path | None:
        """Returns the folder of rank 0, and in other processes a temporary one of their own."""
        if self.writes:
            return folder
        temporary = tempfile.TemporaryDirectory(prefix="modelwright-rank-")
        self._temporary = temporary  # deleted when the process ends, if not before
        return Path(temporary.name) / "run"

    def delete_folder(self) -> None:
        """Deletes the temporary folder of a process that does not write the run."""
        if self._temporary:
            self._temporary.cleanup()

    def announce(self, run: Path) -> None:
        """Tells the command that started this process where the run is."""
        self._run = run if self.writes else None
        if self.writes and (place := os.environ.get(RUN_PLACE)):
            with suppress(OSError):
                Path(place).write_text(str(run), "utf-8")

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Turns the failure of an exchange with another process into an error for the user.

        Raises:
            RunError: another process has ended or cannot be reached.
        """
        try:
            yield
        except (RuntimeError, ValueError) as error:  # JAX raises both
            if self.processes == 1 or not any(word in str(error) for word in _EXCHANGE):
                raise
            raise RunError(lost_message(self.processes, self._run)) from None

    def share_files(self, run: Path, names: tuple[str, ...]) -> Path:
        """Copies files of a run from rank 0 to the other processes; returns this one's folder."""
        folder = self.run_folder(run) or run
        if self.processes == 1:
            return folder
        for name in names:
            exists = self.writes and (run / name).is_file()
            present = self.broadcast(bytes([exists]))
            if not present[0]:
                continue
            content = self.broadcast((run / name).read_bytes() if self.writes else b"")
            if not self.writes:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        return folder

    def leave(self) -> None:
        """Ends the connection, after which each process computes alone; deletes what it kept."""
        self.delete_folder()
        if self.processes > 1:
            import jax

            connection: Any = jax.distributed
            with suppress(Exception):  # the training is done, whatever becomes of the others
                connection.shutdown()

    def _share(self, kind: str, text: str) -> list[tuple[str, str]]:
        """Returns the texts that all processes give, in the order of their ranks."""
        line = f"{kind}\n{text}".encode()[:_MESSAGE].ljust(_MESSAGE, b"\0")
        rows = self._gather(np.frombuffer(line, np.uint8))
        found = []
        for row in rows:
            kind, _, text = row.tobytes().rstrip(b"\0").decode(errors="ignore").partition("\n")
            found.append((kind, text))
        return found

    def _broadcast_array(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        from jax.experimental import multihost_utils

        with self.watched():
            return np.asarray(multihost_utils.broadcast_one_to_all(array))

    def _gather(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns the arrays of all processes, ``[processes, …]``."""
        from jax.experimental import multihost_utils

        with self.watched():
            return np.asarray(multihost_utils.process_allgather(array))


def join(cluster: Cluster | None, progress: Progress | None = None) -> ProcessGroup:
    """Connects this process with the others, before JAX looks for devices.

    Raises:
        ConfigError: JAX has computed in this process before, or the others cannot be reached.
    """
    group = ProcessGroup(cluster)
    if cluster is None:
        return group
    import jax

    if progress:
        progress(f"waiting for {cluster.processes} processes at {cluster.coordinator}", 0, 0)
    config: Any = jax.config
    for name, value in _JAX_SETTINGS.items():
        with suppress(AttributeError):  # another version of JAX may not have it
            config.update(name, value)
    try:
        jax.distributed.initialize(
            cluster.coordinator,
            cluster.processes,
            cluster.rank,
            cluster_detection_method="deactivate",
            initialization_timeout=int(os.environ.get("MODELWRIGHT_JOIN_SECONDS", _START_SECONDS)),
            heartbeat_timeout_seconds=_LOST_SECONDS,
            shutdown_timeout_seconds=_LOST_SECONDS,
            # Other machines must not reach what only this one uses.
            coordinator_bind_address=cluster.coordinator if cluster.local else None,
        )
    except RuntimeError as error:
        if "before" in str(error):
            raise ConfigError(
                "JAX has computed in this process already, so it cannot join others; start the"
                " training in a new process."
            ) from None
        raise ConfigError(
            f"the {cluster.processes} processes did not meet at {cluster.coordinator}:"
            f" {brief(error)} Start all of them with the same --processes and --coordinator, within"
            f" {_START_SECONDS} seconds, and let them reach this address."
        ) from None
    return group
