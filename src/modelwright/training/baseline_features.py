"""The features of the baselines: counts of n-grams for texts, small pixels for images.

They are those of a short script with scikit-learn. Nothing here is shared with the networks, so a
fault of our tokenizer or decoder cannot hide in both.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from modelwright.core.types import FloatArray, IntArray, Rows, UInt8Array
from modelwright.data.images import resize_image
from modelwright.models.spaceless_scripts import characters

LONGEST = 20_000
"""Characters of a text that are read."""
SIDES = (32, 16, 8)
"""Images are shrunk to at most the first of these sides, in pixels, that is cheap enough."""
MOST_PRODUCTS = 250_000_000
"""Rows times pixels times columns of the classifier, at most: about ten seconds."""
_BATCH = 256
_SPACELESS = re.compile(
    f"[\u3005-\u3007\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af{characters()}]+"
)
_WORDS, _CHARACTERS = (1, 2), (1, 3)


def lengths_in_ngrams(rows: Rows, positions: IntArray) -> IntArray:
    """Returns about how many n-grams each text has, int64 ``[n]``."""
    found = []
    for start in range(0, len(positions), _BATCH):
        for text in rows.take(positions[start : start + _BATCH]):
            cut = text[:LONGEST]
            found.append(3 * len(cut) if _is_spaceless(cut) else len(cut) // 3 + 1)
    return np.array(found, np.int64)


def count_ngrams(fitted: Sequence[str], asked: Sequence[str] = ()) -> tuple[Any, Any]:
    """Returns the counts of n-grams of texts, two CSR matrices ``[n, n-grams]``.

    The n-grams are one or two words, or one to three characters of a text whose script has no
    spaces between words.

    Args:
        fitted: the texts whose n-grams are counted.
        asked: other texts; n-grams that ``fitted`` does not have are left out.

    Raises:
        ValueError: ``fitted`` has no n-gram.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(ngram_range=_WORDS).build_analyzer()
    pieces = CountVectorizer(analyzer="char", ngram_range=_CHARACTERS).build_analyzer()

    def analyze(text: str) -> list[str]:
        cut = text[:LONGEST]
        return list(pieces(cut) if _is_spaceless(cut) else words(cut))

    vectorizer = CountVectorizer(analyzer=analyze, dtype=np.float32)
    try:
        counts = vectorizer.fit_transform(fitted)
    except ValueError as error:
        raise ValueError("no training text has a word of two letters or more") from error
    return counts, vectorizer.transform(asked) if len(asked) else counts[:0]


def weigh_ngrams(fitted: Any, asked: Any, most: int) -> tuple[Any, Any]:
    """Returns TF-IDF of counts, as a vectorizer that saw only ``fitted`` would give it.

    Args:
        fitted: counts of the rows that a classifier is fitted on, CSR.
        asked: counts of the other rows, with the same columns.
        most: number of n-grams to keep: those in the most rows.
    """
    from sklearn.feature_extraction.text import TfidfTransformer

    rows = np.bincount(fitted.indices, minlength=fitted.shape[1])
    known = np.flatnonzero(rows)
    if len(known) > most:
        known = np.sort(known[np.argsort(-rows[known], kind="stable")[:most]])
    transformer = TfidfTransformer(sublinear_tf=True)
    return transformer.fit_transform(fitted[:, known]), transformer.transform(asked[:, known])


def count_columns(labels: IntArray) -> int:
    """Returns the number of columns of a classifier: one for two classes."""
    classes = len(np.unique(labels))
    return classes if classes > 2 else 1


def is_cheap(rows: int, columns: int, side: int = SIDES[0]) -> bool:
    """Returns whether color images of a side are fitted in seconds."""
    return 3 * side**2 * rows * columns <= MOST_PRODUCTS


def find_side(rows: int, columns: int) -> int:
    """Returns the largest side that is cheap, or else the smallest one."""
    return next((side for side in SIDES if is_cheap(rows, columns, side)), SIDES[-1])


def read_pixels(rows: Rows, positions: IntArray, side: int = SIDES[0]) -> FloatArray:
    """Returns images as float32 ``[n, pixels]`` from 0 to 1, of at most ``side`` a side."""
    parts = []
    for start in range(0, len(positions), _BATCH):
        images: UInt8Array = rows.take(positions[start : start + _BATCH])
        height, width = (min(given, side) for given in images.shape[1:3])
        small = np.stack([resize_image(image, (height, width)) for image in images])
        parts.append(small.reshape(len(small), -1).astype(np.float32) / 255)
    return np.concatenate(parts)


def _is_spaceless(text: str) -> bool:
    """Returns whether at least half of the letters are of scripts without spaces."""
    if text.isascii():
        return False
    spaceless = sum(map(len, _SPACELESS.findall(text)))
    return 2 * spaceless >= sum(map(str.isalpha, text))
