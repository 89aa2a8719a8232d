"""Why a model made its worst mistakes: its servable explains them, for their predicted labels.

A run has no engine that answers at once, so a page about a run without a servable says how to get
one. No explanation is made by TensorFlow, which would take seconds to load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelwright.core.errors import DataError, ModelwrightError
from modelwright.core.types import Progress, RawInput, Split
from modelwright.data.images import portable_image
from modelwright.explaining.explained_model import ExplainedModel, explained_servable
from modelwright.explaining.explainer import Explainer
from modelwright.explaining.explanation import Explanation
from modelwright.explaining.registry import choose_method
from modelwright.reporting.evaluation_record import Answers, Evaluation, MistakeRecord
from modelwright.reporting.limits import STEPS
from modelwright.reporting.slices import measured_rows
from modelwright.reporting.subject import Subject
from modelwright.servable.engines.registry import engine_kind
from modelwright.servable.predictor import load_predictor

NO_SERVABLE = (
    "The mistakes have no explanations, because no servable of these weights is here. Export one"
    " (modelwright export {run}) and write the page again."
)
NEEDS_TENSORFLOW = (
    "The mistakes have no explanations, because the servable {servable} has no engine here that"
    " answers without TensorFlow; modelwright explain explains single rows."
)
FAILED = "The mistakes have no explanations: {reason}"


@dataclass(frozen=True)
class MistakeExplanations:
    """Explanations of the mistakes of one evaluation.

    Attributes:
        found: the explanations, by the position of the mistake.
        method: the name of the method.
        missing: why there are none, as a text of the table of translations with its fields.
    """

    found: Mapping[int, Explanation] = field(default_factory=dict)
    method: str = ""
    missing: tuple[str, Mapping[str, object]] | None = None


def explain_mistakes(subject: Subject, progress: Progress | None = None) -> MistakeExplanations:
    """Returns the explanations of the mistakes that a page shows, or why there are none."""
    evaluation = subject.evaluation
    if evaluation is None or not evaluation.record.mistakes:
        return MistakeExplanations()
    if subject.servable is None:
        run = subject.run.path if subject.run else subject.path
        return MistakeExplanations(missing=(NO_SERVABLE, {"run": run}))
    try:
        predictor = load_predictor(subject.servable)
        if engine_kind(predictor.name).needs_tensorflow:
            fields = {"servable": subject.servable}
            return MistakeExplanations(missing=(NEEDS_TENSORFLOW, fields))
        return _explained(explained_servable(predictor), evaluation, subject, progress)
    except ModelwrightError as error:
        return MistakeExplanations(missing=(FAILED, {"reason": error}))


def _explained(
    model: ExplainedModel, evaluation: Evaluation, subject: Subject, progress: Progress | None
) -> MistakeExplanations:
    method = choose_method("auto", subject.task, gradients=False, model=model.name)
    explainer = Explainer(model, method)
    mistakes = evaluation.record.mistakes[: STEPS[0].mistakes]
    inputs = _inputs(evaluation, subject, mistakes)
    found = {}
    for position, one in enumerate(mistakes):
        given = inputs[position]
        if given is not None and one.predicted in model.labels:
            try:
                found[position] = explainer.explain(given, one.predicted, position)
            except DataError:
                continue  # the row stands in the list all the same, without marks
        if progress:
            progress("explaining mistakes", position + 1, len(mistakes))
    return MistakeExplanations(found, method.name)


def _inputs(
    evaluation: Evaluation, subject: Subject, mistakes: tuple[MistakeRecord, ...]
) -> list[RawInput | None]:
    """Returns the text of each mistake, or the file of its image; None for one that is gone."""
    if subject.task == "text":
        return [one.text for one in mistakes]
    split = measured_rows(evaluation, subject.rows)
    if split is None or isinstance(evaluation.answers, str):
        return [None] * len(mistakes)
    places = positions_of(evaluation.answers, mistakes)
    return [None if place is None else _image(split, place) for place in places]


def _image(split: Split, place: int) -> RawInput | None:
    try:
        raw = split.inputs.raw(place)
        return portable_image(raw) if isinstance(raw, bytes) else None
    except (OSError, ModelwrightError):
        return None


def positions_of(answers: Answers, mistakes: tuple[MistakeRecord, ...]) -> list[int | None]:
    """Returns the position of each mistake among the measured rows."""
    wanted = {(one.origin, one.label) for one in mistakes}
    found: dict[tuple[str, str], int] = {}
    for position, key in enumerate(zip(answers.origins, answers.labels, strict=True)):
        if key in wanted:
            found.setdefault(key, position)
    return [found.get((one.origin, one.label)) for one in mistakes]
