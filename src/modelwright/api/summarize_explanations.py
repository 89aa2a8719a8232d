"""Summarizes explanations over a whole set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.api.explain import open_model
from modelwright.core.errors import DataError
from modelwright.core.types import FloatArray, Progress, RawInput, Task
from modelwright.data.readers.folder_notes import counted
from modelwright.explaining.class_terms import RunEffects, class_terms
from modelwright.explaining.drawn_rows import DrawnRows, check_count, draw_rows
from modelwright.explaining.explained_model import ExplainedModel
from modelwright.explaining.explainer import Explainer
from modelwright.explaining.explanation import Explanation
from modelwright.explaining.registry import choose_method
from modelwright.explaining.sheet_rows import sheet_rows
from modelwright.explaining.singly import SinglyWeighed, falls
from modelwright.explaining.summary_report import ExplanationSummary, SheetRow
from modelwright.servable.predictor import Predictor

DEFAULT_ROWS: dict[Task, int] = {"text": 200, "image": 1000}
"""Each text is explained, but only the images of the contact sheet are."""
_BATCH = 64


def summarize_explanations(
    model: Path | str | Predictor | ExplainedModel,
    data: Path | str,
    *,
    rows: int | None = None,
    label: str | None = None,
    method: str = "auto",
    seed: int = 0,
    progress: Progress | None = None,
) -> ExplanationSummary:
    """Explains rows of a whole set, and says what the model goes by.

    Of texts, it returns the words and n-grams that carry each class. Of images, it returns the most
    typical, the most confident wrong and the least certain rows, with their explanations.

    Args:
        model: a servable, as a folder or loaded, or the folder of a run, which Keras answers.
        data: a table, a folder of images, or a named set. Texts need no labels.
        rows: the largest number of rows, drawn with the seed; by default 200 texts or 1,000 images.
        label: the label to explain in each row; by default its most probable one.
        method: ``auto`` for the default one, ``quick`` for the fastest, or its name.
        seed: decides which rows are drawn, and what a method draws.
        progress: called with each step.

    Raises:
        ConfigError: there is no such label or method, or the method cannot explain this model.
        DataError: the rows cannot be read, are of the other kind, or none can be explained.
        ServableError: the servable cannot be used.
        RunError: the run cannot be used.
        MissingDependencyError: a package is not installed.
    """
    if rows is not None:
        check_count(rows)
    opened = open_model(model)
    if label is not None:
        opened.label_position(label)
    manifest = opened.predictor.manifest
    chosen = choose_method(
        method, manifest.task, gradients=opened.network is not None, model=opened.name
    )
    count = DEFAULT_ROWS[manifest.task] if rows is None else rows
    drawn = draw_rows(str(data), manifest, count, seed, progress=progress)
    task = _Summary(Explainer(opened, chosen, seed), drawn, label, progress)
    return task.texts() if manifest.task == "text" else task.images()


@dataclass
class _Summary:
    """One summary at work."""

    explainer: Explainer
    drawn: DrawnRows
    label: str | None
    progress: Progress | None

    def __post_init__(self) -> None:
        self.failed: dict[int, str] = {}

    def texts(self) -> ExplanationSummary:
        """Explains each row."""
        explained: dict[int, Explanation] = {}
        total = len(self.drawn.inputs)
        for position, one in enumerate(self.drawn.inputs):
            try:
                explained[position] = self.explainer.explain(one, self.label, position)
            except DataError as error:
                self.failed[position] = str(error)
            if self.progress:
                self.progress("explaining", position + 1, total)
        self._check(len(explained))
        terms = class_terms(explained, self.drawn.origins, self._effects, self.progress)
        found = list(explained.values())
        return self._report(found, terms=terms, explanations=found)

    def images(self) -> ExplanationSummary:
        """Answers each row, and explains those of the contact sheet."""
        answered, probabilities = self._answers()
        self._check(len(answered))
        labels = self.explainer.model.labels
        labeled, notes = self._labeled_classes(answered)
        answers = probabilities.argmax(axis=1).tolist()
        kinds = sheet_rows(probabilities, labeled)
        wanted = sorted({at for rows in kinds.values() for at in rows})
        explained: dict[int, Explanation] = {}
        for done, at in enumerate(wanted):
            given = self.drawn.inputs[answered[at]]
            explained[at] = self.explainer.explain(given, self.label or labels[answers[at]],
                                                   answered[at])  # fmt: skip
            if self.progress:
                self.progress("explaining", done + 1, len(wanted))
        sheet = [
            SheetRow(
                kind=kind,
                row=self.drawn.origins[answered[at]],
                label=self.drawn.labels[answered[at]] if self.drawn.labels is not None else None,
                answer=labels[answers[at]],
                probability=float(probabilities[at].max()),
                explanation=explained[at],
            )
            for kind, rows in kinds.items()
            for at in rows
        ]
        wrong = None
        if labeled is not None:
            wrong = sum(
                label is not None and label != answer
                for label, answer in zip(labeled, answers, strict=True)
            )
        return self._report(list(explained.values()), sheet=sheet, wrong=wrong, notes=notes)

    def _labeled_classes(
        self, answered: Sequence[int]
    ) -> tuple[list[int | None] | None, list[str]]:
        """Returns the class that each row is labeled with, and notes.

        A row whose label the model does not have gets None in the list. Without labels, or if the
        model has none of them, there is no list.
        """
        if self.drawn.labels is None:
            return None, []
        names = self.explainer.model.labels
        labels = [self.drawn.labels[row] for row in answered]
        unknown = [label for label in labels if label not in names]
        classes = [names.index(label) if label in names else None for label in labels]
        if not unknown:
            return classes, []
        shown = ", ".join(sorted(set(unknown))[:3])
        if len(unknown) == len(labels):
            those = ", ".join(names[:3])
            return None, [
                f"the labels of the rows ({shown}, …) are not the model's ({those}, …), so no"
                " answer counts as wrong"
            ]
        return classes, [
            f"{len(unknown):,} rows have a label that the model does not know ({shown}); they are"
            " neither right nor wrong"
        ]

    def _answers(self) -> tuple[list[int], FloatArray]:
        """Returns the positions of the rows with an answer, and their class probabilities."""
        model, total = self.explainer.model, len(self.drawn.inputs)
        answered, found = [], []
        for start in range(0, total, _BATCH):
            batch = self.drawn.inputs[start : start + _BATCH]
            for position, one in enumerate(model.predictor.predict_each(batch), start):
                if isinstance(one, DataError):
                    self.failed[position] = str(one)
                    continue
                answered.append(position)
                found.append([one.probabilities[name] for name in model.labels])
            if self.progress:
                self.progress("answering", min(start + _BATCH, total), total)
        return answered, np.array(found, np.float32).reshape(-1, len(model.labels))

    def _effects(self, label: str) -> RunEffects:
        """Returns what measures n-grams: what weighs words, if the method weighs each singly."""
        position_of_label = self.explainer.model.label_position(label)
        method = self.explainer.method
        effects = method.effects if isinstance(method, SinglyWeighed) else falls

        def measure(position: int, blocks: Sequence[range]) -> FloatArray:
            row = self.explainer.row(self._input(position), position)
            return effects(row, position_of_label, blocks)

        return measure

    def _input(self, position: int) -> RawInput:
        return self.drawn.inputs[position]

    def _check(self, explained: int) -> None:
        if not explained:
            first = next(iter(self.failed.values()))
            raise DataError(f"none of {len(self.drawn.inputs):,} rows can be explained: {first}")

    def _report(
        self, explained: Sequence[Explanation], *, notes: Sequence[str] = (), **content: Any
    ) -> ExplanationSummary:
        predictor, drawn = self.explainer.model.predictor, self.drawn
        said = [*drawn.notes, *notes]
        answers = {one.top[0][0] for one in explained if one.top}
        if len(answers) == 1 and len(explained) > 1:
            said.append(f"the model gives all explained rows the label {next(iter(answers))}")
        if still := sum(one.quality is None for one in explained):
            said.append(f"in {counted(still, 'row')} no segment moves the probability")
        return ExplanationSummary(
            model=predictor.folder,
            task=predictor.manifest.task,
            engine=predictor.name,
            method=self.explainer.method.name,
            seed=self.explainer.seed,
            source=drawn.source,
            rows=len(drawn.inputs),
            total=drawn.total,
            failed=[(drawn.origins[at], reason) for at, reason in self.failed.items()],
            quality=_quality(explained),
            notes=said,
            **content,
        )


def _quality(explained: Sequence[Explanation]) -> dict[str, float | int | None] | None:
    """Returns the means of what each explanation says of itself; None where nothing moved."""
    found = [one.quality for one in explained if one.quality is not None]
    if not found:
        return None
    usual = [one.probability_without_random for one in found
             if one.probability_without_random is not None]  # fmt: skip
    fidelity = [one.fidelity for one in found if one.fidelity is not None]
    return {
        "explained": len(found),
        "probability": float(np.mean([one.probability for one in found])),
        "without_named": float(np.mean([one.probability_without for one in found])),
        "without_random": float(np.mean(usual)) if usual else None,
        "stability": float(np.mean([one.stability for one in found])),
        "fidelity": float(np.mean(fidelity)) if fidelity else None,
        "cautions": sum(bool(one.warnings) for one in found),
    }
