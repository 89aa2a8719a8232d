"""The summary of inputs: the numbers that are recorded of each text or image, and nothing else."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from modelwright.core.types import FloatArray, RawInput
from modelwright.monitoring.quantities import (
    BRIGHTNESS,
    CONFIDENCE,
    CONTRAST,
    LENGTH,
    SIZE,
    UNKNOWN,
)
from modelwright.servable.tokenizer import PADDING
from modelwright.servable.tokenizer import UNKNOWN as UNKNOWN_ID

Values = npt.NDArray[np.float64]
InputSummary = Mapping[str, Values]
"""Maps each quantity but the confidence to its values, float64 ``[n]``."""


def summarize_inputs(inputs: Sequence[RawInput], prepared: Any) -> dict[str, Values]:
    """Returns the summary of inputs that an engine prepared.

    Args:
        inputs: texts, or the bytes of image files that can be decoded.
        prepared: what ``Engine.prepare`` made of them: token ids ``[n, m]`` or pixels
            ``[n, h, w, c]``.
    """
    if np.ndim(prepared) == 2:
        return _summarize_texts([str(text) for text in inputs], np.asarray(prepared))
    files = [file for file in inputs if isinstance(file, bytes)]
    return _summarize_images(files, np.asarray(prepared))


def confidence_of(probabilities: FloatArray) -> Values:
    """Returns the highest probability of each answer, float64 ``[n]``."""
    highest: Values = np.asarray(probabilities, np.float64).max(axis=1)
    return highest


def with_confidence(summary: InputSummary, probabilities: FloatArray) -> dict[str, Values]:
    """Returns a summary with the confidence of the answers."""
    return {CONFIDENCE: confidence_of(probabilities), **summary}


def _summarize_texts(texts: Sequence[str], ids: npt.NDArray[np.int32]) -> dict[str, Values]:
    read = np.maximum((ids != PADDING).sum(axis=1), 1)
    unknown = (ids == UNKNOWN_ID).sum(axis=1)
    lengths = np.array([len(text) for text in texts], np.float64)
    return {UNKNOWN: unknown / read, LENGTH: lengths}


def _summarize_images(files: Sequence[bytes], pixels: npt.NDArray[np.uint8]) -> dict[str, Values]:
    flat = pixels.reshape(len(pixels), -1)
    return {
        BRIGHTNESS: flat.mean(axis=1, dtype=np.float64),
        CONTRAST: flat.std(axis=1, dtype=np.float64),
        SIZE: np.array([_side(file) for file in files], np.float64),
    }


def _side(file: bytes) -> float:
    """Returns the side of the square with as many pixels; reads the header only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the engine has decoded the file before
        with Image.open(io.BytesIO(file)) as image:
            width, height = image.size
    return float(np.sqrt(width * height))
