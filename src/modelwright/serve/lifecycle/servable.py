"""What a server needs from one loaded version, whatever runs it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelwright.serve.lifecycle.signatures import Signature

Tensors = Mapping[str, npt.NDArray[Any]]
"""Arrays by name; texts and files are object arrays of ``bytes``."""

DEFAULT = "serving_default"
PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


class Servable(Protocol):
    """One loaded version. Several threads may call ``run`` at once."""

    signatures: Mapping[str, Signature]
    description: Mapping[str, Any]
    """``task``, ``labels``, ``input``, ``shape`` and ``metrics``; empty if unknown."""

    def run(self, signature: str, inputs: Tensors) -> Tensors:
        """Returns the outputs of one signature.

        Raises:
            Refused: it cannot answer for these inputs.
        """

    def warm(self) -> int:
        """Answers the recorded rows, and returns how many there are.

        Raises:
            ServableError: an answer differs from the recorded one.
        """

    def example(self) -> Tensors | None:
        """Returns inputs of one row for the default signature; None if none are known."""

    def close(self) -> None:
        """Releases its processes, files and memory."""


def bytes_array(values: list[bytes]) -> npt.NDArray[Any]:
    """Returns an object array ``[n]``: numpy's fixed-width type would cut zero bytes at the end."""
    array = np.empty(len(values), object)
    array[:] = values
    return array
