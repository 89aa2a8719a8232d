"""Held-out rows of the data that a model was trained on, as a user would send them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import Dataset, Progress, RawInput, Split
from modelwright.data.load import load_data
from modelwright.data.pictures import portable


def load(
    config: DataConfig, recorded: Mapping[str, Any], whose: Path, progress: Progress | None = None
) -> Dataset:
    """The data of a training, as it was.

    Args:
        config: what the training read.
        recorded: its fingerprint among what was recorded.
        whose: the run or servable that it belongs to, for a person.
        progress: told of each step.

    Raises:
        DataError: it is not there any more, or changed.
    """
    data = load_data(config, progress=progress)
    if data.fingerprint != recorded["fingerprint"]:
        raise DataError(
            f"{data.source} changed since {whose} was trained on it; its rows are needed to"
            " check what is made of it. Bring it back, or train anew."
        )
    return data


def sendable(split: Split, places: list[int]) -> tuple[RawInput, ...]:
    """Texts, or the bytes of encoded pictures, of a kind that every engine reads."""
    rows = (split.inputs.raw(place) for place in places)
    return tuple(portable(row) if isinstance(row, bytes) else row for row in rows)
