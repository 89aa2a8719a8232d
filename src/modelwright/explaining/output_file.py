"""Writes explanations to a file: heat maps over images as PNG, marked texts as HTML."""

from __future__ import annotations

from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.core.files import write_text
from modelwright.core.types import Task
from modelwright.explaining.explain_report import ExplainReport
from modelwright.explaining.html_page import explanations_page
from modelwright.explaining.sheet_rows import SheetKind
from modelwright.explaining.summary_report import TITLES, UNKNOWN, ExplanationSummary
from modelwright.plots.contact_sheet import SheetGroup, SheetImage, draw_contact_sheet
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


def write_summary(path: Path, summary: ExplanationSummary) -> None:
    """Writes the contact sheet of images, or all explained texts.

    Raises:
        ConfigError: the suffix does not fit the task.
        MissingDependencyError: matplotlib is not installed, for images.
        WriteError: the file cannot be written.
    """
    check_output(path, summary.task)
    if summary.task == "text":
        write_text(path, explanations_page(summary.explanations))
        return
    draw_contact_sheet(path, [_group(summary, kind) for kind in TITLES])


def _group(summary: ExplanationSummary, kind: SheetKind) -> SheetGroup:
    images = [
        SheetImage(
            image=one.explanation.drawn.image,
            heat=one.explanation.drawn.heat,
            label=one.label,
            answer=one.answer,
            probability=one.probability,
            name=one.row,
            explained=None if one.explanation.label == one.answer else one.explanation.label,
        )
        for one in summary.sheet
        if one.kind == kind and one.explanation.drawn is not None
    ]
    nothing = f"none of {summary.rows:,} rows"
    if kind == "wrong" and summary.wrong is None:
        nothing = UNKNOWN
    return SheetGroup(TITLES[kind], images, nothing)
