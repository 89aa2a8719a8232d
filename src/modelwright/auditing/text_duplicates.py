"""Pairs of texts that are almost the same, by MinHash and locality-sensitive hashing.

MinHash is by Broder, "On the Resemblance and Containment of Documents" (1997). The candidates are
compared exactly afterward, so that the similarity is the Jaccard index and no estimate.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence

from modelwright.auditing.packages import load_package
from modelwright.core.types import Progress
from modelwright.models.spaceless_scripts import characters

SIMILAR = 0.7
"""Jaccard index of the pieces of two texts from which they count as near duplicates."""
_PERMUTATIONS = 64
_CANDIDATES = 0.6
"""Lower than ``SIMILAR``, because an estimate decides which texts are compared."""
_LONGEST = 20_000
_SPACELESS = (
    f"\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af{characters()}"
)
_TOKEN = re.compile(rf"[{_SPACELESS}]|[^\W{_SPACELESS}]+")
_MOST_COMPARED = 200
"""Of a text's candidates, at most so many are compared: copies by the thousand need no more."""


def similar_texts(
    texts: Sequence[str], progress: Progress | None = None
) -> Iterator[tuple[int, int, float]]:
    """Yields pairs of positions, the earlier one first, with their Jaccard index.

    Args:
        texts: the texts, each content once.
        progress: called after every hundred texts.

    Raises:
        MissingDependencyError: datasketch is not installed.
    """
    datasketch = load_package("datasketch")
    index = datasketch.MinHashLSH(threshold=_CANDIDATES, num_perm=_PERMUTATIONS)
    pieces = [text_pieces(text) for text in texts]
    # Copies share its permutations, which take longer to make than a short text to hash.
    empty = datasketch.MinHash(_PERMUTATIONS, hashfunc=_as_is)
    for row, own in enumerate(pieces):
        if own:
            sketch = empty.copy()
            sketch.update_batch(list(own))
            for other in sorted(index.query(sketch))[:_MOST_COMPARED]:
                similarity = _jaccard(pieces[other], own)
                if similarity >= SIMILAR:
                    yield other, row, similarity
            index.insert(row, sketch)
        if progress and row % 100 == 99:
            progress("looking for near duplicates", row + 1, len(texts))


def text_pieces(text: str) -> frozenset[int]:
    """Returns the hashes of the pieces of a text, which decide how alike two texts are.

    The pieces are words and pairs of words. In scripts without spaces, they are pairs and triples
    of characters. Case, width and punctuation do not count.
    """
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    tokens = _TOKEN.findall(plain)
    if not tokens:
        # Punctuation and emoji alone: the text as a whole.
        tokens = plain.split()
    single = sum(len(token) == 1 for token in tokens)
    lengths = (2, 3) if 2 * single > len(tokens) and len(tokens) > 2 else (1, 2)
    return frozenset(
        zlib.crc32(" ".join(tokens[start : start + length]).encode("utf-8", "replace"))
        for length in lengths
        for start in range(len(tokens) - length + 1)
    )


def _jaccard(first: frozenset[int], second: frozenset[int]) -> float:
    shared = len(first & second)
    return shared / (len(first) + len(second) - shared)


def _as_is(value: int) -> int:
    return value
