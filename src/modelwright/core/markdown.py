"""Blocks of a report as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelwright.core.blocks import Block, Facts, Figure, Note, Table
from modelwright.core.terminal import cell


def render(blocks: Iterable[Block]) -> str:
    """All blocks, with an empty line between them."""
    return "\n\n".join(_block(block) for block in blocks)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table. Vertical bars in cells are escaped, line breaks become spaces."""
    lines: list[Sequence[str]] = [headers, ["---"] * len(headers)]
    lines += [[_escaped(value) for value in row] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _block(block: Block) -> str:
    match block:
        case Facts(title, rows):
            return table((title, ""), rows)
        case Table(headers, rows, title):
            return f"**{title}**\n\n{table(headers, rows)}" if title else table(headers, rows)
        case Figure(path, caption):
            return f"![{caption}]({path.as_posix()})"
        case Note(text):
            return text


def _escaped(value: object) -> str:
    return cell(value).replace("|", r"\|").replace("\n", " ")
