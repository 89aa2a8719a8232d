"""The file of what a strategy remembers: arrays by their names, never pickles."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modelwright.core.files import write_atomic
from modelwright.learning.lesson import State


def write_arrays(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Writes arrays by their names, atomically."""
    named: Any = {name: np.asarray(values) for name, values in arrays.items()}
    write_atomic(path, lambda file: np.savez(file, **named))


def write_state(path: Path, state: State) -> None:
    """Writes a state."""
    write_arrays(path, state)


def read_state(path: Path) -> State:
    """Returns a state.

    Raises:
        OSError: the file cannot be read.
        ValueError: it holds something else.
    """
    with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
