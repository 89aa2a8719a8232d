"""Finds the script in which most letters of a text are written, from their code points.

It tells scripts apart, not languages: English and French are both Latin. Japanese, which mixes
Chinese characters with kana, counts as mixed or other.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

SCRIPTS = ("Han", "Latin", "mixed", "other")
"""``other`` is any other script, or a text without letters."""

_SHARE = 0.8
"""Share of the letters of a text that must belong to a script."""

# First and last code point of each range, from the blocks of Unicode 16.
_HAN = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x323AF), (0x3005, 0x3007))
_LATIN = ((0x41, 0x5A), (0x61, 0x7A), (0xC0, 0x24F), (0x1E00, 0x1EFF), (0xFF21, 0xFF5A))
_OTHER = (
    *((0x370, 0x1DFF), (0x1F00, 0x1FFF), (0x2C00, 0x2DFF), (0x3041, 0x312F), (0x3131, 0x318E)),
    *((0xA000, 0xABFF), (0xAC00, 0xD7AF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFC), (0xFF66, 0xFFDC)),
)


def scripts_of(texts: Sequence[str]) -> npt.NDArray[np.int64]:
    """Returns the position in ``SCRIPTS`` of each text, int64 ``[n]``."""
    lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts))
    joined = "".join(texts).encode("utf-32-le", errors="surrogatepass")
    points = np.frombuffer(joined, np.uint32)
    ends = np.concatenate([[0], np.cumsum(lengths)])
    counts = [_count(points, ranges, ends) for ranges in (_HAN, _LATIN, _OTHER)]
    letters = np.maximum(sum(counts), 1)
    scripts = np.full(len(texts), SCRIPTS.index("mixed"))
    scripts[counts[0] >= _SHARE * letters] = SCRIPTS.index("Han")
    scripts[counts[1] >= _SHARE * letters] = SCRIPTS.index("Latin")
    scripts[(counts[2] >= _SHARE * letters) | (sum(counts) == 0)] = SCRIPTS.index("other")
    return scripts


def _count(
    points: npt.NDArray[np.uint32],
    ranges: tuple[tuple[int, int], ...],
    ends: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    inside = np.zeros(len(points) + 1, np.int64)
    for first, last in ranges:
        inside[1:] += (points >= first) & (points <= last)
    running = np.cumsum(inside)
    return np.asarray(running[ends[1:]] - running[ends[:-1]])
