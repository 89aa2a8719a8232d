"""Checks that the inputs of a request fit a signature and the limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy.typing as npt

from modelwright.data.image_size import image_size, is_image_file
from modelwright.servable.manifest import INPUT_NAMES
from modelwright.serve.config import RequestLimits
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.servable import Tensors
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec
from modelwright.wire import tensors

_IMAGES = INPUT_NAMES["image"]
_PIXELS_PER_BYTE = 64
"""Counts a large image as more than its file, so that it is not decoded in the event loop."""


@dataclass(frozen=True)
class CheckedInputs:
    """Inputs that fit a signature, their number of rows (1 without a batch), and their bytes."""

    inputs: Tensors
    rows: int
    size: int


def check_inputs(
    name: str, signatures: Mapping[str, Signature], inputs: Tensors, limits: RequestLimits
) -> CheckedInputs:
    """Returns the inputs, if their names, types and shapes are those of the signature.

    Args:
        name: of the signature.
        signatures: those of the version.
        inputs: what the client sent.
        limits: bounds on the rows, on one text, image file and image, and on all images.

    Raises:
        Refused: they do not fit. An unknown signature is FAILED_PRECONDITION, as in
            TensorFlow Serving.
    """
    signature = signatures.get(name)
    if signature is None:
        raise Refused("FAILED_PRECONDITION", f'Serving signature key "{name}" not found.')
    _check_names(inputs, signature.inputs)
    rows: int | None = None
    size = pixels = loose = 0
    for key, array in inputs.items():
        spec = signature.inputs[key]
        if spec.numpy != array.dtype:
            raise _invalid(
                f"input '{key}' has the type {_dtype(array)}; expected {spec.dtype}.",
            )
        found = _size(key, array, limits)
        size, pixels = size + found.bytes, pixels + found.pixels
        if spec.shape is None or (spec.tensor and not _fits(spec.shape, array)):
            # A SavedModel's graph takes more shapes than it declares, or it refuses them itself.
            loose = max(loose, len(array) if array.ndim else 1)
        else:
            rows = _rows(key, array, spec.shape, rows)
    if rows is not None and rows > limits.rows:
        raise _invalid(
            f"The request has {rows} rows; this server takes at most {limits.rows} at once"
            " (--max-rows)."
        )
    if pixels > limits.all_pixels:
        raise _invalid(
            f"The images of the request have {pixels / 1e6:.4g} megapixels together; this server"
            f" takes at most {limits.all_pixels / 1e6:.4g} at once (--max-all-pixels)."
        )
    size += pixels // _PIXELS_PER_BYTE
    return CheckedInputs(inputs, (loose or 1) if rows is None else rows, size)


def _check_names(inputs: Tensors, expected: Mapping[str, TensorSpec]) -> None:
    if inputs.keys() == expected.keys():
        return
    sent, required = set(inputs), set(expected)
    raise _invalid(
        f"input size does not match signature: {len(sent)}!={len(required)}"
        f" len({_braces(sent)}) != len({_braces(required)}). Sent extra:"
        f" {_braces(sent - required)}. Missing but required: {_braces(required - sent)}."
    )


class _Size(NamedTuple):
    bytes: int
    pixels: int = 0


def _size(key: str, array: npt.NDArray[Any], limits: RequestLimits) -> _Size:
    """Returns the size of an input, of which no single text or image may be too large."""
    if array.dtype != object:
        return _Size(array.nbytes)
    total = pixels = 0
    for value in array.flat:
        size = len(value)
        total += size
        if is_image_file(value):
            pixels += _check_image(key, value, limits)
        elif size > (limits.image if key == _IMAGES else limits.text):
            raise _too_many_bytes(key, value, limits)
    return _Size(total, pixels)


def _check_image(key: str, data: bytes, limits: RequestLimits) -> int:
    """Returns the number of pixels of an image file, 0 if only a decoder can tell."""
    if len(data) > limits.image:
        raise _too_many_bytes(key, data, limits)
    width, height = image_size(data) or (0, 0)
    if width * height > limits.pixels:
        raise _invalid(
            f"input '{key}' has an image of {width}x{height} pixels,"
            f" {width * height / 1e6:.4g} megapixels; this server takes at most"
            f" {limits.pixels / 1e6:.4g} (--max-pixels). Send a smaller image."
        )
    return width * height


def _too_many_bytes(key: str, data: bytes, limits: RequestLimits) -> Refused:
    image = key == _IMAGES or is_image_file(data)
    kind, option = ("image file", "--max-image") if image else ("text", "--max-text")
    most = limits.image if image else limits.text
    return _invalid(
        f"input '{key}' has {'an' if image else 'a'} {kind} of {len(data):,} bytes; this server"
        f" takes at most {most:,} ({option})."
    )


def _rows(
    key: str, array: npt.NDArray[Any], shape: tuple[int, ...], rows: int | None
) -> int | None:
    """Returns the number of rows so far, which must be the same for every input with a batch."""
    if not _fits(shape, array):
        raise _invalid(
            f"input '{key}' has the shape {list(array.shape)}; expected {list(shape)},"
            " where -1 stands for any number."
        )
    if not shape or shape[0] != -1:
        return rows
    if rows is not None and rows != len(array):
        raise _invalid(
            f"input '{key}' has {len(array)} rows and another has {rows}; expected as many of each."
        )
    return len(array)


def _fits(shape: tuple[int, ...], array: npt.NDArray[Any]) -> bool:
    return len(shape) == array.ndim and all(
        declared in (-1, actual) for declared, actual in zip(shape, array.shape, strict=True)
    )


def _dtype(array: npt.NDArray[Any]) -> str:
    return tensors.name_of(tensors.enum_of(array.dtype))


def _braces(names: set[str]) -> str:
    return "{" + ",".join(sorted(names)) + "}"


def _invalid(message: str) -> Refused:
    return Refused("INVALID_ARGUMENT", message)
