"""Raw inputs to what a network reads, without TensorFlow: ids of texts, pixels of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.types import RawInput
from modelwright.data import images
from modelwright.servable import tokenizer
from modelwright.servable.manifest import Manifest


class Preparation:
    """What stands before the network of one servable."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Read what it needs.

        Raises:
            ServableError: the tokeniser's files are missing or do not belong together.
        """
        self._height, self._width, self._channels = manifest.shape or (0, 0, 0)
        self._tokenizer = tokenizer.read(folder) if manifest.task == "text" else None
        self.row: tuple[int, ...] = (
            (self._tokenizer.length,)
            if self._tokenizer
            else (self._height, self._width, self._channels)
        )
        """The shape of one row of what the network reads."""

    def __call__(self, inputs: Sequence[RawInput], *, shortest: bool = False) -> Any:
        """Ids int32 ``[n, length]``, or pixels uint8 ``[n, h, w, c]``.

        Args:
            inputs: texts, or the bytes of encoded pictures; at least one.
            shortest: of texts: as wide as the longest of them, not as wide as the network.

        Raises:
            DataError: a picture cannot be read.
        """
        if self._tokenizer:
            return self._tokenizer.encode([str(text) for text in inputs], shortest=shortest)
        files = (row for row in inputs if isinstance(row, bytes))
        decoded = (images.decode_image(file, channels=self._channels) for file in files)
        size = (self._height, self._width)
        ready = [images.resize_image(pixels, size) for pixels in decoded]
        return ready[0][None] if len(ready) == 1 else np.stack(ready)
