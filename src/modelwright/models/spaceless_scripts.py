"""Scripts that are written without spaces between words, and which of them are in texts.

Split at spaces alone, a whole phrase in such a script would be one token. So ``tokens = "auto"``
becomes ``auto-clusters`` if the training texts have one of them: each character with its marks is
a token. Tibetan needs no entry, because the tokenizer splits at the mark between its syllables.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

Ranges = tuple[tuple[int, int], ...]

# The blocks of each script without its combining marks, from Unicode 15.
SCRIPTS: Mapping[str, Ranges] = {
    "Thai": ((0xE00, 0xE30), (0xE32, 0xE32), (0xE3B, 0xE46), (0xE4F, 0xE7F)),
    "Lao": ((0xE80, 0xEB0), (0xEB2, 0xEB2), (0xEBD, 0xEC7), (0xECE, 0xEFF)),
    "Burmese": (
        *((0x1000, 0x102A), (0x103F, 0x1055), (0x105A, 0x105D), (0x1061, 0x1061)),
        *((0x1065, 0x1066), (0x106E, 0x1070), (0x1075, 0x1081), (0x108E, 0x108E)),
        *((0x1090, 0x1099), (0x109E, 0x109F), (0xA9E0, 0xA9E4), (0xA9E6, 0xA9FF)),
        *((0xAA60, 0xAA7A), (0xAA7E, 0xAA7F)),
    ),
    "Khmer": ((0x1780, 0x17B3), (0x17D4, 0x17DC), (0x17DE, 0x17FF)),
    "Tai Le": ((0x1950, 0x197F),),
    "New Tai Lue": ((0x1980, 0x19DF),),
    "Tai Tham": ((0x1A20, 0x1A54), (0x1A5F, 0x1A5F), (0x1A7D, 0x1A7E), (0x1A80, 0x1AAF)),
    "Tai Viet": (
        *((0xAA80, 0xAAAF), (0xAAB1, 0xAAB1), (0xAAB5, 0xAAB6), (0xAAB9, 0xAABD)),
        *((0xAAC0, 0xAAC0), (0xAAC2, 0xAADF)),
    ),
    "Ahom": ((0x11700, 0x1171C), (0x1172C, 0x1174F)),
    "Balinese": ((0x1B05, 0x1B33), (0x1B45, 0x1B6A), (0x1B74, 0x1B7F)),
    "Javanese": ((0xA984, 0xA9B2), (0xA9C1, 0xA9DF)),
    "Yi": ((0xA000, 0xA4CF),),
    "Bopomofo": ((0x3105, 0x312F), (0x31A0, 0x31BF)),
    "Tangut": ((0x17000, 0x18AFF), (0x18D00, 0x18D7F)),
    "Khitan": ((0x18B00, 0x18CFF),),
    "Nushu": ((0x1B170, 0x1B2FF),),
    # Later than the Unicode version of TensorFlow's regular expressions.
    "rare Han characters": ((0x2EBF0, 0x2EE5D), (0x31350, 0x3FFFD)),
}
ATTACHED = "\u0e33\u0eb3\uff9e\uff9f"
"""Letters that belong to the character before them, as combining marks do."""
_KANA_MARKS = "[\u3041-\u3096\u30a1-\u30fa][\u3099\u309a]|[\uff66-\uff9d][\uff9e\uff9f]"
_VARIANTS = "[\u3400-\u9fff\U00020000-\U0003fffd][\ufe00-\ufe0d\U000e0100-\U000e01ef]"
_REMOVED = "\ufe0e\ufe0f"  # the tokenizer removes these marks
_MARKS = "combining marks"


def characters(scripts: Iterable[Ranges] = SCRIPTS.values()) -> str:
    """Returns the inside of a character class, for regular expressions of Python and RE2."""
    return "".join(f"{chr(first)}-{chr(last)}" for ranges in scripts for first, last in ranges)


def is_character(token: str) -> bool:
    """Returns whether a token is one letter beyond ASCII with its marks, not a word."""
    letters = [one for one in token if one.isalpha() and one not in ATTACHED]
    return len(letters) == 1 and not letters[0].isascii()


def choose_tokens(
    batches: Iterable[Sequence[str]], tokens: str, total: int
) -> tuple[str, str | None]:
    """Returns how to split texts like these, and a note where that differs from ``tokens``.

    Args:
        batches: The training texts.
        tokens: The option ``tokens``: only ``auto`` and ``char`` depend on the texts.
        total: Number of the texts.
    """
    if tokens not in ("auto", "char"):
        return tokens, None
    find = _scripts if tokens == "auto" else _marks
    found = Counter(name for batch in batches for text in batch for name in find(str(text)))
    if not found:
        return tokens, None
    chosen = f"{tokens}-clusters"
    listed = ", ".join(f"{name} in {count:,}" for name, count in found.most_common())
    return chosen, (
        f"{listed} of {total:,} training texts: {_REASONS[tokens]}each character with its marks is"
        f" a token (model.tokens={chosen}); model.tokens=word splits at spaces alone"
    )


_REASONS = {"auto": "there are no spaces between words, so ", "char": ""}
# Single letters of these scripts are parts of emoticons.
_PATTERNS = {
    **{
        name: re.compile(f"[{characters([ranges])}]\\S{{0,3}}?[{characters([ranges])}]")
        for name, ranges in SCRIPTS.items()
    },
    "kana with separate marks": re.compile(_KANA_MARKS),
    "Han characters with variation selectors": re.compile(_VARIANTS),
}
_ANY = re.compile(f"[{characters()}\u3099\u309a\uff9e\uff9f\ufe00-\ufe0d\U000e0100-\U000e01ef]")


def _scripts(text: str) -> Iterable[str]:
    if text.isascii() or not _ANY.search(text):
        return ()
    return [name for name, pattern in _PATTERNS.items() if pattern.search(text)]


def _marks(text: str) -> Iterable[str]:
    if text.isascii():
        return ()
    special = {letter for letter in set(text) if letter not in _REMOVED}
    marked = any(unicodedata.category(letter)[0] == "M" for letter in special)
    return (_MARKS,) if marked or special & set(ATTACHED) else ()
