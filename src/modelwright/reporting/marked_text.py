"""An explained text in a cell of a page: its strongest segments underlined, and listed below.

A solid line marks what speaks for the prediction, a dashed one what speaks against it. The list
has the same in words, for screen readers and for printing.
"""

from __future__ import annotations

from rich.cells import cell_len

from modelwright.core.html import Markup, isolated, plain
from modelwright.explaining.explanation import Explanation, WeightedSegment
from modelwright.explaining.method import TextSegment
from modelwright.reporting.words import Words, short

NAMED = 5
"""Number of segments that are marked for the prediction, and against it."""
_SEGMENT = 24
"""Columns of a segment in the list."""


def marked_text(text: str, one: Explanation, width: int, t: Words) -> Markup:
    """Returns a text of at most ``width`` columns with its strongest segments marked.

    Args:
        text: the text that was explained.
        one: its explanation.
        width: columns; a Chinese character takes two.
        t: the words of the page.
    """
    end = _cut(text, width)
    for_, against = one.strongest(NAMED), one.strongest(NAMED, against=True)
    parts, done = [], 0
    for found in sorted([*for_, *against], key=_start):
        segment = found.segment
        if not isinstance(segment, TextSegment) or segment.end > end:
            continue
        kind = "for" if found.weight > 0 else "against"
        parts.append(plain(text[done : segment.start]))
        parts.append(f'<mark class="{kind}">{plain(segment.text)}</mark>')
        done = segment.end
    parts.append(plain(text[done:end]) + ("…" if end < len(text) else ""))
    lines = [f"<bdi>{''.join(parts)}</bdi>"]
    lines += [
        f'<span class="why">{plain(title)} {", ".join(map(_named, segments))}</span>'
        for title, segments in ((t("for:"), for_), (t("against:"), against))
        if segments
    ]
    if not for_ and not against:
        lines.append(f'<span class="why">{plain(t("No segment moves the probability."))}</span>')
    return Markup("".join(lines))


def _cut(text: str, width: int) -> int:
    """Returns how many characters fit."""
    if len(text) <= width // 2 or cell_len(text) <= width:
        return len(text)
    columns = 0
    for at, letter in enumerate(text):
        columns += cell_len(letter)
        if columns > width - 1:
            return at
    return len(text)


def _named(found: WeightedSegment) -> str:
    segment = found.segment
    text = short(segment.text, _SEGMENT) if isinstance(segment, TextSegment) else ""
    return f"{isolated(text)} {found.weight:+.2f}"


def _start(found: WeightedSegment) -> int:
    return found.segment.start if isinstance(found.segment, TextSegment) else 0
