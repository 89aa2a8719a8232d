"""The network of the first domain: an ordinary training, shared by all strategies."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelwright.core.config import Config
from modelwright.core.errors import ModelwrightError
from modelwright.core.types import Dataset, Progress
from modelwright.models.builders import options_for_classes
from modelwright.runs.run import Run, create_run, load_run
from modelwright.training.data_check import check_data
from modelwright.training.runtime import make_deterministic
from modelwright.training.session import Session


def train_first(
    config: Config, data: Dataset, folder: Path, progress: Progress | None = None
) -> Run:
    """Returns a finished run on the rows of the first domain; trains it unless it is there.

    A training that was cut off begins anew: it takes a small part of the study.

    Raises:
        ConfigError: the model does not fit the data.
        RunError: the loss is no longer a number.
        KeyboardInterrupt: the user stopped the training.
    """
    if known := _finished(folder, config, data):
        return known
    shutil.rmtree(folder, ignore_errors=True)
    make_deterministic(config.train.seed)
    chosen, _ = options_for_classes(config.model, len(data.labels))
    check_data(config, data, chosen)
    run = create_run(config, data, folder)
    run = run.update(chosen=chosen) if chosen else run
    session = Session(run, data, progress=progress)
    if not session.fit():
        raise KeyboardInterrupt
    session.checkpoint.delete()
    metrics = {"seconds": session.checkpoint.seconds, "epochs": len(session.checkpoint.history)}
    return session.run.update(status="finished", metrics=metrics)


def _finished(folder: Path, config: Config, data: Dataset) -> Run | None:
    try:
        run = load_run(folder)
    except (ModelwrightError, OSError):
        return None
    same = run.data["fingerprint"] == data.fingerprint and run.config == config
    return run if same else None
