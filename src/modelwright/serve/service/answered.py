"""An answer as those see it who watch answers: the metrics of drift and the recorder."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from modelwright.serve.lifecycle.servable import Servable, Tensors


class Answered(NamedTuple):
    """What one request asked a version, and all that the version answered."""

    model: str
    version: int
    servable: Servable
    signature: str
    inputs: Tensors
    outputs: Tensors


Observer = Callable[[Answered], None]
"""Gets each answer in the event loop, right before the client does; it must not wait."""
