"""The start of a training from another model: what is taken from it, and what the report says."""

from __future__ import annotations

import math
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.core.terminal import percent
from modelwright.core.types import Task
from modelwright.models.builders import check_options
from modelwright.models.last_layers import last_layers
from modelwright.runs.run import CHECKPOINT, Run
from modelwright.training.extras import Extras
from modelwright.training.source_settings import check_same_task, read_source
from modelwright.training.starting_weights import (
    Source,
    StartFrom,
    StartReport,
    check_source,
    copy_weights,
    load_source,
)
from modelwright.training.vocabulary import continue_tokens

_UNKNOWN = 1
_MANY_UNKNOWN = 0.2
_RANDOM = "; the frozen layers are those of a new network, because no model was given to start from"


def check_task(extras: Extras | None, task: Task) -> None:
    """Checks that a training starts from a model of its own task, before anything else is checked.

    Raises:
        ConfigError: the source classifies something else.
        RunError: the source is a run that cannot be used.
        ServableError: the source is no model, or cannot be used.
    """
    if extras is None or extras.start_from is None:
        return
    if wrong := check_same_task(read_source(extras.start_from.source), task):
        raise ConfigError(wrong)


def open_source(extras: Extras, run: Run) -> tuple[Run, Source | None]:
    """Returns the model that a training starts from, and the run with its way to split texts.

    A training with a checkpoint needs the source no more.

    Raises:
        ConfigError: the source does not fit the training.
        RunError: the source is a run that cannot be used, or has changed.
        ServableError: the source is no model, or cannot be used.
    """
    start = extras.start_from
    if start is None or (run.path / CHECKPOINT).exists():
        return run, None
    source = load_source(start)
    run = continue_tokens(run, source.tokenizer)
    check_source(start, source, run)
    check_solver(start, source, run)
    return run, source


def begin(source: Source, network: Any, run: Run) -> tuple[Run, StartReport]:
    """Copies the weights of the source, and returns the run with notes about them.

    Raises:
        ConfigError: the weights do not fit.
    """
    start = source.start
    others = source.labels != run.labels
    renewed = last_layers(network) if start.new_classes and others else []
    report = copy_weights(
        start, source.network, network, renewed=renewed, hint=_shape_hint(source, run)
    )
    parts = [f"started from {start.source}: {_layers(len(report.copied))} copied"]
    left = [f"{name} ({why})" for name, why in report.layers if why != "copied"]
    if left and not renewed:
        parts.append(f"new: {', '.join(left)}")
    run = run.add_note("; ".join(parts))
    if renewed:
        new = ", ".join(name for name, why in report.layers if why != "copied")
        run = run.add_note(
            f"{new} starts anew: the classes here are {_named(run.labels)}, those of the source"
            f" {_named(source.labels)}; classes that are the same under other names are renamed"
            " with --set data.labels.OLD=NEW"
        )
    return run, report


def note_frozen(run: Run, network: Any, frozen: tuple[str, ...], *, started: bool) -> Run:
    """Returns the run with a note about what is frozen and what is trained.

    Args:
        run: the run.
        network: its network.
        frozen: names of the frozen layers.
        started: whether the training starts from another model.
    """
    if not frozen:
        return run
    trained = sum(math.prod(variable.shape) for variable in network.trainable_variables)
    names = [layer.name for layer in network.layers if layer.trainable_variables]
    return run.add_note(
        f"frozen: {', '.join(frozen)}; trained: {', '.join(names)}, {trained:,} of"
        f" {network.count_params():,} parameters{'' if started else _RANDOM}"
    )


def note_unknown(run: Run, source: Source | None, rows: Any) -> Run:
    """Returns the run with a note about the tokens that the vocabulary of the source lacks.

    Args:
        run: the run of a training that starts from the source.
        source: the source; None if the training starts from none.
        rows: the training rows as token ids, or images.
    """
    if source is None or source.vocabulary is None:
        return run
    tokens = int((rows.array > 0).sum())
    share = int((rows.array == _UNKNOWN).sum()) / max(tokens, 1)
    more = ""
    if share > _MANY_UNKNOWN:
        more = ", which are all alike to it; a training from scratch learns words of its own"
    return run.add_note(
        f"the vocabulary is that of the source, which lacks {percent(share)} of the tokens of the"
        f" training rows{more}"
    )


def check_solver(start: StartFrom, source: Source, run: Run) -> None:
    """Refuses a start that a solver would leave without effect.

    Raises:
        ConfigError: says why, and what does have an effect.
    """
    options, theirs = check_options(run.model), check_options(source.record.model)
    if not getattr(options, "solved", False):
        return
    if hasattr(options, "backbone"):
        if getattr(theirs, "finetune", 0) or options.finetune:
            return
        raise ConfigError(
            f"{start.source} has the published weights of the backbone, and the last layer is"
            " solved anew, so starting from it changes nothing; start without it, or fine-tune"
            " with model.finetune=2."
        )
    if source.labels != run.labels:
        raise ConfigError(
            f"{start.source} has the classes {_named(source.labels)}, but the data has"
            f" {_named(run.labels)}. The recipe '{run.config.recipe}' has one layer of weights,"
            " which belong to the classes, so there is nothing to start from. Rename the classes"
            " with --set data.labels.OLD=NEW if they are the same; add classes with 'modelwright"
            " update'; or train without a start."
        )
    if run.config.data.unlabelled:
        raise ConfigError(
            "data.unlabelled was given together with a model to start from, but a solved network"
            " learns from one of them; leave one out."
        )


def _shape_hint(source: Source, run: Run) -> str:
    theirs, own = source.record.shape, run.shape
    if theirs is None or own is None or tuple(theirs) == tuple(own):
        return ""
    text = f" Its images have the shape {tuple(theirs)}, those here {tuple(own)}"
    if theirs[0] == theirs[1] and theirs[2] == own[2]:
        return f"{text}: --set data.image_size={theirs[0]} resizes them."
    return f"{text}."


def _layers(count: int) -> str:
    return f"{count} layer{'' if count == 1 else 's'} with weights"


def _named(labels: tuple[str, ...]) -> str:
    shown = ", ".join(labels[:10])
    return f"{shown} and {len(labels) - 10} more" if len(labels) > 10 else shown
