"""Explained texts as one HTML file: the darker a segment, the more it speaks for or against.

The file loads nothing and runs no script. Everything from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from modelwright.core.terminal import percent
from modelwright.explaining.explanation import Explanation
from modelwright.explaining.method import TextSegment

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Explanations</title>
<style>
:root {{ color-scheme: light dark; --for: 0, 114, 178; --against: 213, 94, 0; }}
body {{ font: 1rem/1.7 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto;
  padding: 0 1rem }}
article {{ border-top: 1px solid #8886; padding: 1rem 0 }}
h2 {{ font-size: 1.1rem; margin: 0 }}
.text {{ white-space: pre-wrap; overflow-wrap: anywhere }}
mark {{ color: inherit; border-radius: .2em; padding: .05em .1em }}
.for {{ background: rgba(var(--for), var(--strength)); border-bottom: 2px solid rgb(var(--for)) }}
.against {{ background: rgba(var(--against), var(--strength));
  border-bottom: 2px dashed rgb(var(--against)) }}
small {{ display: block; opacity: .8 }}
</style>
</head>
<body>
<h1>Explanations</h1>
<p><mark class="for" style="--strength: .4">for</mark> the label (solid line),
<mark class="against" style="--strength: .4">against</mark> it (dashed line)</p>
{articles}
</body>
</html>
"""
_LEAST = 0.05
"""Share of the largest weight below which a segment is not marked."""


def explanations_page(explanations: Sequence[Explanation]) -> str:
    """Returns a page with the explanations of texts."""
    return _PAGE.format(articles="\n".join(map(_article, explanations)))


def _article(one: Explanation) -> str:
    facts = [f"method {one.method}"]
    if one.quality:
        facts.append(
            f"without the {len(one.quality.named)} most important for it:"
            f" {percent(one.quality.probability_without)}"
        )
        if one.quality.fidelity is not None:
            facts.append(f"fidelity {one.quality.fidelity:.2f}")
        facts.append(f"stability {one.quality.stability:.2f}")
    notes = [*(one.quality.warnings if one.quality else ()), *one.notes]
    lines = "".join(f"<small>{escape(note)}</small>" for note in notes)
    return (
        f"<article><h2><bdi>{escape(one.label)}</bdi> {percent(one.probability)}</h2>"
        f'<p class="text" dir="auto">{_marked(one)}</p>'
        f"<small>{escape('; '.join(facts))}</small>{lines}</article>"
    )


def _marked(one: Explanation) -> str:
    """Returns the escaped text with its segments marked."""
    largest = max((abs(found.weight) for found in one.segments), default=0.0)
    parts, done = [], 0
    for found in one.segments:
        segment = found.segment
        share = abs(found.weight) / largest if largest else 0.0
        if not isinstance(segment, TextSegment) or share < _LEAST:
            continue
        kind = "for" if found.weight > 0 else "against"
        parts.append(escape(one.input[done : segment.start]))
        parts.append(
            f'<mark class="{kind}" style="--strength: {0.08 + 0.5 * share:.2f}"'
            f' title="{found.weight:+.2f}"><bdi>{escape(segment.text)}</bdi></mark>'
        )
        done = segment.end
    return "".join([*parts, escape(one.input[done:])])
