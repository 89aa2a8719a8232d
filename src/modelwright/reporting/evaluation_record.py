"""The evaluations that a run keeps, read back: figures, and the answer to every row.

A file that is missing or damaged is a sentence on the page, not an error. Keys that an earlier
version did not write have no value.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field, ValidationError

from modelwright.core.stored_record import StoredRecord, describe_fault
from modelwright.core.types import FloatArray, IntArray

Interval = tuple[float, float]
Count = Annotated[int, Field(ge=0)]
PREDICTIONS = "predictions.csv"


class BaselineRecord(StoredRecord):
    """A simple model on the same rows; without an accuracy, ``note`` says why."""

    name: str
    accuracy: float | None = None
    macro_f1: float | None = None
    interval: Interval | None = None
    rows: int | None = None
    note: str | None = None


class ClassRecord(StoredRecord):
    """The figures of one class."""

    label: str
    precision: float
    recall: float
    rows: int


class MistakeRecord(StoredRecord):
    """A wrong prediction. ``probability`` is that of the predicted label."""

    origin: str
    label: str
    predicted: str
    probability: float
    text: str | None = None


class GroupRecord(StoredRecord):
    """A group of pairs of sentences, without and with a negation; shares from 0 to 1."""

    name: str
    pairs: int
    plain: float
    negated: float
    both: float


class NegationRecord(StoredRecord):
    """The negation check in one language."""

    language: str
    rows: int
    accuracy: float
    accuracy_interval: Interval
    turned: tuple[GroupRecord, ...] = ()
    kinds: tuple[GroupRecord, ...] = ()


class SeenRecord(StoredRecord):
    """Measured rows that have the content of a training row."""

    rows: int | None = None
    unchecked: str | None = None


class EvaluationRecord(StoredRecord):
    """The content of ``evaluation.json``. Shares are from 0 to 1."""

    source: str = ""
    rows: int = Field(gt=0)
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval | None = None
    majority_accuracy: float | None = None
    baselines: tuple[BaselineRecord, ...] = ()
    train_accuracy: float | None = None
    calibration_error: float | None = None
    classes: tuple[ClassRecord, ...] = ()
    confusion: tuple[tuple[Count, ...], ...] = ()
    slices: tuple[NegationRecord, ...] = ()
    mistakes: tuple[MistakeRecord, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rejected: int = 0
    trained_on: SeenRecord | None = None
    weights: str = ""
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Answers:
    """The answers to all rows of an evaluation, in their order.

    ``confidence`` is the probability of the predicted label, float32 ``[n]``.
    """

    origins: Sequence[str]
    labels: Sequence[str]
    predicted: Sequence[str]
    confidence: FloatArray

    @property
    def right(self) -> Any:
        """Whether each row is right, bool ``[n]``."""
        pairs = zip(self.labels, self.predicted, strict=True)
        return np.fromiter((label == said for label, said in pairs), bool, len(self.labels))


@dataclass(frozen=True)
class Evaluation:
    """One evaluation. ``answers`` is a reason, as a text, where they cannot be read."""

    name: str
    record: EvaluationRecord
    answers: Answers | str
    stale: bool = False
    """Whether the weights have changed since."""

    @property
    def split(self) -> str | None:
        """The split of the run's data that was measured; None for other data."""
        name = self.name.removesuffix("-tta")
        return None if name.startswith("data-") else name


def read_evaluations(run: Path, weights: str) -> tuple[list[Evaluation], list[str]]:
    """Returns the evaluations of a run, the test rows first, and a sentence on each damaged one.

    Args:
        run: the run's folder.
        weights: sha256 of its weights as they are now; empty if it is not known.
    """
    found, problems = [], []
    for file in sorted(run.glob("evaluations/*/evaluation.json"), key=_order):
        try:
            record = EvaluationRecord.model_validate(_read_json(file))
        except ValidationError as error:
            problems.append(f"{file}: {describe_fault(error)}")
            continue
        except OSError as error:
            problems.append(f"{file}: {error.strerror or error}")
            continue
        except ValueError as error:
            problems.append(f"{file}: {error}")
            continue
        stale = bool(weights and record.weights and record.weights != weights)
        answers = read_answers(file.parent / PREDICTIONS)
        found.append(Evaluation(file.parent.name, record, answers, stale))
    return found, problems


def read_answers(path: Path) -> Answers | str:
    """Returns the answers in a file, or why they cannot be read."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            lines = [
                (line["origin"], line["label"], line["predicted"], float(line["probability"]))
                for line in csv.DictReader(file)
            ]
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        return f"{path}: {type(error).__name__} {error}"
    confidence = np.array([one[3] for one in lines], np.float32)
    if not lines or not np.isfinite(confidence).all():
        return f"{path}: no rows" if not lines else f"{path}: a probability is not a number"
    origins, labels, predicted, _ = zip(*lines, strict=True)
    return Answers(origins, labels, predicted, confidence)


def confidence_table(answers: Answers, count: int = 15) -> list[tuple[float, float, int]]:
    """Returns (mean confidence, accuracy, rows) of each bin of equal width that has rows.

    The bins are those of the calibration error (Guo et al. 2017).
    """
    numbers: IntArray = np.minimum((answers.confidence * count).astype(np.int64), count - 1)
    right, found = answers.right, []
    for number in np.unique(numbers):
        inside = numbers == number
        mean, share = answers.confidence[inside].mean(), right[inside].mean()
        found.append((float(mean), float(share), int(inside.sum())))
    return found


def _read_json(file: Path) -> Any:
    """Returns the content of a JSON file, without halves of characters, which UTF-8 cannot hold."""
    content = json.loads(file.read_text("utf-8"))
    return json.loads(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))


def _order(file: Path) -> tuple[int, str]:
    name = file.parent.name
    places = ("test", "test-tta", "val", "val-tta")
    return (places.index(name) if name in places else len(places), name)
