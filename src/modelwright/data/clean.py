"""Which rows cannot be used, and why: texts that are empty or too long, labels that are missing.

Texts pass untouched otherwise; nothing is trimmed, folded or repaired. Labels are trimmed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from modelwright.core.types import Rejected

Mask = npt.NDArray[np.bool_]


def bad_texts(texts: Any, max_characters: int) -> list[tuple[Mask, str]]:
    """Masks of rows, ``[n]``, with the reason for each; ``texts`` is a large_string array."""
    lengths = pc.binary_length(texts)
    blank = _mask(pc.equal(lengths, 0))
    # Most texts begin with a letter, and looking at all of each takes ten times as long.
    doubtful = np.flatnonzero(_mask(pc.utf8_is_space(pc.utf8_slice_codeunits(texts, 0, 1))))
    blank[doubtful] = _mask(pc.utf8_is_space(texts.take(pa.array(doubtful))))
    found = [
        (_mask(pc.is_null(texts)), "has no text, or one that is not valid Unicode"),
        (blank, "has an empty text"),
    ]
    content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    if len(content) and content.min() == 0:
        found.append((_mask(pc.match_substring(texts, "\0")), "has a NUL character in its text"))
    # A text has at most as many characters as bytes, so counting them is seldom needed.
    if pc.any(pc.greater(lengths, max_characters)).as_py():
        long = pc.greater(pc.utf8_length(texts), max_characters)
        found.append((_mask(long), f"has a text of more than {max_characters:,} characters"))
    return found


def bad_labels(labels: Any) -> list[tuple[Mask, str]]:
    """As ``bad_texts``, for trimmed labels."""
    missing = pc.or_(pc.is_null(labels), pc.equal(pc.fill_null(labels, ""), ""))
    return [(_mask(missing), "has no label")]


def trimmed(labels: Any) -> Any:
    """Labels without white space round them."""
    return pc.utf8_trim_whitespace(labels)


def reject(
    problems: list[tuple[Mask, str]], origin: Callable[[int], str], total: int
) -> tuple[Mask, list[Rejected]]:
    """Which rows stay, and the others in order, each with its first reason."""
    keep = np.ones(total, bool)
    reasons: dict[int, str] = {}
    for mask, reason in problems:
        for row in np.flatnonzero(mask):
            reasons.setdefault(int(row), reason)
        keep &= ~mask
    return keep, [Rejected(origin(row), reasons[row]) for row in sorted(reasons)]


def _mask(condition: Any) -> Mask:
    return np.array(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), bool)
