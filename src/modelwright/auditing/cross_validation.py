"""Answers every row by a model that was trained without it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modelwright.auditing.all_rows import AllRows
from modelwright.auditing.work_folder import WorkFolder
from modelwright.core.config import Config
from modelwright.core.types import Dataset, FloatArray, IntArray, Progress, Split, SplitName
from modelwright.data.splits import TRAIN, VAL, split_rows
from modelwright.models.builders import solves_out_of_fold
from modelwright.training.out_of_fold import OutOfFold, solve_folds, train_fold


def answer_folds(
    folder: WorkFolder,
    config: Config,
    data: Dataset,
    rows: AllRows,
    fold: IntArray,
    progress: Progress | None = None,
) -> OutOfFold:
    """Returns the out-of-fold probabilities of all rows.

    Args:
        folder: where finished folds are stored, if each fold is a training.
        config: the settings of the models.
        data: the data set.
        rows: its rows.
        fold: the fold of each row, ``[n]``.
        progress: called with each step.

    Raises:
        KeyboardInterrupt: the user stopped it.
    """
    if solves_out_of_fold(config.model):
        whole = replace(data, splits={"train": rows.select(np.arange(len(rows)))})
        return solve_folds(folder.run, config, whole, fold, progress)
    found: FloatArray = np.full((len(rows), len(rows.names)), np.nan, np.float32)
    names = _names(fold)
    for one in names:
        held = np.flatnonzero(fold == one)
        answers = folder.read(one)
        if answers is None or answers.shape != found[held].shape:
            said = _prefixed(progress, f"fold {names.index(one) + 1} of {len(names)}:")
            training = _training_rows(config, data, rows, np.flatnonzero(fold != one), one)
            answers = train_fold(folder.run, config, training, rows.select(held), said)
            folder.write(one, answers)
        found[held] = answers
    return OutOfFold(found)


def count_done(folder: WorkFolder, fold: IntArray) -> int:
    """Returns the number of folds that are stored."""
    return sum(folder.read(one) is not None for one in _names(fold))


def _names(fold: IntArray) -> list[int]:
    return [int(one) for one in np.unique(fold) if one >= 0]


def _training_rows(
    config: Config, data: Dataset, rows: AllRows, chosen: IntArray, fold: int
) -> Dataset:
    """Returns the rows of the other folds, with a share of them held out for validation."""
    sides = split_rows(
        rows.digests[chosen],
        rows.labels[chosen],
        np.full(len(chosen), TRAIN, np.int8),
        config.data.val,
        0.0,
    )
    splits: dict[SplitName, Split] = {"train": rows.select(chosen[sides == TRAIN])}
    if (sides == VAL).any():
        splits["val"] = rows.select(chosen[sides == VAL])
    return replace(data, splits=splits, fingerprint=f"{data.fingerprint} without fold {fold}")


def _prefixed(progress: Progress | None, prefix: str) -> Progress | None:
    if progress is None:
        return None

    def say(activity: str, done: int, total: int) -> None:
        progress(f"{prefix} {activity}", done, total)

    return say
