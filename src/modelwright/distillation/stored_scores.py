"""The scores of a teacher, stored by the content of each text, so that a stop loses few of them.

``CACHE/teachers/IDENTITY/`` has ``.npz`` files with ``digests``, uint64 ``[n, 2]``, and ``scores``,
float32 ``[n, d]``. Delete the folder to score everything again.
"""

from __future__ import annotations

import time
import uuid
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.files import write_atomic
from modelwright.core.types import FloatArray, Progress
from modelwright.data.digests import Digests
from modelwright.distillation.outputs import check_scores
from modelwright.distillation.teacher import Teacher

_BATCH = 64
_SECONDS_BETWEEN_WRITES = 10.0
_AGAIN = 4
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Scores:
    """The scores of texts.

    Attributes:
        values: float32 ``[n, d]``, in the order of the texts.
        stored: the number of rows whose scores were stored before.
        note: why stored scores were not used; empty otherwise.
    """

    values: FloatArray
    stored: int
    note: str = ""


def score_texts(
    teacher: Teacher,
    texts: list[str],
    digests: Digests,
    folder: Path,
    *,
    first: Callable[[FloatArray], object] | None = None,
    progress: Progress | None = None,
) -> Scores:
    """Returns the scores of texts. What is scored is stored at least every ten seconds.

    A few stored scores are computed again. If they differ, no stored score is used.

    Args:
        teacher: the scorer.
        texts: the texts.
        digests: their content hashes, ``[n, 2]``.
        folder: the folder of the stored scores of all teachers.
        first: checks the scores of the first batch, so that a wrong teacher ends at once.
        progress: called with each batch.

    Raises:
        ConfigError: the teacher fails, or its scores are not rows of numbers of one width.
        OSError: the scores cannot be stored.
    """
    place = folder / teacher.identity
    keys = [row.tobytes() for row in np.ascontiguousarray(digests)]
    text_of = dict(zip(keys, texts, strict=True))
    known, note = _still_known(teacher, text_of, place)
    stored = [key for key in text_of if key in known][:_BATCH]
    if stored and first:
        first(np.stack([known[key] for key in stored]))
        first = None
    fresh = _Fresh(place)
    missing = [key for key in text_of if key not in known]
    try:
        for start in range(0, len(missing), teacher.batch):
            batch = missing[start : start + teacher.batch]
            scores = _score(teacher, [text_of[key] for key in batch])
            if first and start == 0:
                first(scores)
            _check_width(scores, known, teacher)
            known.update(zip(batch, scores, strict=True))
            fresh.add(batch, scores)
            if progress:
                progress("the teacher scores texts", start + len(batch), len(missing))
    finally:
        fresh.write()
    count = len(keys) - sum(map(set(missing).__contains__, keys))
    return Scores(np.stack([known[key] for key in keys]), count, note)


def _still_known(
    teacher: Teacher, texts: Mapping[bytes, str], place: Path
) -> tuple[dict[bytes, FloatArray], str]:
    """Returns the stored scores, if some of them are what the teacher gives now, and a note."""
    known = {key: score for key, score in _read(place).items() if key in texts}
    stored = [key for key in texts if key in known][:_AGAIN]
    if not stored or _still_valid(teacher, {key: texts[key] for key in stored}, known):
        return known, ""
    for file in place.glob("*.npz"):
        file.unlink(missing_ok=True)
    return {}, (
        f"the teacher scores texts otherwise than when its stored scores in {place} were made, so"
        " all were scored again"
    )


class _Fresh:
    """Scores that are not written yet."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.keys: list[bytes] = []
        self.scores: list[FloatArray] = []
        self.written = time.monotonic()

    def add(self, keys: list[bytes], scores: FloatArray) -> None:
        """Adds scores, and writes all after some seconds."""
        self.keys += keys
        self.scores.append(scores)
        if time.monotonic() - self.written > _SECONDS_BETWEEN_WRITES:
            self.write()

    def write(self) -> None:
        """Writes the scores into a new file."""
        if self.keys:
            digests = np.frombuffer(b"".join(self.keys), np.uint64).reshape(-1, 2)
            scores = np.concatenate(self.scores)
            write_atomic(
                self.place / f"{uuid.uuid4().hex}.npz",
                lambda file: np.savez(file, digests=digests, scores=scores),
            )
        self.keys, self.scores, self.written = [], [], time.monotonic()


def _score(teacher: Teacher, texts: list[str]) -> FloatArray:
    return check_scores(teacher.score(texts), texts, teacher.name)


def _still_valid(
    teacher: Teacher, texts: Mapping[bytes, str], known: Mapping[bytes, FloatArray]
) -> bool:
    """Returns whether the teacher gives the stored scores again."""
    computed = _score(teacher, list(texts.values()))
    return all(
        known[key].shape == row.shape and np.allclose(known[key], row, atol=_TOLERANCE)
        for key, row in zip(texts, computed, strict=True)
    )


def _check_width(scores: FloatArray, known: Mapping[bytes, FloatArray], teacher: Teacher) -> None:
    before = next(iter(known.values()), scores[0])
    if len(before) != scores.shape[1]:
        raise ConfigError(
            f"the teacher '{teacher.name}' returned {scores.shape[1]} columns after {len(before)}"
            " before; expected the same number for all texts."
        )


def _read(place: Path) -> dict[bytes, FloatArray]:
    known: dict[bytes, FloatArray] = {}
    for file in sorted(place.glob("*.npz")):
        try:
            with np.load(BytesIO(file.read_bytes()), allow_pickle=False) as content:
                digests, scores = content["digests"], content["scores"]
                keys = [row.tobytes() for row in np.ascontiguousarray(digests, np.uint64)]
                known.update(zip(keys, scores.astype(np.float32), strict=True))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile):
            continue  # a torn file only costs time
    return known
