"""Explains the answers of a servable or a run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelwright.core.backend import load_keras
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.folders import is_run
from modelwright.core.types import Progress, RawInput
from modelwright.explaining.explain_report import ExplainReport, FailedInput
from modelwright.explaining.explained_model import ExplainedModel, explained_servable
from modelwright.explaining.explainer import Explainer
from modelwright.explaining.explanation import Explanation
from modelwright.explaining.registry import choose_method
from modelwright.servable.predictor import Predictor, load_predictor


def explain(
    model: Path | str | Predictor | ExplainedModel,
    inputs: Sequence[RawInput | Path],
    *,
    label: str | None = None,
    method: str = "auto",
    seed: int = 0,
    engine: str = "auto",
    progress: Progress | None = None,
) -> ExplainReport:
    """Explains why a model gives inputs a label, and how far that explanation is true.

    Args:
        model: a servable, as a folder or loaded, or the folder of a run, which Keras answers.
        inputs: texts, or images as paths or as the bytes of encoded files.
        label: the label to explain; by default the most probable one of each input.
        method: ``auto`` for the default one, ``quick`` for the fastest, or its name.
        seed: decides what a method draws.
        engine: the engine of a servable; ``auto`` selects the fastest that is installed.
        progress: called after each input.

    Raises:
        ConfigError: there is no such label, method or engine, or the method cannot explain this
            model.
        ServableError: the servable cannot be used.
        RunError: the run cannot be used.
        MissingDependencyError: a package is not installed.
    """
    opened = open_model(model, engine)
    if label is not None:
        opened.label_position(label)
    task = opened.predictor.manifest.task
    chosen = choose_method(method, task, gradients=opened.network is not None, model=opened.name)
    explainer = Explainer(opened, chosen, seed)
    found: list[Explanation | FailedInput] = []
    for position, given in enumerate(inputs):
        try:
            found.append(explainer.explain(given, label, position))
        except DataError as error:
            name = f"image {position + 1}" if isinstance(given, bytes) else str(given)
            found.append(FailedInput(name, str(error)))
        if progress:
            progress("explaining", position + 1, len(inputs))
    name = opened.predictor.name
    return ExplainReport(opened.predictor.folder, task, name, chosen.name, seed, tuple(found))


def open_model(
    model: Path | str | Predictor | ExplainedModel, engine: str = "auto"
) -> ExplainedModel:
    """Loads a servable or a run for explanations.

    Raises:
        See ``explain``.
    """
    if isinstance(model, ExplainedModel):
        return model
    if isinstance(model, Predictor):
        return explained_servable(model)
    if not is_run(Path(model)):
        return explained_servable(load_predictor(model, engine=engine))
    if engine not in ("auto", "keras"):
        raise ConfigError(
            f"{model} is a run, which Keras answers; got engine '{engine}'. Leave out the engine,"
            " or explain a servable of the run (modelwright export)."
        )
    load_keras()
    from modelwright.api.explained_run import explained_run

    return explained_run(Path(model))
