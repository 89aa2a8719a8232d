"""``modelwright.train``: settings as a file, as tables, or both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelwright.core.types import Progress
from modelwright.recipes.resolve import resolve_config
from modelwright.training import train as engine
from modelwright.training.train import TrainReport


def train(
    config: Path | str | None = None,
    *,
    data: Mapping[str, Any] | None = None,
    model: Mapping[str, Any] | None = None,
    train: Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
    out: Path | str | None = None,
    progress: Progress | None = None,
) -> TrainReport:
    """Train a model and leave a run folder.

    Args:
        config: a TOML file with the tables ``[data]``, ``[model]``, ``[train]``.
        data: keys of ``[data]`` laid over the file's: ``source``, ``text``, ``label``, …
        model: keys of ``[model]``: ``recipe`` and its options.
        train: keys of ``[train]``: ``epochs``, ``batch_size``, ``seed``, …
        sets: ``table.key=value`` texts laid over all of them.
        out: the run's folder; ``runs/NAME-TIME`` when not given.
        progress: told of each step.

    Raises:
        ConfigError: a setting cannot be used.
        DataError: the data cannot be used.
        RunError: the run's folder is taken, or the loss is no number any more.
    """
    tables = {"data": data or {}, "model": model or {}, "train": train or {}}
    file = Path(config) if config is not None else None
    return engine.train(resolve_config(file, tables, sets), out=out, progress=progress)
