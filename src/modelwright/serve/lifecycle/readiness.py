"""Whether a server is ready for requests, and if not, why not.

A server is ready once it has looked at all models and at least one answers. From then on it stays
ready as long as every model answers that has answered before. A new model that is broken or still
being copied does not count, because the others go on answering. A model that a config names at
the start does count: the server was told to serve it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Readiness:
    """The answer to a readiness probe, with its reasons."""

    reason: str
    """Why the server is not ready; empty if it is."""
    models: Mapping[str, list[str]]
    """The available versions of each model."""
    not_served: Mapping[str, str]
    """Why a model has no version that answers."""
    skipped: Mapping[str, str]
    """Why an entry of the models folder is no model, or one of a model's folder no version."""

    @property
    def ready(self) -> bool:
        """Whether requests are welcome."""
        return not self.reason

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields that hold something; always the models."""
        found = {"reason": self.reason, "not_served": self.not_served, "skipped": self.skipped}
        return {"models": self.models, **{key: value for key, value in found.items() if value}}


def why_not_ready(*, looked: bool, answering: set[str], required: set[str]) -> str:
    """Returns the reason why a server is not ready; empty if it is.

    Args:
        looked: whether the first look at all models is over.
        answering: the models with a version that answers.
        required: the models that must have one.
    """
    if not looked:
        return "the models are being loaded"
    if missing := sorted(required - answering):
        return f"these models do not answer: {', '.join(missing)}"
    return "" if answering else "no model answers yet"
