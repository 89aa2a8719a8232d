"""The chapter about one model: all sections in the order in which a reader needs them."""

from __future__ import annotations

from modelwright.core.types import Progress
from modelwright.data.inspection import inspect_data
from modelwright.data.inspection_report import InspectReport
from modelwright.reporting.audit_section import audit_section
from modelwright.reporting.card_section import card_section
from modelwright.reporting.commands_section import (
    lineage_section,
    repeating_section,
    serving_section,
)
from modelwright.reporting.data_section import data_section
from modelwright.reporting.drift_section import drift_section
from modelwright.reporting.elements import Chapter
from modelwright.reporting.engines_section import engines_section
from modelwright.reporting.figures_section import (
    calibration_section,
    classes_section,
    figures_section,
)
from modelwright.reporting.limits import Limits
from modelwright.reporting.mistake_explanations import MistakeExplanations
from modelwright.reporting.slices_section import mistakes_section, slices_section
from modelwright.reporting.subject import Subject
from modelwright.reporting.training_section import training_section
from modelwright.reporting.update_section import update_section
from modelwright.reporting.words import Words


def inspect_subject(subject: Subject, progress: Progress | None = None) -> InspectReport | None:
    """Returns what the data of a model is like, or None if the data cannot be had."""
    if isinstance(subject.rows, str):
        return None
    return inspect_data(subject.rows, progress=progress)


def model_chapter(
    subject: Subject,
    seen: InspectReport | None,
    why: MistakeExplanations,
    limits: Limits,
    t: Words,
    name: str,
) -> Chapter:
    """Returns everything that is known of a model.

    Args:
        subject: the model.
        seen: the inspection of its data; None if the data cannot be had.
        why: the explanations of its worst mistakes.
        limits: how much to show.
        t: the words of the page.
        name: what to call it.
    """
    sections = [
        card_section(subject, seen, t),
        figures_section(subject, t),
        classes_section(subject, limits, t),
        calibration_section(subject, t),
        slices_section(subject, t),
        mistakes_section(subject, limits, t, why),
        data_section(subject, seen, limits, t),
        audit_section(subject, limits, t),
        drift_section(subject, limits, t),
        update_section(subject, limits, t),
        training_section(subject, t),
        engines_section(subject, t),
        lineage_section(subject, t),
        serving_section(subject, t),
        repeating_section(subject, t),
    ]
    kind = t("servable") if subject.run is None or subject.path != subject.run.path else t("run")
    return Chapter(name, f"{kind}: {subject.path}", [one for one in sections if one])
