"""Cuts a text where a person would cut it: words, and never inside a character.

Spaces, punctuation and HTML tags belong to no segment. Words in scripts with spaces are whole,
with the apostrophes and hyphens inside them. Chinese is cut into words by a package, if there is
one. Japanese is cut where the script changes, and other scripts without spaces at each character
with its marks. Emoji, flags and other code points that are one character to a person stay whole.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from modelwright.explaining.method import TextSegment
from modelwright.explaining.word_cutters import CutWords
from modelwright.models.spaceless_scripts import ATTACHED, SCRIPTS

Span = tuple[int, int]

_WHOLE = re.compile(
    r"(?P<link>(?:https?://|www\.)[^\s<>\"'，。；！？（）【】]+)"
    r"|<[A-Za-z/!][^<>]*>|&#?[0-9A-Za-z]{1,10};",
    re.IGNORECASE,
)
"""Links, which are one segment, and tags and entities of HTML, which are none."""
_INSIDE_WORDS = frozenset("'’‑-_")
_INSIDE_NUMBERS = frozenset(".,:/")
_JOINER = "\u200d"
_SENTENCE_END = re.compile(r"[.!?]['\")\]]*(?:\s|$)|[。！？；…\n\r]|<(?:br|/?p)\b", re.IGNORECASE)
_HAN = re.compile(
    r"[\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]"
)
_HIRAGANA = re.compile(r"[\u3041-\u309f]")
_KATAKANA = re.compile(r"[\u30a0-\u30ff\u31f0-\u31ff\uff66-\uff9f〆]")
_ALONE = re.compile(
    "[" + "".join(f"{chr(a)}-{chr(b)}" for ranges in SCRIPTS.values() for a, b in ranges) + "]"
)


def cut_text(text: str, cut_words: CutWords) -> list[Span]:
    """Returns the start and end of each segment of a text, in order.

    Args:
        text: any text.
        cut_words: cuts a run of Chinese characters; see ``word_cutters``.
    """
    spans: list[Span] = []
    done = 0
    for whole in _WHOLE.finditer(text):
        spans += _cut_part(text, done, whole.start(), cut_words)
        spans += [whole.span()] if whole["link"] else []
        done = whole.end()
    return [*spans, *_cut_part(text, done, len(text), cut_words)]


def fit_to_tokens(spans: Iterable[Span], tokens: Iterable[Span], text: str) -> list[Span]:
    """Returns segments that hold every token of a model, and no part of one.

    Segments that share a token become one. A token outside of all segments, such as a sign that
    the model reads, becomes a segment. Segments without a token are dropped, because the model
    does not see them.

    Args:
        spans: segments, in order.
        tokens: start and end of single tokens, in order, without n-grams.
        text: the text of both.
    """
    edges = [start for start, _ in characters(text)]
    edges.append(len(text))
    fitted: list[Span] = []
    left = list(spans)
    at = 0
    for start, end in tokens:
        while at < len(left) and left[at][1] <= start:
            at += 1
        first = at
        while at < len(left) and left[at][0] < end:
            start, end = min(start, left[at][0]), max(end, left[at][1])
            at += 1
        at = max(first, at - 1)
        start, end = _outer(edges, start, end)
        if fitted and start < fitted[-1][1]:
            start, end = fitted[-1][0], max(end, fitted[-1][1])
            fitted.pop()
        fitted.append((start, end))
    return fitted


def text_segments(spans: Iterable[Span], text: str) -> list[TextSegment]:
    """Returns segments with the characters in them."""
    return [TextSegment(start, end, text[start:end]) for start, end in spans]


def sentences(spans: Sequence[Span], text: str) -> list[range]:
    """Returns which segments are in each sentence, in order. No sentence is empty."""
    starts = [0] if spans else []
    starts += [
        at + 1
        for at, (one, other) in enumerate(pairwise(spans))
        if _SENTENCE_END.search(text, one[1], other[0] + 1)
    ]
    return [range(first, end) for first, end in pairwise([*starts, len(spans)])]


def characters(text: str, start: int = 0, end: int | None = None) -> Iterator[Span]:
    """Yields the start and end of each character as a person counts them.

    This is the part of Unicode's grapheme clusters that segments need (UAX 29): marks, joined
    emoji, skin tones, tags, flags and keycaps. Hangul and Indic conjuncts are inside words anyway.
    """
    end = len(text) if end is None else end
    while start < end:
        at = start + 1
        if _is_flag(text[start]) and at < end and _is_flag(text[at]):
            at += 1
        while at < end and (_extends(text[at], text[at - 1]) or text[at - 1] == _JOINER):
            at += 1
        yield start, at
        start = at


def _cut_part(text: str, start: int, end: int, cut_words: CutWords) -> list[Span]:
    """Returns the segments between two positions, where no link is."""
    units = [(span, _kind(text[span[0]])) for span in characters(text, start, end)]
    spans: list[Span] = []
    first = 0
    while first < len(units):
        kind = units[first][1]
        last = first + 1
        if kind in ("word", "spaceless"):
            while last < len(units) and _continues(text, units, last, kind):
                last += 1
        run = [span for span, _ in units[first:last]]
        if kind == "word":
            spans.append((run[0][0], run[-1][1]))
        elif kind == "spaceless":
            spans += _cut_spaceless(text, run, cut_words)
        elif kind == "alone":
            spans += run
        first = last
    return spans


def _continues(text: str, units: Sequence[tuple[Span, str]], at: int, kind: str) -> bool:
    """Returns whether the character at a position goes on with the word before it."""
    if units[at][1] == kind:
        return True
    if kind != "word" or at + 1 == len(units) or units[at + 1][1] != "word":
        return False
    sign, before, after = (text[units[near][0][0]] for near in (at, at - 1, at + 1))
    if sign in _INSIDE_NUMBERS:
        return before.isdigit() and after.isdigit()
    return sign in _INSIDE_WORDS and units[at - 1][1] == "word"


def _cut_spaceless(text: str, run: Sequence[Span], cut_words: CutWords) -> list[Span]:
    """Returns the words of a run of Chinese or Japanese characters."""
    start, end = run[0][0], run[-1][1]
    inside = text[start:end]
    edges = {span[0] for span in run} | {end}
    if _HIRAGANA.search(inside) or _KATAKANA.search(inside):
        kinds = [_script(text[at]) for at, _ in run]
        cuts = [run[at][0] for at in range(1, len(run)) if kinds[at] != kinds[at - 1]]
    else:
        cuts, at = [], start
        for word in cut_words(inside):
            at += len(word)
            cuts.append(at)
    return list(pairwise([start, *(cut for cut in cuts if cut in edges and cut < end), end]))


def _kind(character: str) -> str:
    """Returns ``gap``, ``word``, ``spaceless`` for Chinese and Japanese, or ``alone``."""
    if _script(character):
        return "spaceless"
    if _ALONE.match(character):
        return "alone"
    category = unicodedata.category(character)
    if category[0] in "LNM" or character == "_":
        return "word"
    return "alone" if category == "So" else "gap"


def _script(character: str) -> str:
    if _HAN.match(character):
        return "han"
    if _HIRAGANA.match(character):
        return "hiragana"
    # A long vowel belongs to the kana before it; in katakana there are most of them.
    return "katakana" if _KATAKANA.match(character) and character != "・" else ""


def _extends(character: str, before: str) -> bool:
    """Returns whether a code point belongs to the character before it."""
    return (
        character == _JOINER
        or (character in ATTACHED and unicodedata.category(before)[0] in "LM")
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
        or unicodedata.category(character)[0] == "M"
    )


def _is_flag(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _outer(edges: Sequence[int], start: int, end: int) -> Span:
    """Returns the smallest span between edges of characters that holds another."""
    return edges[bisect_right(edges, start) - 1], edges[bisect_left(edges, end)]
