"""Rows with the answers they should get: JSON Lines, each instance as a REST client sends it."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ServableError
from modelwright.core.files import write_text
from modelwright.core.types import FloatArray, RawInput, Task
from modelwright.servable.manifest import INPUT_NAMES


@dataclass(frozen=True)
class Examples:
    """Raw inputs, and the probabilities float32 ``[n, classes]`` the Keras model gave them."""

    inputs: tuple[RawInput, ...]
    expected: FloatArray

    def first(self, count: int) -> Examples:
        """At most that many of them."""
        return Examples(self.inputs[:count], self.expected[:count])


def instance(row: RawInput, task: Task) -> dict[str, Any]:
    """One row as an element of a predict request's ``instances``."""
    value = {"b64": base64.b64encode(row).decode()} if isinstance(row, bytes) else row
    return {INPUT_NAMES[task]: value}


def write(path: Path, examples: Examples, task: Task) -> None:
    """Write examples, one a line."""
    lines = [
        json.dumps(
            {"instance": instance(row, task), "probabilities": [float(x) for x in chances]},
            ensure_ascii=False,
        )
        for row, chances in zip(examples.inputs, examples.expected, strict=True)
    ]
    write_text(path, "\n".join(lines) + "\n")


def read(path: Path, task: Task) -> Examples:
    """Read what ``write`` wrote.

    Raises:
        ServableError: the file is missing or is not that.
    """
    try:
        # Not splitlines: a text may hold characters that it takes for line ends.
        records = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        inputs = tuple(_raw(record["instance"], task) for record in records)
        expected = np.array([record["probabilities"] for record in records], np.float32)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise ServableError(f"the examples {path} cannot be read: {error}.") from None
    return Examples(inputs, expected)


def compare(expected: FloatArray, given: FloatArray, tolerance: float) -> dict[str, Any]:
    """Figures of agreement: rows, the largest difference, labels changed, whether it passes.

    A label counts as changed unless the two best probabilities were so close together that
    the tolerance alone explains it.
    """
    if given.shape != expected.shape:
        raise ServableError(f"the answers have shape {given.shape}; expected {expected.shape}.")
    difference = float(np.abs(expected - given).max(initial=0.0))
    top = np.sort(expected, axis=1)
    clear = top[:, -1] - top[:, -2] > 2 * tolerance
    changed = int(np.sum(clear & (expected.argmax(axis=1) != given.argmax(axis=1))))
    return {
        "rows": len(expected),
        "max_difference": difference,
        "labels_changed": changed,
        "passed": bool(np.isfinite(difference) and difference <= tolerance and not changed),
    }


def _raw(record: Mapping[str, Any], task: Task) -> RawInput:
    value = record[INPUT_NAMES[task]]
    return base64.b64decode(value["b64"], validate=True) if task == "image" else str(value)


def held_out(count: int, most: int) -> list[int]:
    """Positions of at most ``most`` rows, spread evenly over ``count``."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).astype(int)).tolist()  # type: ignore[no-any-return]
