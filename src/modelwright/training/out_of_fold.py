"""Class probabilities of rows by a model that was trained without them.

A solved network is solved once for each fold from features that are computed once. Every other
network is trained once for each fold, in a run folder that can be resumed.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from modelwright.core.config import Config
from modelwright.core.errors import RunError
from modelwright.core.types import Dataset, FloatArray, IntArray, Progress, Split
from modelwright.models.builders import check_options, options_for_classes, solve_out_of_fold
from modelwright.runs.lock import lock_run
from modelwright.runs.run import Run, create_run, load_run
from modelwright.training import pretrained
from modelwright.training.measuring import best_network
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.runtime import make_deterministic
from modelwright.training.session import Session

_NO_LOG = {"tensorboard": False}


@dataclass(frozen=True)
class OutOfFold:
    """Out-of-fold answers for ``n`` rows.

    Attributes:
        probabilities: float32 ``[n, classes]``; NaN for a row that is in no fold.
        features: features of a pretrained network ``[n, d]``; None for other networks.
    """

    probabilities: FloatArray
    features: FloatArray | None = None


def solve_folds(
    folder: Path,
    config: Config,
    data: Dataset,
    fold: IntArray,
    progress: Progress | None = None,
) -> OutOfFold:
    """Returns the out-of-fold probabilities of a solved network.

    Args:
        folder: a folder for the vocabulary, which is removed afterward.
        config: settings for which ``builders.solves_out_of_fold`` is true.
        data: the rows, all in the split ``train``.
        fold: the fold of each row ``[n]``, as from ``core.folds.assign_folds``.
        progress: called with each step.
    """
    make_deterministic(config.train.seed)
    shutil.rmtree(folder, ignore_errors=True)
    run = _new_run(folder, config, data)
    try:
        session = Session(run, data, progress=progress)
        known, features = session.adaptation_data(), None
        if hasattr(check_options(run.model), "backbone"):
            features = pretrained.features_of(
                session.run, session.network, data.splits["train"], progress
            )
            known = replace(known, features=features)
        found = solve_out_of_fold(
            session.run.model, session.network, known, fold, config.train.seed
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return OutOfFold(found, None if features is None else features[0])


def train_fold(
    folder: Path,
    config: Config,
    data: Dataset,
    held: Split,
    progress: Progress | None = None,
) -> FloatArray:
    """Returns the probabilities ``[n, classes]`` of held-out rows by a network trained on others.

    A training that was stopped goes on where it stopped. The folder stays.

    Args:
        folder: the run folder, a new one or that of a stopped training.
        config: the settings.
        data: the training and validation rows.
        held: the held-out rows.
        progress: called with each step.

    Raises:
        KeyboardInterrupt: the user stopped the training.
    """
    make_deterministic(config.train.seed)
    run = _begun_run(folder, data) or _new_run(folder, config, data)
    with lock_run(folder):
        session = Session(run, data, progress=progress)
        if not session.fit():
            raise KeyboardInterrupt
        classifier = NetworkClassifier(best_network(session), session.run.tokenizer())
        return classifier.classify_rows(held.inputs, progress)


def _new_run(folder: Path, config: Config, data: Dataset) -> Run:
    shutil.rmtree(folder, ignore_errors=True)
    quiet = config.model_copy(update={"train": config.train.model_copy(update=_NO_LOG)})
    run = create_run(quiet, data, folder)
    chosen, _ = options_for_classes(config.model, len(data.labels))
    return run.update(chosen=chosen) if chosen else run


def _begun_run(folder: Path, data: Dataset) -> Run | None:
    """Returns the run of a stopped training of the same rows; None if there is none to resume."""
    if not folder.exists():
        return None
    try:
        run = load_run(folder, unfinished=True)
    except RunError:
        return None
    return run if run.data["fingerprint"] == data.fingerprint else None
