"""Suggests a known word for a misspelled one. Loads nothing heavy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str:
    """Returns `` Did you mean 'epochs'?``, or an empty text if no word is similar."""
    similar = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f" Did you mean '{similar[0]}'?" if similar else ""
