"""Blocks of a report as text for a terminal and as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.blocks import Block, Facts, Figure, Note, Table
from modelwright.core.report import Report


class Everything(Report):
    """A report with every kind of block."""

    def blocks(self) -> Sequence[Block]:
        return (
            Facts("trained", [("accuracy", 0.5), ("类别", "好|坏")]),
            Table(("class", "rows"), [("neg", 1200), ("pos", 7)], title="classes"),
            Figure(Path("plots/history.png"), "Loss and accuracy by epoch"),
            Note("Stopped early."),
        )

    def to_dict(self) -> dict[str, Any]:
        return {}


def test_the_terminal_shows_every_block_in_order() -> None:
    parts = Everything().render().split("\n\n")
    assert [part.splitlines()[0].rstrip() for part in parts] == [
        "trained",
        "classes",
        "Loss and accuracy by epoch: plots/history.png",
        "Stopped early.",
    ]
    assert "0.5000" in parts[0] and "1,200" in parts[1]


def test_markdown_escapes_what_would_end_a_cell() -> None:
    assert Everything().markdown() == "\n\n".join(
        (
            "| trained |  |\n| --- | --- |\n| accuracy | 0.5000 |\n| 类别 | 好\\|坏 |",
            "**classes**",
            "| class | rows |\n| --- | --- |\n| neg | 1,200 |\n| pos | 7 |",
            "![Loss and accuracy by epoch](plots/history.png)",
            "Stopped early.",
        )
    )


def test_a_report_without_blocks_cannot_be_made() -> None:
    class Empty(Report):
        def to_dict(self) -> dict[str, Any]:
            return {}

    with pytest.raises(TypeError, match="blocks"):
        Empty()  # type: ignore[abstract]
