from __future__ import annotations

from rich.cells import cell_len

from modelwright.core.terminal import percent, shorten, table


def test_columns_line_up_with_chinese_in_them() -> None:
    lines = table(("标签", "n"), [("好评", 12345), ("neg", 7)]).splitlines()
    assert lines[2] == "好评   12,345"
    assert cell_len(lines[2]) == cell_len(lines[3])


def test_brackets_are_text_not_markup() -> None:
    assert "[red]x[/red]" in table(("a",), [("[red]x[/red]",)])


def test_short_forms() -> None:
    assert percent(0.87316) == "87.32 %"
    assert shorten("a\n b  c" + "d" * 100, 10) == "a b cdddd…"
    assert shorten("好" * 9, 10) == "好好好好…"
