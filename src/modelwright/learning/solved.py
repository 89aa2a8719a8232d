"""How a network learns whose weights a solver finds: linear in its features, so without steps.

The strategies differ in the rows and targets that they give to the solver and in how firmly they
hold the weights before; ``solve_rows`` does the rest. ``solve_again`` forgets the weights before
and solves anew.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.core.types import BoolArray, FloatArray
from modelwright.learning.head_space import HeadSpace, feature_views, read_head
from modelwright.learning.lesson import Lesson, LessonRows
from modelwright.learning.ngram_space import NgramSpace, length_scales, plain_ratios, read_space
from modelwright.learning.warm_fit import Doubles, Linear, as_targets, fit_from, targets_of
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import check_options, solve_network
from modelwright.models.ngram_features import read_ngrams
from modelwright.training.optimizers import class_weights

MOST_REPEATS = 10.0
"""The most rows that one kept row stands for."""
Space = NgramSpace | HeadSpace


@dataclass(frozen=True)
class Wanted:
    """Rows for the solver.

    Attributes:
        rows: the rows with their labels.
        weight: weight of each of them; that of a new row is 1.
        answers: class probabilities ``[n, classes]`` that are wanted besides the labels.
        share: weight of these answers, where that of the labels is 1.
        labels: weight of the labels.
    """

    rows: LessonRows
    weight: float = 1.0
    answers: FloatArray | None = None
    share: float = 0.0
    labels: float = 1.0


def is_solved(model: ModelConfig) -> bool:
    """Returns whether a solver finds all trainable weights of a network of this builder."""
    options = check_options(model)
    return bool(getattr(options, "solved", False)) and not getattr(options, "steps_follow", False)


def solve_rows(
    lesson: Lesson,
    wanted: Sequence[Wanted],
    *,
    hold: Callable[[NgramSpace], Linear] | None = None,
    frequent: BoolArray | None = None,
) -> None:
    """Sets the weights of a solved network to the best ones for rows, held near those before.

    Args:
        lesson: the network and its settings.
        wanted: the rows.
        hold: returns how strongly each weight of an n-gram network is held, besides the usual
            penalty.
        frequent: see ``read_space``.

    Raises:
        ConfigError: there are no rows.
    """
    parts = [one for one in wanted if len(one.rows)]
    if not parts:
        raise ConfigError("the lesson has no rows to learn; expected at least one.")
    rows = [one.rows for one in parts]
    space = read_lesson(lesson, rows, frequent=frequent)
    columns = space.start.kernel.shape[1]
    targets = np.concatenate([_targets(one, columns) for one in parts])
    weights = np.concatenate(
        [np.full(len(one.rows), one.weight * (one.labels + one.share)) for one in parts]
    )
    weights *= _balance(lesson, rows)
    firm = space.hold
    if hold is not None and isinstance(space, NgramSpace):
        more = hold(space)
        firm = Linear(firm.kernel + more.kernel, firm.bias + more.bias)
    space.set_weights(fit_from(space.start, space.features, targets, weights, firm))
    if isinstance(space, NgramSpace) and space.added:
        lesson.notes.append(f"{space.added:,} n-grams that the network did not know were learned")


def solve_again(lesson: Lesson, rows: LessonRows) -> None:
    """Solves the network anew for rows, as a training on them would, in place."""
    options = check_options(lesson.model)
    weights = _balance(lesson, [rows])
    data = AdaptationData(rows.inputs, rows.labels, progress=lesson.progress)
    if (weights != 1).any():
        data = replace(data, row_weights=weights.astype(np.float32))
    if lesson.model.builder == "ngrams":
        data = replace(data, decay=_decay(lesson, rows))
    else:
        features = feature_views(
            lesson.network, rows, mirrored=options.augment == "flip", progress=lesson.progress
        )
        data = replace(data, features=features)
    solution = solve_network(lesson.model, lesson.network, data, lesson.seed)
    found = ", ".join(f"{name} {value}" for name, value in solution.choice.items())
    lesson.notes.append(f"solved anew on {len(rows):,} rows: {found}")


def kept_weight(lesson: Lesson) -> float:
    """Returns the weight of a kept row: all of them weigh as much as the new rows, up to a limit.

    ``Strength.beta`` multiplies it.
    """
    kept = len(lesson.kept) if lesson.kept is not None else 0
    repeats = float(np.clip(len(lesson.new) / max(kept, 1), 1, MOST_REPEATS))
    return lesson.strength.beta * repeats


def read_lesson(
    lesson: Lesson, rows: Sequence[LessonRows], *, frequent: BoolArray | None = None
) -> Space:
    """Returns the features of rows and the weights on them."""
    if lesson.model.builder == "ngrams":
        return read_space(
            lesson.network, lesson.model, rows, frequent=frequent, progress=lesson.progress
        )
    return read_head(lesson.network, rows, lesson.progress)


def _targets(one: Wanted, columns: int) -> Doubles:
    targets = targets_of(one.rows.labels, columns)
    if one.answers is None or not one.share:
        return targets
    recorded = np.isfinite(one.answers).all(axis=1, keepdims=True)
    answers = np.where(recorded, as_targets(np.nan_to_num(one.answers), columns), targets)
    mixed: Doubles = (one.labels * targets + one.share * answers) / (one.labels + one.share)
    return mixed


def _balance(lesson: Lesson, rows: Sequence[LessonRows]) -> Doubles:
    """Returns the weight of each row by its class, as ``train.class_weight`` says."""
    labels = np.concatenate([one.labels for one in rows])
    classes = max(2, int(lesson.network.output_shape[-1]))
    found = class_weights(labels, classes, lesson.train.class_weight)
    if found is None:
        return np.ones(len(labels))
    return np.array([found[int(label)] for label in labels])


def _decay(lesson: Lesson, rows: LessonRows) -> float:
    """Returns the factor for each token of an n-gram beyond the first that the network has."""
    scores = lesson.network.get_layer("scores")
    options = check_options(lesson.model)
    known = scores.ratio.numpy()[:, 0]
    found = read_ngrams(
        lesson.network.get_layer("buckets"), options, [rows.inputs], scores.columns, None
    )
    scales = length_scales(found, known[found.buckets], plain_ratios(found, rows.labels))
    return float(np.clip(scales[2] / max(float(scales[1]), 1e-9), 0.1, 1.0))
