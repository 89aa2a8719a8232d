"""Gauges that show whether requests drift away from the rows that a version was trained on.

A version that has a reference gets a window of its last answers. The event loop only keeps a sample
of the answers. A thread reads them a few times a second: it prepares each text or image once more,
which needs far less time than a model, and takes at most one hundredth of a core. A version without
a reference costs nothing.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from modelwright.core.types import FloatArray
from modelwright.monitoring.input_summary import InputSummary
from modelwright.monitoring.reference import Reference
from modelwright.monitoring.running_figures import RunningFigures
from modelwright.serve.lifecycle.exported_servable import ExportedServable
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.servable import DEFAULT
from modelwright.serve.service.answered import Answered
from modelwright.serve.service.metrics import (
    DRIFT_DISTANCE,
    DRIFT_MEAN,
    DRIFT_MEAN_REFERENCE,
    DRIFT_ROWS,
    DRIFT_SHARE,
    DRIFT_SHARE_REFERENCE,
    Metrics,
)

_SECONDS = 1.0
_ROWS = 50
"""Rows of the sample: what is read in one turn of the thread."""
_BYTES = 32 * 2**20
_TURN_SECONDS = 0.01
_GAP_SECONDS = 0.005
"""Pause after each row, so that no request waits for more than one of them."""
_PAUSE_PER_SECOND = 100.0
"""Seconds of pause for each second of the processor: more for large images than ``_SECONDS``."""

_log = logging.getLogger("modelwright.serve")


class _Row(NamedTuple):
    """One answered row of the sample."""

    model: str
    version: int
    servable: ExportedServable
    value: bytes
    probabilities: FloatArray
    """``[labels]``."""


class _Watched(NamedTuple):
    """The window of one version."""

    reference: Reference
    figures: RunningFigures


class DriftGauges:
    """The windows of all versions of one worker."""

    def __init__(self, manager: Manager, metrics: Metrics, window: int) -> None:
        """``window`` is the number of rows that each version's window keeps."""
        self._manager, self._metrics, self._window = manager, metrics, window
        self._lock = threading.Lock()
        self._sample: list[_Row] = []
        self._seen = self._size = 0
        self._draw = random.Random().random  # noqa: S311 - a choice of rows, no secret
        self._watched: dict[tuple[str, int], _Watched] = {}
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, answered: Answered) -> None:
        """Takes rows of a request into the sample, if the version has a reference."""
        servable = answered.servable
        if not isinstance(servable, ExportedServable) or servable.reference is None:
            return
        if answered.signature != DEFAULT:
            return
        (values,) = answered.inputs.values()
        probabilities = answered.outputs["probabilities"]
        with self._lock:
            for place, value in enumerate(values):
                self._seen += 1
                at = len(self._sample)
                if at >= _ROWS:
                    # Each row since the last turn is as likely to be in the sample.
                    at = int(self._draw() * self._seen)
                    if at >= _ROWS:
                        continue
                freed = len(self._sample[at].value) if at < len(self._sample) else 0
                if self._size - freed + len(value) > _BYTES:
                    continue
                self._size += len(value) - freed
                row = _Row(answered.model, answered.version, servable, value, probabilities[place])
                self._sample[at : at + 1] = [row]
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="drift", daemon=True)
            self._thread.start()

    def collect(self) -> None:
        """Shows the windows of all versions that answer now, and of no others, in the metrics."""
        with self._lock:
            live = {place: self._watch(*place, reference) for place, reference in self._live()}
            self._watched = live
        metrics = self._metrics
        metrics.averages = {}
        metrics.forget_gauge(DRIFT_ROWS)
        for (model, number), (reference, figures) in live.items():
            where = {"model_name": model, "version": str(number)}
            found = figures.figures()
            rows = found.pop("rows")
            metrics.gauge(DRIFT_ROWS, rows, **where)
            shares = figures.class_shares().items() if rows else ()
            for label, share in shares:
                metrics.average(DRIFT_SHARE, share, rows, **where, label=label)
            for label, share in zip(reference.labels, reference.class_shares, strict=True):
                metrics.average(DRIFT_SHARE_REFERENCE, float(share), 1, **where, label=label)
            for name, value in found.items():
                quantity, _, kind = name.rpartition("_")
                shown = {"mean": DRIFT_MEAN, "distance": DRIFT_DISTANCE}[kind]
                metrics.average(shown, value, rows, **where, quantity=quantity)
            for quantity, histogram in reference.quantities.items():
                mean = histogram.mean
                metrics.average(DRIFT_MEAN_REFERENCE, mean, 1, **where, quantity=quantity)

    def read_sample(self, gap: float = 0.0) -> None:
        """Adds the sample to the windows, as far as the time of one turn allows.

        Args:
            gap: seconds of pause after each row.
        """
        with self._lock:
            sample, self._sample = self._sample, []
            self._seen = self._size = 0
        until = time.thread_time() + _TURN_SECONDS
        groups: dict[tuple[str, int], list[tuple[_Row, InputSummary]]] = {}
        for row in sample:
            if time.thread_time() > until and groups:
                break
            if self._is_live(row):
                place = row.model, row.version
                groups.setdefault(place, []).append((row, row.servable.summarize([row.value])))
            time.sleep(gap)
        for (model, number), read in groups.items():
            rows, summaries = zip(*read, strict=True)
            reference = rows[-1].servable.reference
            with self._lock:
                figures = self._watch(model, number, reference).figures
            joined = {
                name: np.concatenate([summary[name] for summary in summaries])
                for name in summaries[0]
            }
            figures.add(np.stack([row.probabilities for row in rows]), joined)

    def close(self) -> None:
        """Ends the thread at its next turn."""
        self._ending.set()

    def _run(self) -> None:
        pause = _SECONDS
        while not self._ending.wait(pause):
            started = time.thread_time()
            try:
                self.read_sample(_GAP_SECONDS)
            except Exception:  # noqa: BLE001 - logged; the gauges miss these rows
                _log.exception("the gauges of drift miss some answers")
            pause = max(_SECONDS, _PAUSE_PER_SECOND * (time.thread_time() - started))

    def _watch(self, model: str, number: int, reference: Reference) -> _Watched:
        """Returns the window of a version; a new one where its folder has other files now."""
        found = self._watched.get((model, number))
        if found is None or found.reference is not reference:
            found = _Watched(reference, RunningFigures(reference, self._window))
            self._watched[model, number] = found
        return found

    def _live(self) -> Iterator[tuple[tuple[str, int], Reference]]:
        """Yields each version that answers and has a reference."""
        for name, model in self._manager.models.items():
            for number, version in model.available.items():
                servable = version.servable
                if isinstance(servable, ExportedServable) and servable.reference is not None:
                    yield (name, number), servable.reference

    def _is_live(self, row: _Row) -> bool:
        model = self._manager.models.get(row.model)
        version = model.available.get(row.version) if model else None
        return version is not None and version.servable is row.servable
