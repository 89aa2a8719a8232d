"""What carries out trials on the nodes of a Ray cluster: an actor with one worker process.

The worker is that of the runner ``local``, so a trial is the same everywhere, and its crash leaves
the actor alive. The actor trains in the run's own folder where it shares it with the search.
Otherwise it trains in a temporary folder and sends what changed after each epoch.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelwright.core.ray_folder import ray_folder
from modelwright.runs.lock import is_locked
from modelwright.trials.local_runner import LocalRunner
from modelwright.trials.ray_data import LackingDataError, SentSource, find_data
from modelwright.trials.ray_files import (
    ChangedFiles,
    Stamps,
    changed_since,
    relocate_run,
    stamp_files,
    with_paths,
)
from modelwright.trials.runner import Event, TrialEnded
from modelwright.trials.trial import Trial

_THREADS = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")

_SECONDS_TO_END = 20.0


@dataclass(frozen=True)
class Order:
    """A trial for a host.

    Attributes:
        trial: The trial, with absolute paths of the machine of the search.
        marker: A file next to the run, with a random text.
        token: That text.
        files: A reference to the files of the run so far, in a list; empty before the first.
        results: The files of results of the run so far, by their names.
        sources: The data.
    """

    trial: Trial
    marker: Path
    token: str
    files: Sequence[Any]
    results: Mapping[str, bytes]
    sources: Sequence[SentSource]


@dataclass(frozen=True)
class HostEvent:
    """An event of a trial with what changed in its run.

    Attributes:
        event: The event.
        files: What changed; None where the run's folder is shared.
        results: The files of results of the run; empty where the folder is shared.
    """

    event: Event
    files: ChangedFiles | None
    results: Mapping[str, bytes]


class TrialHost:
    """Carries out one trial at a time."""

    def __init__(self, folder: str, threads: int) -> None:
        """Starts no process yet.

        Args:
            folder: The working folder of the search, which relative paths start from.
            threads: The number of threads of a training, unless the environment sets it.
        """
        self._open = ExitStack()
        self._made: Path | None = None
        self._same_folder = False
        with suppress(OSError):
            os.chdir(folder)
            self._same_folder = True
        for name in _THREADS:
            os.environ.setdefault(name, str(threads))
        self._runner = LocalRunner(1)
        self._order: Order | None = None
        self._here: Trial | None = None
        self._stamps: Stamps = {}

    def ready(self) -> str:
        """Returns the ID of the node."""
        import ray

        return str(ray.get_runtime_context().get_node_id())

    def begin(self, order: Order) -> Mapping[str, str] | tuple[str, ...]:
        """Starts a trial, or goes on with its run.

        Returns:
            Where the data is here, by the paths in the config that had to change. Or, without a
            start, the sources that this machine lacks.
        """
        import ray

        trial = order.trial
        try:
            places = find_data(ray, order.sources, self._folder, same_folder=self._same_folder)
        except LackingDataError as error:
            return error.written
        if not _shares(order):
            place = Path(tempfile.mkdtemp(dir=self._folder()))
            trial = replace(
                trial, run=place / trial.run.name, result=place / "results" / trial.result.name
            )
            trial.result.parent.mkdir()
            if order.files:
                files: ChangedFiles = ray.get(order.files[0])
                files.write(trial.run)
            for name, content in order.results.items():
                (trial.result.parent / name).write_bytes(content)
        elif trial.begun:
            _wait_for_end(trial.run)
        relocate_run(trial.run, places)
        self._stamps = stamp_files(trial.run)
        self._order, self._here = order, trial
        self._runner.start(replace(trial, config=with_paths(trial.config, places)))
        return places

    def next(self) -> HostEvent:
        """Waits for the next event."""
        event = self._runner.next_event()
        order, here = self._order, self._here
        if event is None or order is None or here is None:
            raise RuntimeError("no trial runs here.")
        if isinstance(event, TrialEnded):
            self._order = self._here = None
        if here.run == order.trial.run:
            return HostEvent(event, None, {})
        files, self._stamps = changed_since(here.run, self._stamps)
        results = read_results(here)
        return HostEvent(event, files, results)

    def answer(self, *, go_on: bool) -> None:
        """Answers a finished epoch."""
        if self._here is not None:
            self._runner.answer(self._here.key, go_on=go_on)

    def _folder(self) -> Path:
        """Returns the temporary folder of this actor, made at the first use.

        An actor that is killed leaves it, and the next one on this machine deletes it.
        """
        if self._made is None:
            self._made = self._open.enter_context(ray_folder())
        return self._made

    def close(self) -> None:
        """Ends the worker process, and deletes the temporary folder."""
        self._runner.close()
        self._open.close()


def read_results(trial: Trial) -> dict[str, bytes]:
    """Returns the files of results of a run by their names. Some trials share a run."""
    folder = trial.result.parent
    names = {trial.result.name, *(path.name for path in folder.glob(f"{trial.run.name}.*.json"))}
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def _wait_for_end(run: Path) -> None:
    """Waits until the process that trained a run has noticed that its actor died."""
    deadline = time.monotonic() + _SECONDS_TO_END
    while is_locked(run) and time.monotonic() < deadline:
        time.sleep(0.1)


def _shares(order: Order) -> bool:
    """Returns whether this machine reads and writes the folder of the run."""
    try:
        found = order.marker.read_text("utf-8")
    except (OSError, ValueError):
        return False
    return found == order.token and os.access(order.marker.parent, os.W_OK)
