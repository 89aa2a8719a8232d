"""The reference: what a model's rows and answers looked like when it was exported.

It holds counts and moments, no row and no text. Its file, ``reference.json``, lies in the folder of
a version; servables of earlier versions have none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from modelwright.core.errors import ServableError
from modelwright.core.files import write_text
from modelwright.core.types import IntArray, Task
from modelwright.monitoring.quantities import QUANTITIES, count_values

FORMAT = 1
REFERENCE = "reference.json"
_DIGITS = 6


@dataclass(frozen=True)
class Histogram:
    """The values of a quantity: their mean, and how many are in each bin.

    Attributes:
        mean: The mean of the values.
        edges: The edges between the bins, in rising order; the outer bins are open.
        counts: The number of values in each bin, int64 ``[edges + 1]``.
    """

    mean: float
    edges: tuple[float, ...]
    counts: IntArray

    @classmethod
    def of(cls, values: npt.NDArray[np.float64], edges: Sequence[float]) -> Histogram:
        """Returns the histogram of at least one value."""
        return cls(float(values.mean()), tuple(edges), count_values(values, edges))


@dataclass(frozen=True)
class FeatureMoments:
    """The inputs of a network's last layer, called features, without any row of them.

    ``mean_embedding`` and ``covariance`` are those of random Fourier features (Rahimi and Recht
    2007), whose mean is what the maximum mean discrepancy compares.

    Attributes:
        tensor: The name of the features in the network's file.
        mean: The mean of each feature, ``[d]``.
        deviation: The standard deviation of each feature, ``[d]``.
        bandwidth: The bandwidth of the Gaussian kernel.
        mean_embedding: The mean of the Fourier features, ``[m]``.
        covariance: Their covariance, ``[m, m]``.
    """

    tensor: str
    mean: npt.NDArray[np.float64]
    deviation: npt.NDArray[np.float64]
    bandwidth: float
    mean_embedding: npt.NDArray[np.float64]
    covariance: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Reference:
    """The statistics of a model on rows of its data.

    Attributes:
        task: What the model classifies.
        labels: The names of its classes.
        rows: The number of rows behind the statistics.
        split: The rows' split: ``test``, ``val``, or ``train`` where none is held out.
        class_counts: How often each class is the answer, int64 ``[classes]``.
        confusion: Counts ``[true, predicted]`` of the same rows, int64.
        quantities: The histogram of each quantity of ``QUANTITIES``.
        words: Maps frequent tokens to the number of texts with them; empty for images.
        features: Moments of the features; None where the network has none.
    """

    task: Task
    labels: tuple[str, ...]
    rows: int
    split: str
    class_counts: IntArray
    confusion: IntArray
    quantities: Mapping[str, Histogram]
    words: Mapping[str, int] = field(default_factory=dict)
    features: FeatureMoments | None = None

    @property
    def class_shares(self) -> npt.NDArray[np.float64]:
        """The share of each class among the answers, ``[classes]``."""
        return self.class_counts / self.rows

    @property
    def held_out(self) -> bool:
        """Whether the model was not trained on the rows."""
        return self.split != "train"

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        quantities = {
            name: {
                "mean": _short(one.mean),
                "edges": list(one.edges),
                "counts": one.counts.tolist(),
            }
            for name, one in self.quantities.items()
        }
        features = None
        if self.features:
            moments = vars(self.features).items()
            features = {
                key: value if isinstance(value, str) else _short(value) for key, value in moments
            }
        return {
            "format": FORMAT,
            "task": self.task,
            "labels": list(self.labels),
            "rows": self.rows,
            "split": self.split,
            "class_counts": self.class_counts.tolist(),
            "confusion": self.confusion.tolist(),
            "quantities": quantities,
            "words": dict(self.words),
            "features": features,
        }


def write_reference(folder: Path, reference: Reference) -> Path:
    """Writes ``reference.json`` into the folder of a version, and returns its path."""
    path = folder / REFERENCE
    # One line: with an indent, the matrix of covariances would be most of the file.
    write_text(path, json.dumps(reference.to_dict(), ensure_ascii=False) + "\n")
    return path


def read_reference(folder: Path) -> Reference | None:
    """Returns the reference in the folder of a version; None for a servable without one.

    Raises:
        ServableError: the file is damaged, or of a later format.
    """
    path = folder / REFERENCE
    if not path.is_file():
        return None
    try:
        record = json.loads(path.read_text("utf-8"))
        if record["format"] != FORMAT:
            raise ServableError(
                f"{path} has format {record['format']!r}; this version reads {FORMAT}. Install a"
                " later version of modelwright."
            )
        return reference_from_record(record)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ServableError(f"{path} cannot be read: {type(error).__name__} {error}.") from None


def reference_from_record(record: Mapping[str, Any]) -> Reference:
    """Returns the reference that a JSON object describes.

    Raises:
        KeyError, TypeError: a key is missing, or a value has another type.
        ValueError: values do not belong together.
    """
    task, labels, rows = record["task"], tuple(map(str, record["labels"])), int(record["rows"])
    if task not in QUANTITIES or len(labels) < 2 or rows < 1:
        raise ValueError(f"task {task!r} with {len(labels)} labels and {rows} rows")
    quantities = {
        name: _read_histogram(name, record["quantities"][name], rows)
        for name in QUANTITIES[cast("Task", task)]
    }
    words = {str(word): int(count) for word, count in record["words"].items()}
    if not all(0 <= count <= rows for count in words.values()):
        raise ValueError(f"a word is in more than {rows} texts")
    return Reference(
        task=task,
        labels=labels,
        rows=rows,
        split=str(record["split"]),
        class_counts=_read_counts("class_counts", record["class_counts"], (len(labels),), rows),
        confusion=_read_counts("confusion", record["confusion"], (len(labels), len(labels)), rows),
        quantities=quantities,
        words=words,
        features=_read_features(record["features"]),
    )


def _read_histogram(name: str, record: Mapping[str, Any], rows: int) -> Histogram:
    edges = tuple(map(float, record["edges"]))
    if list(edges) != sorted(set(edges)) or not np.isfinite(edges).all():
        raise ValueError(f"the edges of {name} do not rise")
    counts = _read_counts(name, record["counts"], (len(edges) + 1,), rows)
    return Histogram(float(record["mean"]), edges, counts)


def _read_counts(name: str, values: Any, shape: tuple[int, ...], total: int) -> IntArray:
    counts = np.asarray(values, np.int64)
    if counts.shape != shape or (counts < 0).any() or counts.sum() != total:
        raise ValueError(f"{name} has not {shape} counts of {total} rows")
    return counts


def _read_features(record: Mapping[str, Any] | None) -> FeatureMoments | None:
    if record is None:
        return None
    mean, deviation, embedding, covariance = (
        np.asarray(record[key], np.float64)
        for key in ("mean", "deviation", "mean_embedding", "covariance")
    )
    shapes = mean.shape == deviation.shape and covariance.shape == embedding.shape * 2
    finite = all(np.isfinite(one).all() for one in (mean, deviation, embedding, covariance))
    bandwidth = float(record["bandwidth"])
    if not (mean.ndim == embedding.ndim == 1 and shapes and finite and 0 < bandwidth < np.inf):
        raise ValueError("the moments of the features do not belong together")
    return FeatureMoments(str(record["tensor"]), mean, deviation, bandwidth, embedding, covariance)


def _short(values: Any) -> Any:
    """Returns numbers with as many digits as a statistic needs, for a small file."""
    if isinstance(values, np.ndarray):
        return [_short(value) for value in values.tolist()]
    if isinstance(values, list):
        return [_short(value) for value in values]
    return float(f"{values:.{_DIGITS}g}")
