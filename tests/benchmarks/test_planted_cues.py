"""The planted cue is where a row says, decides the label, and nothing else does."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelwright.explaining.method import ImageSegment, TextSegment

FOLDER = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(FOLDER))

import explanations  # noqa: E402
import planted_cues  # noqa: E402


@pytest.mark.parametrize("language", ["English", "Chinese"])
def test_a_text_has_the_cue_of_its_label_once(language: str) -> None:
    rows = planted_cues.planted_texts(language, 40, 0)
    cues = dict(zip(planted_cues.LABELS, planted_cues.CUES[language], strict=True))
    assert [row.label for row in rows].count("first") == 20
    for row in rows:
        assert row.text[row.start : row.end] == cues[row.label]
        assert sum(row.text.count(cue) for cue in cues.values()) == 1
    for word in planted_cues.WORDS[language]:
        assert not any(cue in word for cue in cues.values())
    assert rows != planted_cues.planted_texts(language, 40, 1)


def test_an_image_has_the_color_of_its_label_in_one_corner() -> None:
    for row in planted_cues.planted_images(20, 0):
        pixels = np.asarray(Image.open(io.BytesIO(row.file)))
        patch = pixels[row.row : row.row + 8, row.column : row.column + 8]
        color = planted_cues.COLORS[planted_cues.LABELS.index(row.label)]
        assert (patch == color).all() and (row.row, row.column) in {
            (0, 0), (0, 24), (24, 0), (24, 24),
        }  # fmt: skip
        assert (pixels == color).all(axis=2).sum() == 64


def test_a_segment_finds_the_cue_if_it_overlaps_it() -> None:
    text = planted_cues.PlantedText("a marzipan b", "first", 2, 10)
    spans = {(0, 1): False, (2, 10): True, (5, 12): True, (10, 12): False, (0, 2): False}
    for (start, end), hit in spans.items():
        assert explanations._covers(TextSegment(start, end, ""), text) is hit
    image = planted_cues.PlantedImage(b"", "first", 24, 0)
    corners = {(24, 0): True, (28, 4): True, (20, 0): False, (24, 8): False, (0, 0): False}
    for (row, column), hit in corners.items():
        assert explanations._covers(ImageSegment(row, column, 4, 4), image) is hit


def test_the_default_is_compared_with_lime() -> None:
    def method(name: str, value: float, stability: float | None) -> dict[str, object]:
        figure = {"mean": value, "low": 0.0, "high": 1.0}
        return {
            "method": name, "comprehensiveness": figure, "insertion_less_deletion": figure,
            "stability": stability, "processor_ms": value,
        }  # fmt: skip

    both = [method("in-and-out", 0.6, None), method("lime", 0.3, 0.5)]
    found = explanations.compare_with_lime({"task": "text", "methods": both})
    assert found == {
        "comprehensiveness": 2.0, "insertion_less_deletion": 2.0,
        "stability": 2.0, "processor_ms": 2.0,
    }  # fmt: skip
    assert explanations.compare_with_lime({"task": "image", "methods": both}) is None
