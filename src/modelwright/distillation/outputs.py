"""What the scores of a teacher mean: class probabilities, or vectors that a classifier reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray

Output = Literal["auto", "probabilities", "vectors"]
OUTPUTS: tuple[Output, ...] = ("auto", "probabilities", "vectors")
_SUM = 1e-2
_SIGN = 1e-4


def check_scores(
    scores: Any, rows: Sequence[str], teacher: str, kind: Literal["text", "image"] = "text"
) -> FloatArray:
    """Returns the scores of a batch of rows as float32 ``[n, d]``.

    Args:
        scores: what the teacher returned.
        rows: the texts, or the names of the images, for messages.
        teacher: its name.
        kind: what the rows are.

    Raises:
        ConfigError: they are not one row of finite numbers for each text.
    """
    expected = "expected one row of class probabilities for each image"
    shapes = f"the shape ({len(rows)}, classes)"
    if kind == "text":
        expected = "expected one row of class probabilities, or of a vector, for each text"
        shapes += f" or ({len(rows)}, d)"
    if hasattr(scores, "toarray"):
        scores = scores.toarray()  # a sparse matrix
    try:
        array = np.asarray(scores, np.float32)
    except (TypeError, ValueError):
        given = type(scores).__name__
        raise ConfigError(
            f"the teacher '{teacher}' returned {given} that is not a table of numbers; {expected}."
        ) from None
    if array.ndim != 2:
        raise ConfigError(
            f"the teacher '{teacher}' returned the shape {array.shape} for {len(rows)} {kind}s;"
            f" {expected}: {shapes}."
        )
    if len(array) != len(rows):
        raise ConfigError(
            f"the teacher '{teacher}' returned {len(array)} rows for {len(rows)} {kind}s;"
            f" {expected}."
        )
    wrong = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if len(wrong):
        raise ConfigError(
            f"the teacher '{teacher}' returned NaN or infinity for {len(wrong)} of {len(rows)}"
            f" {kind}s, such as {_quoted(rows[wrong[0]])}; {expected}, all of them finite."
        )
    return array


def decide_output(scores: FloatArray, labels: Sequence[str], output: Output, teacher: str) -> str:
    """Returns ``probabilities`` or ``vectors``.

    ``auto`` decides by the width and the values. Rows of a width other than the number of classes
    are vectors, unless they are probabilities of other classes.

    Raises:
        ConfigError: the scores cannot be what they are said or seem to be.
    """
    width, classes = scores.shape[1], len(labels)
    are_probabilities = not _not_probabilities(scores).any()
    if output == "vectors":
        return output
    if width == classes and are_probabilities:
        return "probabilities"
    named = ", ".join(labels)
    if (output == "probabilities" and width != classes) or (output == "auto" and width == 1):
        raise ConfigError(
            f"the teacher '{teacher}' returned {width} columns, but the data has {classes} classes"
            f" ({named}); expected one probability for each class, in this order."
        )
    if width == classes:
        raise ConfigError(
            f"the teacher '{teacher}' returned rows of {width} numbers that are not probabilities,"
            f" such as {_row(scores[np.argmax(_not_probabilities(scores))])}; expected numbers from"
            f" 0 to 1 with the sum 1 for the classes {named}. If they are vectors, say so with"
            ' --output vectors (output="vectors" in Python).'
        )
    if are_probabilities and width > 1:
        raise ConfigError(
            f"the teacher '{teacher}' returned probabilities of {width} classes, but the data has"
            f" {classes} ({named}); expected the same classes, in this order. If they are vectors,"
            ' say so with --output vectors (output="vectors" in Python).'
        )
    return "vectors"


def check_probabilities(scores: FloatArray, texts: Sequence[str], teacher: str) -> FloatArray:
    """Returns probabilities, each row divided by its sum.

    Raises:
        ConfigError: a row is not probabilities.
    """
    wrong = np.flatnonzero(_not_probabilities(scores))
    if len(wrong):
        raise ConfigError(
            f"the teacher '{teacher}' returned {_row(scores[wrong[0]])} for"
            f" {_quoted(texts[wrong[0]])}; expected numbers from 0 to 1 with the sum 1."
            f" {len(wrong):,} of {len(texts):,} rows are not probabilities."
        )
    clipped = np.clip(scores, 0, 1)
    return np.asarray(clipped / clipped.sum(axis=1, keepdims=True), np.float32)


def order_columns(labels: Sequence[str], theirs: Sequence[str], teacher: str) -> list[int]:
    """Returns the teacher's column of each class.

    Raises:
        ConfigError: the teacher has other classes.
    """
    if set(labels) != set(theirs):
        raise ConfigError(
            f"the teacher {teacher} has the classes {', '.join(theirs)}, but the data has"
            f" {', '.join(labels)}; expected the same. Train the teacher on these classes, or give"
            " the data the teacher's names with --set data.labels.OLD=NEW."
        )
    return [list(theirs).index(label) for label in labels]


def _not_probabilities(scores: FloatArray) -> Any:
    outside = (scores < -_SIGN).any(axis=1) | (scores > 1 + _SUM).any(axis=1)
    return outside | (np.abs(scores.sum(axis=1) - 1) > _SUM)


def _row(row: FloatArray) -> str:
    shown = ", ".join(f"{value:.3g}" for value in row[:5])
    return f"[{shown}{', ...' if len(row) > 5 else ''}] (sum {row.sum():.3g})"


def _quoted(text: str) -> str:
    flat = " ".join(text.split())
    return f"'{flat[:40]}{'...' if len(flat) > 40 else ''}'"
