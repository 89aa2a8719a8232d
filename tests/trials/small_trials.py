"""Trials of tiny networks on a few images, and what a runner says of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelwright.recipes.resolve import resolve_config
from modelwright.trials.runner import EpochFinished, Runner, TrialEnded
from modelwright.trials.trial import Trial


def image_trial(source: Path, folder: Path, variant: str = "small", **changes: Any) -> Trial:
    """Returns a trial that trains two epochs; ``changes`` are keys of ``[train]``."""
    config = resolve_config(
        options={
            "data": {"source": str(source), "test": 0.3},
            "model": {"recipe": "cnn-tutorial", "filters": [4], "units": 4},
            "train": {
                "epochs": 2, "batch_size": 8, "precision": "float32", "tensorboard": False,
                "seed": 3, **changes,
            },
        }
    )  # fmt: skip
    return Trial(variant, config, folder / variant, folder / f"{variant}.json")


def text_trial(source: Path, folder: Path, variant: str = "text", **changes: Any) -> Trial:
    """Returns a trial of a text model; ``changes`` are keys of ``[model]``."""
    config = resolve_config(
        options={
            "data": {"source": str(source), "test": 0.2},
            "model": {
                "recipe": "bilstm", "units": [4], "embedding": 4, "length": 12, "dropout": 0.1,
                **changes,
            },
            "train": {
                "epochs": 2, "batch_size": 16, "precision": "float32", "tensorboard": False,
            },
        }
    )  # fmt: skip
    return Trial(variant, config, folder / variant, folder / f"{variant}.json")


def until_end(runner: Runner, *, go_on: bool = True) -> tuple[list[EpochFinished], TrialEnded]:
    """Answers the epochs of the one trial that runs, and returns them and its end."""
    epochs: list[EpochFinished] = []
    while event := runner.next_event(120):
        if isinstance(event, TrialEnded):
            return epochs, event
        epochs.append(event)
        if not event.earlier:
            runner.answer(event.key, go_on=go_on)
    raise AssertionError("the trial did not end")
