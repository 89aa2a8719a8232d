"""The signatures of a version: names, element types and shapes of its inputs and outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelwright.wire import tensors


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a signature."""

    name: str
    dtype: str
    """For example ``"DT_FLOAT"``."""
    shape: tuple[int, ...] | None
    """-1 stands for any size; None for any rank."""
    tensor: str = ""
    """Its name in the graph of a SavedModel."""

    @property
    def numpy(self) -> np.dtype[Any]:
        """The numpy type of its arrays; ``object`` (of ``bytes``) for ``DT_STRING``.

        Raises:
            ValueError: numpy has no such type.
        """
        return tensors.dtype_of(self.dtype)


@dataclass(frozen=True)
class Signature:
    """The inputs and outputs of one method of a model."""

    method: str
    """As a SavedModel names it, for example ``"tensorflow/serving/predict"``."""
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
