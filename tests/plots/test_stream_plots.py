"""The plots of streams, with names from outside."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from modelwright.plots.stream import StreamLine, draw_curves, draw_losses


def pixels(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


def test_chinese_names_and_dollars_are_drawn(tmp_path: Path) -> None:
    def lines(names: tuple[str, ...]) -> list[StreamLine]:
        losses = dict(zip(names, (-0.1, -0.02), strict=False))
        return [StreamLine(f"s{n}", [0.9, 0.8 - n / 20], losses) for n in range(3)]

    drawn = []
    for number, names in enumerate((("书籍", "酒店"), ("$x^2$", "<b>"), ("计算机", "水果"))):
        path = draw_losses(tmp_path / f"{number}.png", lines(names), title="研究 $1")
        curves = draw_curves(tmp_path / f"c{number}.png", lines(names), title="x", names=names)
        drawn.append((pixels(path), pixels(curves)))
    for one, other in ((0, 1), (0, 2), (1, 2)):
        for kind in (0, 1):
            first, second = drawn[one][kind], drawn[other][kind]
            assert first.shape != second.shape or (first != second).any()


def test_many_domains_and_strategies_fit(tmp_path: Path) -> None:
    losses = {f"domain {number}": -number / 100 for number in range(60)}
    lines = [StreamLine(f"strategy {n}", [0.9] * 60, losses) for n in range(12)]
    assert draw_curves(tmp_path / "a.png", lines, title="many").exists()
    assert draw_losses(tmp_path / "b.png", lines, title="many").exists()
    assert pixels(tmp_path / "b.png").shape[0] < 2400
