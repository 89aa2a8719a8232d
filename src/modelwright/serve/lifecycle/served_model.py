"""What a server needs of one loaded version, whoever made it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelwright.serve.config import Limits
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.signatures import Signature
from modelwright.wire import tensors

Tensors = Mapping[str, npt.NDArray[Any]]
"""Arrays by name; texts and files are object arrays of ``bytes``."""

DEFAULT = "serving_default"
PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


class Servable(Protocol):
    """One loaded version. ``run`` may be called from several threads at once."""

    signatures: Mapping[str, Signature]
    about: Mapping[str, Any]
    """For a person: ``task``, ``labels``, ``input``, ``shape``, ``metrics``; empty if unknown."""

    def run(self, signature: str, inputs: Tensors) -> Tensors:
        """The outputs of one signature.

        Raises:
            Refused: it cannot answer for these inputs.
        """

    def warm(self) -> int:
        """Answer what was recorded; how many rows or requests that were.

        Raises:
            ServableError: an answer is not the recorded one.
        """

    def example(self) -> Tensors | None:
        """Inputs of one row for the default signature, to measure with; None if unknown."""

    def close(self) -> None:
        """Let go of what it holds."""


@dataclass(frozen=True)
class Checked:
    """Inputs that a signature takes, the number of rows in them (1 without a batch), and bytes."""

    inputs: Tensors
    rows: int
    size: int


def check(
    name: str, signatures: Mapping[str, Signature], inputs: Tensors, limits: Limits
) -> Checked:
    """Inputs as a signature takes them: all there, none else, types and shapes as they must be.

    Args:
        name: of the signature.
        signatures: those of the version.
        inputs: what was sent.
        limits: rows, and bytes of one text or file, that a request may have.

    Raises:
        Refused: they are not that. An unknown signature is FAILED_PRECONDITION, as in
            TensorFlow Serving.
    """
    signature = signatures.get(name)
    if signature is None:
        raise Refused("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
    expected = signature.inputs
    if inputs.keys() != expected.keys():
        sent, wanted = set(inputs), set(expected)
        raise Refused(
            "INVALID_ARGUMENT",
            f"input size does not match signature: {len(sent)}!={len(wanted)}"
            f" len({_names(sent)}) != len({_names(wanted)}). Sent extra: {_names(sent - wanted)}."
            f" Missing but required: {_names(wanted - sent)}.",
        )
    rows: int | None = None
    size = loose = 0
    for key, array in inputs.items():
        spec = expected[key]
        if spec.numpy != array.dtype:
            raise Refused(
                "INVALID_ARGUMENT",
                f"input '{key}' has the type {_dtype(array)}; expected {spec.dtype}.",
            )
        if array.dtype == object:
            lengths = [len(one) for one in array.flat]
            size += sum(lengths)
            if max(lengths, default=0) > limits.text:
                raise Refused(
                    "INVALID_ARGUMENT",
                    f"input '{key}' has a text or file of {max(lengths):,} bytes; this server"
                    f" takes at most {limits.text:,}.",
                )
        else:
            size += array.nbytes
        if spec.shape is None or (spec.tensor and not _fits(spec.shape, array)):
            # A SavedModel's graph takes more shapes than it declares, or it refuses them itself.
            loose = max(loose, len(array) if array.ndim else 1)
            continue
        if not _fits(spec.shape, array):
            raise Refused(
                "INVALID_ARGUMENT",
                f"input '{key}' has the shape {list(array.shape)}; expected {list(spec.shape)},"
                " where -1 stands for any number.",
            )
        if spec.shape and spec.shape[0] == -1:
            if rows is not None and rows != len(array):
                raise Refused(
                    "INVALID_ARGUMENT",
                    f"input '{key}' has {len(array)} rows and another has {rows}; expected as"
                    " many of each.",
                )
            rows = len(array)
    if rows is not None and rows > limits.rows:
        raise Refused(
            "INVALID_ARGUMENT",
            f"The request has {rows} rows; this server takes at most {limits.rows} at once.",
        )
    return Checked(inputs, (loose or 1) if rows is None else rows, size)


def texts(values: list[bytes]) -> npt.NDArray[Any]:
    """Bytes as an object array ``[n]``; numpy would make fixed widths of them and cut zeros."""
    array = np.empty(len(values), object)
    array[:] = values
    return array


def _fits(shape: tuple[int, ...], array: npt.NDArray[Any]) -> bool:
    return len(shape) == array.ndim and all(
        wide in (-1, given) for wide, given in zip(shape, array.shape, strict=True)
    )


def _dtype(array: npt.NDArray[Any]) -> str:
    return tensors.name_of(tensors.enum_of(array.dtype))


def _names(names: set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"
