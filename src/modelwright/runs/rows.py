"""Reloads the rows that a run or a servable was trained on, and checks that they are the same.

Resuming, evaluating, exporting, quantizing and comparing all get their rows here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.config import DataConfig
from modelwright.core.errors import ConfigError, DataError
from modelwright.core.types import Dataset, Progress, RawInput, Split
from modelwright.data.images import portable_image
from modelwright.data.load import load_data

_HELD_OUT = ("test", "val")


def reload_data(
    config: DataConfig,
    recorded: Mapping[str, Any],
    owner: Path | str,
    progress: Progress | None = None,
) -> Dataset:
    """Reloads the data of a training and checks its fingerprint.

    Args:
        config: the data settings of the training.
        recorded: the record of the data, with its ``fingerprint``.
        owner: the run or servable that was trained on the data, for messages.
        progress: called with each step.

    Raises:
        DataError: the data cannot be read, or changed since the training.
    """
    data = load_data(config, progress=progress)
    check_fingerprint(data, recorded["fingerprint"], owner)
    return data


def check_fingerprint(data: Dataset, fingerprint: str, owner: Path | str) -> None:
    """Checks that data is the data that ``owner`` was trained on.

    Raises:
        DataError: the data has another fingerprint.
    """
    if data.fingerprint != fingerprint:
        raise DataError(
            f"{data.source} changed since {owner} was trained on it: its fingerprint was"
            f" {fingerprint[:12]} and is now {data.fingerprint[:12]}. Restore the data, or train"
            " again."
        )


def split_of(data: Dataset, name: str) -> Split:
    """Returns one split.

    Raises:
        ConfigError: the data has no such split.
    """
    for known, split in data.splits.items():
        if known == name:
            return split
    raise ConfigError(f"--split was given '{name}'; {data.source} has: {', '.join(data.splits)}.")


def held_out(data: Dataset, order: Sequence[str] = _HELD_OUT) -> tuple[str, Split] | None:
    """Returns the first held-out split in ``order`` with its name, never training rows.

    None if the data has no held-out split.
    """
    by_name = {str(name): split for name, split in data.splits.items() if name in _HELD_OUT}
    return next(((name, by_name[name]) for name in order if name in by_name), None)


def held_out_or_training(data: Dataset, order: Sequence[str] = _HELD_OUT) -> tuple[str, Split]:
    """Returns the split that ``held_out`` returns, or the training rows when there is none.

    For checks that compare two copies of a model, where any rows serve.
    """
    return held_out(data, order) or ("train", data.splits["train"])


def evenly_spaced(count: int, most: int) -> list[int]:
    """Returns at most ``most`` positions, evenly spaced over ``count`` rows."""
    positions = np.linspace(0, count - 1, min(count, most)).astype(int)
    return [int(position) for position in np.unique(positions)]


def raw_inputs(
    split: Split, positions: Sequence[int], *, orient: bool = True
) -> tuple[RawInput, ...]:
    """Returns rows as a client sends them: texts, or encoded images that every engine decodes.

    Args:
        split: the rows.
        positions: which of them.
        orient: whether images are turned as their EXIF orientation says.
    """
    rows = (split.inputs.raw(position) for position in positions)
    return tuple(
        portable_image(row, orient=orient) if isinstance(row, bytes) else row for row in rows
    )
