"""Running figures: the last requests of a served model, compared with its reference.

It keeps one number for each quantity and request, and no input. Needs only numpy.
"""

from __future__ import annotations

import threading

import numpy as np

from modelwright.core.types import FloatArray, IntArray
from modelwright.monitoring.distances import largest_gap, total_variation
from modelwright.monitoring.input_summary import InputSummary, with_confidence
from modelwright.monitoring.quantities import bins_of
from modelwright.monitoring.reference import Reference

CLASSES = "classes"


class RunningFigures:
    """The figures of the last rows that a model answered. Threads may share it."""

    def __init__(self, reference: Reference, window: int) -> None:
        """Takes the reference of a model, and the number of rows to keep.

        Raises:
            ValueError: the window is below 1.
        """
        if window < 1:
            raise ValueError(f"the window was given {window} rows; expected 1 or more")
        self._reference, self._window = reference, window
        self._lock = threading.Lock()
        self._rows = self._next = 0
        # The columns are the class, and the value and the bin of each quantity.
        self._classes = np.zeros(window, np.int64)
        self._values = {name: np.zeros(window) for name in reference.quantities}
        self._bins = {name: np.zeros(window, np.int64) for name in reference.quantities}
        self._class_counts = np.zeros(len(reference.labels), np.int64)
        self._counts = {
            name: np.zeros_like(one.counts) for name, one in reference.quantities.items()
        }

    def add(self, probabilities: FloatArray, summary: InputSummary) -> None:
        """Adds answered rows; the oldest leave where the window is full.

        Args:
            probabilities: class probabilities ``[n, classes]``.
            summary: what ``summarize_inputs`` returned for the same rows.
        """
        kept = slice(max(0, len(probabilities) - self._window), None)
        probabilities = np.asarray(probabilities)[kept]
        if not len(probabilities):
            return
        values = with_confidence({name: one[kept] for name, one in summary.items()}, probabilities)
        classes = probabilities.argmax(axis=1).astype(np.int64)
        bins = {
            name: bins_of(values[name], one.edges)
            for name, one in self._reference.quantities.items()
        }
        with self._lock:
            at = (self._next + np.arange(len(classes))) % self._window
            old = at[at < self._rows]
            _move(self._class_counts, self._classes[old], classes)
            self._classes[at] = classes
            for name, found in bins.items():
                _move(self._counts[name], self._bins[name][old], found)
                self._bins[name][at], self._values[name][at] = found, values[name]
            self._next = int(at[-1] + 1) % self._window
            self._rows = min(self._window, self._rows + len(classes))

    def figures(self) -> dict[str, float]:
        """Returns ``rows``, and the mean and distance of each quantity; only ``rows`` if it is 0.

        ``classes_distance`` is the share of answers that moved to other classes. ``NAME_mean`` is
        the mean of a quantity. ``NAME_distance``, from 0 to 1, is the largest difference between
        the shares of rows below a value, in the window and in the reference.
        """
        with self._lock:
            rows = self._rows
            found: dict[str, float] = {"rows": float(rows)}
            if not rows:
                return found
            classes = total_variation(self._class_counts, self._reference.class_counts)
            found[f"{CLASSES}_distance"] = float(classes)
            for name, one in self._reference.quantities.items():
                found[f"{name}_mean"] = float(self._values[name][:rows].mean())
                found[f"{name}_distance"] = float(largest_gap(self._counts[name], one.counts))
        return found

    def class_shares(self) -> dict[str, float]:
        """Returns the share of each label among the answers; 0 for all before the first row."""
        with self._lock:
            shares = (self._class_counts / max(1, self._rows)).tolist()
        return dict(zip(self._reference.labels, shares, strict=True))


def _move(counts: IntArray, left: IntArray, came: IntArray) -> None:
    """Takes the bins of rows that left out of the counts, and adds those of rows that came."""
    counts -= np.bincount(left, minlength=len(counts))
    counts += np.bincount(came, minlength=len(counts))
