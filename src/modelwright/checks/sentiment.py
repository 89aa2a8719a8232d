"""Finds which of two label names means praise. It looks at names, never at rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

# Without 1 and 0, which can mean anything, and good and bad, which can describe passwords.
_PRAISE = frozenset(
    {"pos", "positive", "favorable", "favourable", "好评", "正面", "积极", "正向", "褒义"}
)
_BLAME = frozenset(
    {"neg", "negative", "unfavorable", "unfavourable", "差评", "负面", "消极", "负向", "贬义"}
)


def positive_of(labels: Sequence[str]) -> int | None:
    """Returns the position of the label for praise, or None if the two are not praise and blame."""
    names = [unicodedata.normalize("NFKC", label).strip().casefold() for label in labels]
    if len(names) != 2:
        return None
    for position in (0, 1):
        if names[position] in _PRAISE and names[1 - position] in _BLAME:
            return position
    return None
