"""A page from chapters and sections: the document, its navigation, its policy.

The page asks no other host and runs nothing but its own script, whose hash the policy names. It
is read from top to bottom without the script.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

from modelwright.core import html
from modelwright.core.html import Markup, isolated, plain
from modelwright.reporting.elements import (
    Chapter,
    Chart,
    Commands,
    Element,
    Gallery,
    Matrix,
    Points,
    Section,
    Warnings,
)
from modelwright.reporting.words import Words

_HTML_LANGUAGES = {"en": "en", "zh": "zh-CN"}
_SHADES = 5


@dataclass(frozen=True)
class Page:
    """A page: the sections before its chapters, and the chapters. One chapter needs no such."""

    title: str
    subtitle: str
    footer: str
    before: Sequence[Section]
    chapters: Sequence[Chapter]


def render_page(page: Page, t: Words) -> str:
    """Returns the HTML document."""
    style, script = _asset("page.css"), _asset("sort.js")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " img-src data:; base-uri 'none'; form-action 'none'"
    )
    alone = len(page.chapters) == 1 and not page.before
    return "\n".join([
        "<!doctype html>",
        f'<html lang="{_HTML_LANGUAGES[t.language]}">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        '<meta name="generator" content="modelwright">',
        f"<title>{plain(page.title)}</title>",
        f"<style>{style}</style>",
        "</head>",
        "<body>",
        f'<a class="skip" href="#content">{plain(t("Skip to the content"))}</a>',
        f"<header><h1>{isolated(page.title)}</h1>"
        f'<p class="subtitle">{isolated(page.subtitle)}</p></header>',
        _navigation(page, t, alone=alone),
        '<main id="content" tabindex="-1">',
        *(_section(section, "", 2) for section in page.before),
        *(_chapter(one, number, alone=alone) for number, one in enumerate(page.chapters, 1)),
        "</main>",
        f"<footer><p>{isolated(page.footer)}</p></footer>",
        f"<script>{script}</script>",
        "</body>",
        "</html>",
        "",
    ])  # fmt: skip


def _navigation(page: Page, t: Words, *, alone: bool) -> str:
    if alone:
        links = [(one.name, one.title) for one in page.chapters[0].sections]
    else:
        links = [(one.name, one.title) for one in page.before]
        links += [(f"part-{number}", one.name) for number, one in enumerate(page.chapters, 1)]
    items = "".join(f'<li><a href="#{name}">{isolated(title)}</a></li>' for name, title in links)
    return f'<nav aria-label="{plain(t("Contents"))}"><ul>{items}</ul></nav>'


def _chapter(chapter: Chapter, number: int, *, alone: bool) -> str:
    if alone:
        return "\n".join(_section(section, "", 2) for section in chapter.sections)
    name = f"part-{number}"
    inside = "\n".join(_section(section, f"{name}-", 3) for section in chapter.sections)
    return (
        f'<article id="{name}" aria-labelledby="{name}-title">'
        f'<h2 id="{name}-title">{isolated(chapter.name)}</h2>'
        f'<p class="subtitle">{isolated(chapter.subtitle)}</p>\n{inside}</article>'
    )


def _section(section: Section, prefix: str, level: int) -> str:
    name = prefix + section.name
    body = "\n".join(part for one in section.content for part in _element(one, level + 1))
    # Sections inside a chapter are no landmarks: there would be too many of the same name.
    labeled = f' aria-labelledby="{name}-title"' if level == 2 else ""
    return (
        f'<section id="{name}"{labeled}>'
        f'<h{level} id="{name}-title">{isolated(section.title)}</h{level}>\n{body}</section>'
    )


def _element(element: Element, level: int) -> Iterator[str]:
    match element:
        case Chart():
            yield _chart(element)
        case Matrix():
            yield _matrix(element)
        case Commands(title, lines):
            code = plain("\n".join(line.replace("\n", " ") for line in lines))
            yield f'<p>{isolated(title)}</p><pre tabindex="0" dir="ltr"><code>{code}</code></pre>'
        case Points(title, lines):
            yield f"<h{level}>{isolated(title)}</h{level}>{_list(lines)}"
        case Warnings(lines):
            yield f'<div class="warnings">{_list(lines)}</div>'
        case Gallery(cards):
            shown = (
                f"<li>{html.image(one.content, one.kind, one.caption)}"
                f'<span aria-hidden="true">{isolated(one.caption)}</span></li>'
                for one in cards
            )
            yield f'<ul class="gallery">{"".join(shown)}</ul>'
        case _:
            yield html.render([element])


def _chart(chart: Chart) -> str:
    drawn = (
        f'<div class="drawing" tabindex="0" role="group" aria-label="{plain(chart.title)}">'
        f"{chart.drawing}</div>"
    )
    title = f'<p class="title">{isolated(chart.title)}</p>'
    caption = f"<figcaption>{isolated(chart.caption)}</figcaption>"
    figure = f"<figure>{title}{drawn}{caption}</figure>"
    if chart.table is None:
        return figure
    table = html.render([chart.table])
    if chart.folded:
        table = Markup(
            f"<details><summary>{isolated(chart.table.title)}</summary>{table}</details>"
        )
    return figure + table


def _matrix(matrix: Matrix) -> str:
    head = "".join(f'<th scope="col">{isolated(label)}</th>' for label in matrix.labels)
    rows = []
    for down, (label, counts) in enumerate(zip(matrix.labels, matrix.counts, strict=True)):
        total = sum(counts) or 1
        cells = []
        for across, number in enumerate(counts):
            shade = math.ceil(_SHADES * math.sqrt(number / total))
            classes = [f"h{shade}"] * (shade > 0) + ["right"] * (down == across)
            kind = f' class="{" ".join(classes)}"' if classes else ""
            cells.append(f"<td{kind}>{number:,}</td>")
        rows.append(f'<tr><th scope="row">{isolated(label)}</th>{"".join(cells)}</tr>')
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{plain(matrix.caption)}">'
        f'<table class="matrix"><caption>{isolated(matrix.caption)}</caption>'
        f'<thead><tr><th scope="col">{isolated(matrix.corner)}</th>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _list(lines: Sequence[str]) -> str:
    return f"<ul>{''.join(f'<li>{isolated(line)}</li>' for line in lines)}</ul>"


def _asset(name: str) -> str:
    return resources.files("modelwright.reporting").joinpath(name).read_text("utf-8")


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
