"""Soft labels: a teacher's class probabilities, of unlabeled texts and of labeled rows.

They are a file of the run, ``soft_labels.npz``, so that a training can be resumed without the
scorer that they came from. They belong to contents, in any order of the rows.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from modelwright.core.errors import RunError
from modelwright.core.files import write_atomic
from modelwright.core.types import FloatArray, IntArray, RawInput, Rows, Split
from modelwright.data.digests import Digests, hash_texts

SOFT_LABELS = "soft_labels.npz"


@dataclass(frozen=True)
class SoftLabels:
    """Class probabilities by content.

    Attributes:
        teacher: the name of what they come from.
        digests: content hashes, uint64 ``[n, 2]``.
        probabilities: float32 ``[n, classes]``.
        labeled: those of labeled rows, by content; None without any.
        weight: share of the teacher's probabilities in the targets of labeled rows, 0 to 1.
    """

    teacher: str
    digests: Digests
    probabilities: FloatArray
    labeled: SoftLabels | None = None
    weight: float = 0.0

    @property
    def fingerprint(self) -> str:
        """The sha256 of the contents with their probabilities, in any order."""
        order = np.lexsort(self.digests.T[::-1])
        probabilities = self.probabilities[order].astype(np.float32)
        more = f"{self.labeled.fingerprint} {self.weight}".encode() if self.labeled else b""
        content = self.digests[order].tobytes() + probabilities.tobytes() + more
        return hashlib.sha256(content).hexdigest()

    def mix(self, split: Split, targets: Any) -> FloatArray:
        """Returns the targets of labeled rows with a share of the teacher's probabilities.

        Args:
            split: the labeled rows.
            targets: their one-hot rows ``[n, classes]``; or ``[n, 1]``, 1 for the second class.

        Raises:
            RunError: a row has no soft label.
        """
        if self.labeled is None:
            return np.asarray(targets)
        place = {row.tobytes(): at for at, row in enumerate(self.labeled.digests)}
        keys = [row.tobytes() for row in row_digests(split)]
        if missing := sum(key not in place for key in keys):
            raise RunError(
                f"{missing:,} of {len(keys):,} training rows have no answer of the teacher"
                f" {self.teacher}; expected the rows that it answered. Distill again."
            )
        answers = self.labeled.probabilities[[place[key] for key in keys]]
        answers = answers[:, 1:] if targets.shape[1] == 1 else answers
        mixed: FloatArray = (1 - self.weight) * targets + self.weight * answers
        return mixed.astype(np.float32)

    def find(self, rows: Rows) -> tuple[Rows, FloatArray]:
        """Returns those of the rows that have a soft label, and their probabilities.

        Raises:
            RunError: a soft label has no row.
        """
        place = {row.tobytes(): at for at, row in enumerate(self.digests)}
        keys = [row.tobytes() for row in text_digests(rows)]
        positions = [at for at, key in enumerate(keys) if key in place]
        if len({keys[at] for at in positions}) != len(place):
            raise RunError(
                f"the soft labels of {self.teacher} are for {len(place):,} texts, but only"
                f" {len({keys[at] for at in positions}):,} of them are among the unlabeled texts;"
                " expected the texts that were scored. Restore them, or distill again."
            )
        chosen = [place[keys[at]] for at in positions]
        return SomeRows(rows, np.array(positions, np.int64)), self.probabilities[chosen]


@dataclass(frozen=True)
class SomeRows:
    """Rows of other rows, by position."""

    rows: Rows
    positions: IntArray

    def __len__(self) -> int:
        return len(self.positions)

    def take(self, indices: IntArray) -> Any:
        """Returns rows by position."""
        return self.rows.take(self.positions[indices])

    def raw(self, index: int) -> RawInput:
        """Returns one row as a user would send it."""
        return self.rows.raw(int(self.positions[index]))

    def origin(self, index: int) -> str:
        """Returns where the row came from."""
        return self.rows.origin(int(self.positions[index]))


def text_digests(rows: Rows) -> Digests:
    """Returns the content hashes of rows of text, uint64 ``[n, 2]``."""
    return hash_texts(pa.array(rows.take(np.arange(len(rows))), pa.large_string()))


def row_digests(split: Split) -> Digests:
    """Returns the content hashes of the rows of a split, uint64 ``[n, 2]``."""
    return text_digests(split.inputs) if split.digests is None else split.digests


def write_soft_labels(folder: Path, labels: SoftLabels) -> None:
    """Writes soft labels into the folder of a run."""
    content: dict[str, Any] = {
        "teacher": np.array(labels.teacher),
        "digests": labels.digests,
        "probabilities": labels.probabilities,
    }
    if labels.labeled:
        content["labeled_digests"] = labels.labeled.digests
        content["labeled_probabilities"] = labels.labeled.probabilities
        content["weight"] = np.array(labels.weight)
    write_atomic(folder / SOFT_LABELS, lambda file: np.savez(file, **content))


def read_soft_labels(folder: Path) -> SoftLabels:
    """Returns the soft labels of a run.

    Raises:
        RunError: the file is missing or cannot be read.
    """
    try:
        with np.load(BytesIO((folder / SOFT_LABELS).read_bytes()), allow_pickle=False) as content:
            teacher, own, weight = str(content["teacher"]), None, 0.0
            if "labeled_digests" in content:
                found = (content[f"labeled_{part}"] for part in ("digests", "probabilities"))
                own, weight = SoftLabels(teacher, *found), float(content["weight"])
            return SoftLabels(teacher, content["digests"], content["probabilities"], own, weight)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise RunError(
            f"the soft labels {folder / SOFT_LABELS} cannot be read: {type(error).__name__}"
            f" {error}. Distill again into another folder."
        ) from None
