"""Raw inputs to what a network reads, without TensorFlow: ids of texts, pixels of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.bundle import ids
from modelwright.bundle.manifest import Manifest
from modelwright.core.types import RawInput
from modelwright.data import pictures


class Preparation:
    """What stands before the network of one servable."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Read what it needs.

        Raises:
            ServableError: the tokeniser's files are missing or do not belong together.
        """
        self._shape = manifest.shape
        self._tokenizer = ids.read(folder) if manifest.task == "text" else None

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
        assert self._shape is not None
        height, width, channels = self._shape
        decoded = (pictures.decode(bytes(row), channels=channels) for row in inputs)  # type: ignore[arg-type]
        return np.stack([pictures.resize(pixels, (height, width)) for pixels in decoded])
