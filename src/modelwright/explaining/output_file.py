"""Writes explanations to a file: heat maps over images as PNG, marked texts as HTML."""

from __future__ import annotations

from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.core.files import write_text
from modelwright.core.types import Task
from modelwright.explaining.explain_report import ExplainReport
from modelwright.explaining.html_page import explanations_page
from modelwright.plots.explanation import ExplainedImage, draw_explanations

SUFFIXES: dict[Task, str] = {"image": ".png", "text": ".html"}


def check_output(path: Path, task: Task) -> None:
    """Checks that explanations of a task can be written to a file of that name.

    Raises:
        ConfigError: its suffix is another one.
    """
    wanted = SUFFIXES[task]
    if path.suffix.lower() != wanted:
        raise ConfigError(
            f"explanations of {task}s are written as {wanted}, but the output is {path}; give"
            f" {path.with_suffix(wanted)}, or --json on standard output."
        )


def write_explanations(path: Path, report: ExplainReport) -> None:
    """Writes the explanations of a report.

    Raises:
        ConfigError: the suffix does not fit the task.
        MissingDependencyError: matplotlib is not installed, for images.
        WriteError: the file cannot be written.
    """
    check_output(path, report.task)
    if report.task == "text":
        write_text(path, explanations_page(report.explained))
        return
    images = [
        ExplainedImage(
            image=one.drawn.image,
            heat=one.drawn.heat,
            name=Path(one.input).name,
            label=one.label,
            top=one.top,
        )
        for one in report.explained
        if one.drawn is not None
    ]
    draw_explanations(path, images)
