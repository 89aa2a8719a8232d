"""Which of two label names means praise and which blame. It looks at names, never at rows."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

# Not 1 and 0, which mean anything, nor good and bad, which may be said of passwords.
_PRAISE = frozenset(
    {"pos", "positive", "favorable", "favourable", "好评", "正面", "积极", "正向", "褒义"}
)
_BLAME = frozenset(
    {"neg", "negative", "unfavorable", "unfavourable", "差评", "负面", "消极", "负向", "贬义"}
)


def positive_of(labels: Sequence[str]) -> int | None:
    """The position of the label that means praise; None unless one means it and one blame."""
    names = [unicodedata.normalize("NFKC", label).strip().casefold() for label in labels]
    if len(names) != 2:
        return None
    for position in (0, 1):
        if names[position] in _PRAISE and names[1 - position] in _BLAME:
            return position
    return None
