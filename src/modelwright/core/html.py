"""Blocks of a report as HTML: every text is escaped, and isolated from the writing direction.

The HTML has no inline styles and no scripts, so that a page can forbid both. What it looks like
is up to the page's style sheet.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from modelwright.core.blocks import Block, Facts, Figure, Note, Table
from modelwright.core.terminal import cell

_ONE = r"[-+]?\d[\d,]*(\.\d+)?(e[-+]?\d+)?( %)?"
_NUMBER = re.compile(rf"<?{_ONE}( (to|至|/) {_ONE})?")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_KINDS = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"}


class Markup(str):
    """A text that is HTML already. Any other text is escaped before it is shown."""

    __slots__ = ()


def render(blocks: Iterable[Block]) -> Markup:
    """Returns all blocks, one after the other."""
    return Markup("\n".join(_block(block) for block in blocks))


def plain(value: object) -> str:
    """Returns a text for HTML: escaped, without characters that HTML does not allow."""
    return html.escape(_UNPRINTABLE.sub("\ufffd", cell(value)))


def isolated(value: object) -> Markup:
    """Returns a text in an element of its own, so that its direction changes no other text."""
    if isinstance(value, Markup):
        return value
    return Markup(f"<bdi>{plain(value)}</bdi>")


def facts(title: str, rows: Iterable[tuple[str, object]]) -> Markup:
    """Returns names with their values as a table of two columns."""
    lines = (
        f'<tr><th scope="row">{isolated(name)}</th><td>{isolated(value)}</td></tr>'
        for name, value in rows
    )
    return _scrolled(title, f'<table class="facts">{_caption(title)}<tbody>{"".join(lines)}')


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> Markup:
    """Returns rows under headers. The first cell of a row is its header.

    The columns can be sorted by a script that finds the class ``sortable``.
    """
    numeric = [
        at > 0 and bool(rows) and all(_is_number(row[at]) for row in rows)
        for at in range(len(headers))
    ]
    classes = [' class="number"' if one else "" for one in numeric]
    head = "".join(
        f'<th scope="col"{kind}>{isolated(name)}</th>'
        for name, kind in zip(headers, classes, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, classes)}</tr>" for row in rows)
    sortable = ' class="sortable"' if len(rows) > 1 else ""
    content = f"<table{sortable}>{_caption(title)}<thead><tr>{head}</tr></thead><tbody>{body}"
    return _scrolled(title or headers[0], content)


def image(content: bytes, kind: str, alt: str, width: int = 0) -> Markup:
    """Returns an image inside the page. ``kind`` is its media type."""
    encoded = base64.b64encode(content).decode()
    size = f' width="{width}"' if width else ""
    return Markup(f'<img alt="{plain(alt)}"{size} src="data:{kind};base64,{encoded}">')


def _block(block: Block) -> Markup:
    match block:
        case Facts(title, rows):
            return facts(title, rows)
        case Table(headers, rows, title):
            return table(headers, rows, title)
        case Figure(path, caption):
            return _figure(path, caption)
        case Note(text):
            return Markup("".join(f"<p>{isolated(line)}</p>" for line in text.split("\n") if line))


def _figure(path: Path, caption: str) -> Markup:
    try:
        shown = image(path.read_bytes(), _KINDS.get(path.suffix.lower(), "image/png"), caption)
    except OSError as error:
        shown = isolated(f"{path}: {error.strerror or error}")
    return Markup(f"<figure>{shown}<figcaption>{isolated(caption)}</figcaption></figure>")


def _cells(row: Sequence[object], classes: Sequence[str]) -> str:
    first, *others = (isolated(value) for value in row)
    cells = (f"<td{kind}>{value}</td>" for value, kind in zip(others, classes[1:], strict=True))
    return f'<th scope="row"{classes[0]}>{first}</th>{"".join(cells)}'


def _caption(title: str) -> str:
    return f"<caption>{isolated(title)}</caption>" if title else ""


def _scrolled(title: str, content: str) -> Markup:
    """Closes a table, in an element that scrolls, by keyboard too, where the table is too wide."""
    return Markup(
        f'<div class="scroll" tabindex="0" role="group" aria-label="{plain(title)}">'
        f"{content}</tbody></table></div>"
    )


def _is_number(value: object) -> bool:
    if isinstance(value, int | float):
        return True
    return isinstance(value, str) and bool(_NUMBER.fullmatch(value) or value in ("", "—"))
