"""What a request asks for, and what the service answers, for both protocols."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core.types import FloatArray
from modelwright.serve.lifecycle.servable import Tensors


@dataclass(frozen=True)
class Target:
    """A model, one of its versions by number or label, and a signature."""

    model: str
    version: int | None = None
    label: str | None = None
    signature: str = ""


@dataclass(frozen=True)
class PredictAnswer:
    """The outputs, and the version that gave them."""

    version: int
    outputs: Tensors


@dataclass(frozen=True)
class ClassifyAnswer:
    """The labels of each example with their scores, and the version that gave them.

    A label that the model does not name is empty, and a missing score is 0.
    """

    version: int
    rows: Sequence[Sequence[tuple[str, float]]]


@dataclass(frozen=True)
class RegressAnswer:
    """The value of each example, float32 ``[n]``, and the version that gave them."""

    version: int
    values: FloatArray


@dataclass(frozen=True)
class ExplainAnswer:
    """The explanations as JSON, and the version that they are about."""

    version: int
    content: bytes
