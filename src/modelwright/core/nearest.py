"""What someone may have meant by a word that is not known. Loads nothing heavy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, words: Iterable[str]) -> str:
    """`` Did you mean 'epochs'?``, or nothing where no known word is near."""
    found = difflib.get_close_matches(word, list(words), n=1, cutoff=0.6)
    return f" Did you mean '{found[0]}'?" if found else ""
