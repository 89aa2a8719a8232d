"""Blocks of a report as plain text: tables whose columns line up, Chinese included."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table as RichTable

from modelwright.core.blocks import Block, Facts, Figure, Note, Table


def render(blocks: Iterable[Block]) -> str:
    """All blocks, with an empty line between them."""
    return "\n\n".join(_block(block) for block in blocks)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], *, width: int = 110) -> str:
    """Rows under headers; columns of numbers are aligned right."""
    content = [[cell(value) for value in row] for row in rows]
    drawn = RichTable(box=SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for position, header in enumerate(headers):
        numeric = all(_numeric(row[position]) for row in content)
        drawn.add_column(header, justify="right" if numeric else "left", overflow="fold")
    for row in content:
        drawn.add_row(*(_literal(value) for value in row))
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False)
    with console.capture() as captured:
        console.print(drawn)
    return "\n".join(line.rstrip() for line in captured.get().strip("\n").splitlines())


def cell(value: object) -> str:
    """A number, with at most four decimals, or the text of anything else."""
    if isinstance(value, float):
        return f"{value:.4f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def percent(value: float, digits: int = 2) -> str:
    """``0.8731`` as ``87.31 %``, or with fewer digits after the point."""
    return f"{100 * value:.{digits}f} %"


def shorten(text: str, width: int = 80) -> str:
    """One line of at most ``width`` columns, of which a Chinese character takes two."""
    line = " ".join(text.split())
    return line if cell_len(line) <= width else set_cell_size(line, width - 1).rstrip() + "…"


def _block(block: Block) -> str:
    match block:
        case Facts(title, rows):
            return table((title, ""), rows)
        case Table(headers, rows, title, width):
            drawn = table(headers, rows, width=width)
            return f"{title}\n{drawn}" if title else drawn
        case Figure(path, caption):
            return f"{caption}: {path}"
        case Note(text):
            return text


def _literal(value: str) -> str:
    return value.replace("[", r"\[")


def _numeric(value: str) -> bool:
    return value.replace(",", "").replace(".", "").replace("%", "").strip().lstrip("-").isdigit()
