"""Preprocessing without TensorFlow: texts to token ids, encoded images to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import DataError
from modelwright.core.types import RawInput, UInt8Array
from modelwright.data import images
from modelwright.data.served_images import serving_problem
from modelwright.servable.manifest import Manifest
from modelwright.servable.tokenizer import read_tokenizer


class Preparation:
    """The preprocessing of one servable: raw inputs in, prepared rows out."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Reads the tokenizer of a text model.

        Raises:
            ServableError: the tokenizer's files are missing or do not belong together.
        """
        self._height, self._width, self._channels = manifest.shape or (0, 0, 0)
        # Earlier servables say nothing about decoding: they turn no image, and refuse no format.
        self._orient, self._strict = manifest.orients, bool(manifest.decoding)
        self._tokenizer = read_tokenizer(folder) if manifest.task == "text" else None
        self.row: tuple[int, ...] = (
            (self._tokenizer.length,)
            if self._tokenizer
            else (self._height, self._width, self._channels)
        )
        """The shape of one prepared row."""

    def __call__(self, inputs: Sequence[RawInput], *, shortest: bool = False) -> Any:
        """Returns token ids int32 ``[n, length]``, or pixels uint8 ``[n, h, w, c]``.

        Args:
            inputs: texts, or the bytes of encoded images; at least one.
            shortest: pads texts to the longest of them; otherwise to the length of the network.

        Raises:
            DataError: an image cannot be read, or is one that the SavedModel refuses.
        """
        if self._tokenizer:
            return self._tokenizer.encode([str(text) for text in inputs], shortest=shortest)
        rows = [self._decode(row) for row in inputs if isinstance(row, bytes)]
        return rows[0][None] if len(rows) == 1 else np.stack(rows)

    def _decode(self, file: bytes) -> UInt8Array:
        problem = serving_problem(file) if self._strict else None
        if problem is not None:
            raise DataError(problem)
        pixels = images.decode_image(file, channels=self._channels, orient=self._orient)
        return images.resize_image(pixels, (self._height, self._width))
