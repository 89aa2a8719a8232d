"""Finds the rows that cannot be used, with reasons: empty or too long texts, missing labels.

Other texts stay as they are; nothing is trimmed, folded or repaired. Labels are trimmed.
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
    """Returns masks of unusable rows, ``[n]``, with the reason for each.

    Args:
        texts: A pyarrow large_string array.
        max_characters: Longer texts are unusable.
    """
    lengths = pc.binary_length(texts)
    blank = _mask(pc.equal(lengths, 0))
    # Most texts begin with a letter. Looking at all of each text would take ten times as long.
    suspects = np.flatnonzero(_mask(pc.utf8_is_space(pc.utf8_slice_codeunits(texts, 0, 1))))
    blank[suspects] = _mask(pc.utf8_is_space(texts.take(pa.array(suspects))))
    problems = [
        (_mask(pc.is_null(texts)), "has no text, or one that is not valid Unicode"),
        (blank, "has an empty text"),
    ]
    content = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    if len(content) and content.min() == 0:
        problems.append((_mask(pc.match_substring(texts, "\0")), "has a NUL character in its text"))
    # A text has at most as many characters as bytes, so counting them is rarely necessary.
    if pc.any(pc.greater(lengths, max_characters)).as_py():
        long = pc.greater(pc.utf8_length(texts), max_characters)
        problems.append((_mask(long), f"has a text of more than {max_characters:,} characters"))
    return problems


def bad_labels(labels: Any) -> list[tuple[Mask, str]]:
    """Returns masks as ``bad_texts`` does, for trimmed labels."""
    missing = pc.or_(pc.is_null(labels), pc.equal(pc.fill_null(labels, ""), ""))
    return [(_mask(missing), "has no label")]


def trim_labels(labels: Any) -> Any:
    """Returns the labels without white space at their ends."""
    return pc.utf8_trim_whitespace(labels)


def reject_rows(
    problems: list[tuple[Mask, str]], origin: Callable[[int], str], total: int
) -> tuple[Mask, list[Rejected]]:
    """Returns a mask of the usable rows, and the other rows, each with its first reason."""
    usable = np.ones(total, bool)
    reasons: dict[int, str] = {}
    for mask, reason in problems:
        for row in np.flatnonzero(mask):
            reasons.setdefault(int(row), reason)
        usable &= ~mask
    return usable, [Rejected(origin(row), reasons[row]) for row in sorted(reasons)]


def _mask(condition: Any) -> Mask:
    return np.array(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), bool)
