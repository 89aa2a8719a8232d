"""Counters and histograms under TensorFlow Serving's names, in Prometheus' text format.

What TensorFlow Serving has no name for begins with ``:modelwright:``.

Prometheus' own client would end the name of every counter with ``_total``, which TensorFlow
Serving's names do not. Each of several workers writes its metrics to a file. The worker that is
asked adds up all files, including those of workers that ended, so that no counter ever falls.
"""

from __future__ import annotations

import json
import os
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelwright.core.files import write_text

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BOUNDS = tuple(10 * 1.8**power for power in range(32))
"""Upper bounds of the histograms' buckets, in microseconds, as TensorFlow Serving has them."""

REQUESTS = ":tensorflow:serving:request_count"
LATENCY = ":tensorflow:serving:request_latency"
RUNTIME = ":tensorflow:serving:runtime_latency"
LOADS = ":tensorflow:cc:saved_model:load_attempt_count"
LOAD_LATENCY = ":tensorflow:cc:saved_model:load_latency"
EXPLAINED = ":modelwright:serving:explain_count"
EXPLAIN_TIME = ":modelwright:serving:explain_latency"
EXPLAIN_WAITING = ":modelwright:serving:explain_waiting"
RECORDED = ":modelwright:serving:record_count"
RECORD_DROPPED = ":modelwright:serving:record_dropped_count"
RECORD_DELETED = ":modelwright:serving:record_deleted_count"
RECORD_STOPPED = ":modelwright:serving:record_stopped"
DRIFT_ROWS = ":modelwright:serving:drift_rows"
DRIFT_SHARE = ":modelwright:serving:drift_class_share"
DRIFT_SHARE_REFERENCE = ":modelwright:serving:drift_class_share_reference"
DRIFT_MEAN = ":modelwright:serving:drift_mean"
DRIFT_MEAN_REFERENCE = ":modelwright:serving:drift_mean_reference"
DRIFT_DISTANCE = ":modelwright:serving:drift_distance"
_HELP = {
    REQUESTS: ("counter", "The total number of requests."),
    LATENCY: ("histogram", "Distribution of wall time (in microseconds) of a request."),
    RUNTIME: ("histogram", "Distribution of wall time (in microseconds) of a model's run."),
    LOADS: ("counter", "The number of times a version was loaded or failed to."),
    LOAD_LATENCY: ("counter", "Latency in microseconds for loads that succeeded."),
    EXPLAINED: ("counter", "The total number of requests to explain answers."),
    EXPLAIN_TIME: (
        "histogram",
        "Distribution of time (in microseconds) in the process that explains.",
    ),
    EXPLAIN_WAITING: ("gauge", "The number of requests that wait to be explained."),
    RECORDED: ("counter", "The total number of rows written to files of recorded answers."),
    RECORD_DROPPED: ("counter", "The total number of rows that could not be recorded."),
    RECORD_DELETED: ("counter", "The total number of old files of recorded answers deleted."),
    RECORD_STOPPED: ("gauge", "The number of workers whose recording stopped after an error."),
    DRIFT_ROWS: ("gauge", "The number of last answers that the gauges of drift are about."),
    DRIFT_SHARE: ("gauge", "The share of a class among the last answers."),
    DRIFT_SHARE_REFERENCE: ("gauge", "The share of a class among the answers of the reference."),
    DRIFT_MEAN: ("gauge", "The mean of a quantity over the last requests."),
    DRIFT_MEAN_REFERENCE: ("gauge", "The mean of a quantity over the rows of the reference."),
    DRIFT_DISTANCE: ("gauge", "How far the last requests are from the reference, from 0 to 1."),
}
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]


@dataclass
class Histogram:
    """The count of each bucket, the last one without a bound, and the sum of all values."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def add(self, value: float) -> None:
        """Counts one value."""
        self.counts[bisect_left(BOUNDS, value)] += 1
        self.total += value


class Metrics:
    """The counters, histograms and gauges of one worker."""

    def __init__(self) -> None:
        self.gauges: dict[Key, float] = {}
        self.counters: dict[Key, float] = {}
        self.histograms: dict[Key, Histogram] = {}
        self.averages: dict[Key, tuple[float, float]] = {}
        """Gauges whose values several workers average: the weighted sum, and the weight."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """Increases a counter."""
        key = name, tuple(labels.items())
        self.counters[key] = self.counters.get(key, 0) + amount

    def histogram(self, name: str, **labels: str) -> Histogram:
        """Returns a histogram, which is the same object for the same labels."""
        return self.histograms.setdefault((name, tuple(labels.items())), Histogram())

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Sets what a gauge shows now; the gauge of all workers is the sum."""
        self.gauges[name, tuple(labels.items())] = value

    def forget_gauge(self, name: str) -> None:
        """Removes a gauge with all its labels."""
        self.gauges = {key: value for key, value in self.gauges.items() if key[0] != name}

    def average(self, name: str, value: float, weight: float, **labels: str) -> None:
        """Sets what a gauge shows now; the gauge of all workers is the weighted mean."""
        self.averages[name, tuple(labels.items())] = value * weight, weight

    def count_load(self, folder: Path, success: bool, seconds: float) -> None:
        """Counts an attempt to load a version."""
        path = str(folder)
        self.count(LOADS, model_path=path, status="success" if success else "fail")
        if success:
            self.count(LOAD_LATENCY, round(seconds * 1e6), model_path=path)

    def to_json(self) -> str:
        """Returns all values as text for another worker."""
        # Another thread may add a key meanwhile, which a list that is made at once allows.
        histograms = list(self.histograms.items())
        return json.dumps(
            {
                "counters": [[*key, value] for key, value in list(self.counters.items())],
                "histograms": [[*key, h.counts, h.total] for key, h in histograms],
                "gauges": [[*key, value] for key, value in list(self.gauges.items())],
                "averages": [[*key, *pair] for key, pair in list(self.averages.items())],
            }
        )

    def add_json(self, text: str, *, running: bool = True) -> None:
        """Adds the values of another worker; without its gauges if it no longer runs."""
        record = json.loads(text)
        for name, labels, value in record["gauges"] if running else ():
            key = _key(name, labels)
            self.gauges[key] = self.gauges.get(key, 0) + value
        for name, labels, total, weight in record["averages"] if running else ():
            key = _key(name, labels)
            before = self.averages.get(key, (0, 0))
            self.averages[key] = before[0] + total, before[1] + weight
        for name, labels, value in record["counters"]:
            key = _key(name, labels)
            self.counters[key] = self.counters.get(key, 0) + value
        for name, labels, counts, total in record["histograms"]:
            key = _key(name, labels)
            known = self.histograms.setdefault(key, Histogram())
            known.counts = [a + b for a, b in zip(known.counts, counts, strict=True)]
            known.total += total

    def render(self) -> str:
        """Returns all values in Prometheus' text format."""
        means = {key: total / weight for key, (total, weight) in self.averages.items()}
        found: dict[str, list[str]] = {}
        for (name, labels), value in (*self.counters.items(), *self.gauges.items(), *means.items()):
            found.setdefault(name, []).append(f"{name}{_label_text(labels)} {_digits(value)}")
        for (name, labels), histogram in self.histograms.items():
            found.setdefault(name, []).extend(_buckets(name, labels, histogram))
        lines: list[str] = []
        for name, (kind, description) in _HELP.items():
            if name in found:
                head = [f"# HELP {name} {description}", f"# TYPE {name} {kind}"]
                lines += [*head, *found[name]]
        return "\n".join(lines) + "\n"


class SharedMetrics:
    """The metrics of all workers: this one's, and those that the others wrote to a folder."""

    def __init__(self, own: Metrics, folder: Path | None, worker: str) -> None:
        self._own, self._folder, self._worker = own, folder, worker
        self.collect: Callable[[], None] = lambda: None
        """Brings this worker's gauges up to date; called in the event loop."""

    def write(self) -> None:
        """Writes this worker's metrics for the others."""
        if self._folder:
            write_text(self._folder / f"{self._worker}.json", self._own.to_json())

    def render(self) -> str:
        """Returns the sum of all workers in Prometheus' text format."""
        self.collect()
        total = Metrics()
        total.add_json(self._own.to_json())
        for path in self._others():
            try:
                total.add_json(path.read_text("utf-8"), running=_runs(path.stem))
            except OSError:
                continue
        return total.render()

    def _others(self) -> Iterable[Path]:
        if not self._folder:
            return ()
        return [p for p in self._folder.glob("*.json") if p.stem != self._worker]


def _runs(worker: str) -> bool:
    """Whether a worker, named by the ID of its process, still runs."""
    try:
        os.kill(int(worker), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _digits(value: float) -> str:
    """Returns all digits of a number: the rate of a counter is a small difference of large ones."""
    return str(int(value)) if float(value).is_integer() else repr(value)


def _key(name: str, labels: Iterable[tuple[str, str]]) -> Key:
    return name, tuple((label, value) for label, value in labels)


def _label_text(labels: Labels, more: Mapping[str, str] | None = None) -> str:
    pairs = (*labels, *(more or {}).items())
    if not pairs:
        return ""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in pairs) + "}"


def _buckets(name: str, labels: Labels, histogram: Histogram) -> list[str]:
    lines, below = [], 0
    for bound, count in zip((*BOUNDS, float("inf")), histogram.counts, strict=True):
        below += count
        shown = "+Inf" if bound == float("inf") else f"{bound:g}"
        lines.append(f"{name}_bucket{_label_text(labels, {'le': shown})} {below}")
    lines.append(f"{name}_sum{_label_text(labels)} {_digits(histogram.total)}")
    lines.append(f"{name}_count{_label_text(labels)} {below}")
    return lines
