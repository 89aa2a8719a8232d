"""Pictures for people, drawn with matplotlib from plain numbers. Chinese labels render."""

from modelwright.plots.mistakes import draw_mistakes
from modelwright.plots.rows import draw_inspection
from modelwright.plots.scores import draw_calibration, draw_classes, draw_confusion
from modelwright.plots.training import draw_history

__all__ = [
    "draw_calibration",
    "draw_classes",
    "draw_confusion",
    "draw_history",
    "draw_inspection",
    "draw_mistakes",
]
