"""What a version takes and gives: names, element types, shapes, as a SavedModel declares them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.wire import tensors


@dataclass(frozen=True)
class TensorSpec:
    """One input or output: ``dtype`` as ``"DT_FLOAT"``; ``shape`` with -1 for any number of
    elements, None for any rank; ``tensor`` is its name in the graph."""

    name: str
    dtype: str
    shape: tuple[int, ...] | None
    tensor: str = ""

    @property
    def numpy(self) -> np.dtype[Any]:
        """The element type of its arrays; ``object`` (of ``bytes``) for ``DT_STRING``.

        Raises:
            ValueError: numpy has no such type.
        """
        return tensors.dtype_of(self.dtype)


@dataclass(frozen=True)
class Signature:
    """``method`` is the SavedModel's, as ``"tensorflow/serving/predict"``."""

    method: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
