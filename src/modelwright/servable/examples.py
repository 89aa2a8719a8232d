"""Examples: rows and their expected answers, as JSON Lines.

Each row is an instance of a REST request.
"""

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
    """Raw inputs, and the probabilities float32 ``[n, classes]`` that are expected for them."""

    inputs: tuple[RawInput, ...]
    expected: FloatArray

    def first(self, count: int) -> Examples:
        """Returns the first ``count`` examples, or all where there are fewer."""
        return Examples(self.inputs[:count], self.expected[:count])


def write_examples(path: Path, examples: Examples, task: Task) -> None:
    """Writes one example on each line."""
    lines = [
        json.dumps(
            {"instance": _instance(row, task), "probabilities": [float(x) for x in probabilities]},
            ensure_ascii=False,
        )
        for row, probabilities in zip(examples.inputs, examples.expected, strict=True)
    ]
    write_text(path, "\n".join(lines) + "\n")


def read_examples(path: Path, task: Task) -> Examples:
    """Returns the examples that ``write_examples`` wrote.

    Raises:
        ServableError: the file is missing or has other content.
    """
    try:
        # splitlines would also split at other line separators, which a text may contain.
        records = [json.loads(line) for line in path.read_text("utf-8").split("\n") if line]
        inputs = tuple(_raw(record["instance"], task) for record in records)
        expected = np.array([record["probabilities"] for record in records], np.float32)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise ServableError(f"the examples {path} cannot be read: {error}.") from None
    return Examples(inputs, expected)


def compare_answers(expected: FloatArray, answers: FloatArray, tolerance: float) -> dict[str, Any]:
    """Returns the rows, the largest difference, the changed labels, and whether the answers pass.

    A changed label does not count where the two best probabilities are so close together that
    the tolerance alone explains the change.
    """
    if answers.shape != expected.shape:
        raise ServableError(f"the answers have shape {answers.shape}; expected {expected.shape}.")
    difference = float(np.abs(expected - answers).max(initial=0.0))
    top = np.sort(expected, axis=1)
    clear = top[:, -1] - top[:, -2] > 2 * tolerance
    changed = int(np.sum(clear & (expected.argmax(axis=1) != answers.argmax(axis=1))))
    return {
        "rows": len(expected),
        "max_difference": difference,
        "labels_changed": changed,
        "passed": bool(np.isfinite(difference) and difference <= tolerance and not changed),
    }


def _instance(row: RawInput, task: Task) -> dict[str, Any]:
    """Returns a row as an element of a predict request's ``instances``."""
    value = {"b64": base64.b64encode(row).decode()} if isinstance(row, bytes) else row
    return {INPUT_NAMES[task]: value}


def _raw(record: Mapping[str, Any], task: Task) -> RawInput:
    value = record[INPUT_NAMES[task]]
    return base64.b64decode(value["b64"], validate=True) if task == "image" else str(value)
