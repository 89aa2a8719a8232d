"""Measures how faithful each method of explanation is, on rows of a servable or a run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from modelwright.api.explain import open_model
from modelwright.core.errors import ConfigError, DataError, MissingDependencyError
from modelwright.core.folders import is_run
from modelwright.core.types import Progress, RawInput
from modelwright.explaining.evaluated_rows import (
    DEFAULT_ROWS,
    EvaluatedInputs,
    rows_of_file,
    rows_of_run,
    rows_of_servable,
)
from modelwright.explaining.evaluation import ExplainedRow, evaluate_methods
from modelwright.explaining.evaluation_report import ExplanationEvaluation
from modelwright.explaining.explained_model import ExplainedModel
from modelwright.explaining.explainer import Explainer
from modelwright.explaining.method import MaskableRow, Method
from modelwright.explaining.randomized_weights import (
    RandomizationCheck,
    check_randomization,
    shuffle_weights,
)
from modelwright.explaining.registry import choose_method, find_method, method_names
from modelwright.runs.rows import evenly_spaced
from modelwright.runs.run import load_run

RANDOMIZED_ROWS = 50
"""Largest number of rows that are explained again with random weights."""


def evaluate_explanations(
    model: Path | str,
    *,
    rows: int = DEFAULT_ROWS,
    data: str | Path | None = None,
    methods: Sequence[str] = (),
    seed: int = 0,
    engine: str = "auto",
    progress: Progress | None = None,
) -> ExplanationEvaluation:
    """Measures how faithful methods of explanation are, next to random segments.

    Each method explains the most probable label of held-out rows: test rows of a run or of the data
    that a servable was trained on, or else its recorded examples. A run's explanations are also
    compared with those of the same network with random weights.

    Args:
        model: the folder of a servable or of a run.
        rows: the largest number of rows, evenly spaced.
        data: other rows, with or without labels: a table, a folder of images or a named set.
        methods: names of methods; by default all that can explain the model.
        seed: decides what the methods draw, and the random orders that they are compared with.
        engine: the engine of a servable; ``auto`` selects the fastest that is installed.
        progress: called with each step.

    Raises:
        ConfigError: there is no such method, or it cannot explain this model.
        DataError: the rows cannot be read, or none can be explained.
        ServableError: the servable cannot be used.
        RunError: the run cannot be used.
        MissingDependencyError: a package is not installed.
    """
    if rows < 2:
        raise ConfigError(f"rows was given {rows}; expected 2 or more, because intervals need two.")
    path = Path(model)
    opened = open_model(path, engine)
    given = _inputs(opened, path, rows, data, progress)
    explainer = Explainer(opened, find_method(method_names()[0]), seed)
    explained, kept, notes = _explained_rows(explainer, given)
    chosen, skipped = _methods(opened, methods, explained[0])
    comparison = evaluate_methods(explained, chosen, seed=seed, progress=progress)
    checks: Sequence[RandomizationCheck] = ()
    if opened.network is not None:
        usable = [at for at, one in enumerate(explained) if len(one.row.segments) > 1]
        some = [usable[at] for at in evenly_spaced(len(usable), RANDOMIZED_ROWS)]
        randomized = _randomized(path, [kept[at] for at in some], seed)
        again = [explained[at] for at in some]
        checks = check_randomization(again, randomized, chosen, progress=progress)
    return ExplanationEvaluation(
        model=opened.predictor.folder,
        task=opened.predictor.manifest.task,
        source=given.source,
        comparison=comparison,
        randomization=checks,
        skipped=skipped,
        notes=(*given.notes, *notes),
    )


def _inputs(
    opened: ExplainedModel,
    path: Path,
    count: int,
    data: str | Path | None,
    progress: Progress | None,
) -> EvaluatedInputs:
    manifest, folder = opened.predictor.manifest, opened.predictor.folder
    if data is not None:
        return rows_of_file(str(data), manifest.task, count, progress=progress)
    if not is_run(path):
        return rows_of_servable(folder, manifest, count, progress)
    try:
        return rows_of_run(load_run(path), count, progress=progress)
    except DataError as error:
        raise DataError(f"{error} Or give other rows with --data.") from None


def _explained_rows(
    explainer: Explainer, given: EvaluatedInputs
) -> tuple[list[ExplainedRow], list[RawInput], list[str]]:
    """Returns the rows with their most probable labels, their inputs, and what was left out."""
    rows, kept, reasons = [], [], []
    for position, one in enumerate(given.inputs):
        try:
            row = explainer.row(one, position)
        except DataError as error:
            reasons.append(str(error))
            continue
        whole = row.answer(np.ones((1, len(row.segments)), bool))
        rows.append(ExplainedRow(row, int(whole.argmax())))
        kept.append(one)
    if not rows:
        raise DataError(f"none of {len(given.inputs)} rows can be explained: {reasons[0]}")
    notes = [f"{len(reasons)} rows cannot be explained, the first: {reasons[0]}"] if reasons else []
    return rows, kept, notes


def _methods(
    opened: ExplainedModel, names: Sequence[str], first: ExplainedRow
) -> tuple[list[Method], dict[str, str]]:
    """Returns the methods to measure, and why others of the model's kind of rows are not.

    Raises:
        ConfigError: a method that was named cannot explain the model.
        MissingDependencyError: its package is not installed.
    """
    task, gradients = opened.predictor.manifest.task, opened.network is not None
    chosen, skipped = [], {}
    for name in dict.fromkeys(names or method_names()):
        try:
            if not names and task not in find_method(name).tasks:
                continue
            if not names and find_method(name).needs_gradients and not gradients:
                skipped[name] = "it needs the gradients of a run"
                continue
            method = choose_method(name, task, gradients=gradients, model=opened.name)
            method.weigh(first.row, first.label, 0)
        except (ConfigError, MissingDependencyError) as error:
            if names:
                raise
            skipped[name] = str(error)
        else:
            chosen.append(method)
    return chosen, skipped


def _randomized(
    path: Path, inputs: Sequence[RawInput], seed: int
) -> Callable[[str], Callable[[int], MaskableRow]]:
    """Returns what gives inputs to copies of a run's network with shuffled weights."""
    from modelwright.api.explained_run import explained_run

    def randomized(layers: str) -> Callable[[int], MaskableRow]:
        change = functools.partial(shuffle_weights, layers=layers, seed=seed)
        explainer = Explainer(explained_run(path, change), find_method(method_names()[0]), seed)
        return lambda at: explainer.row(inputs[at], at)

    return randomized
