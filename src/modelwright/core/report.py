"""Reports: what every operation returns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from modelwright.core import markdown, terminal
from modelwright.core.blocks import Block


class Report(ABC):
    """What an operation returns: fields, blocks for people, and an object for machines."""

    @abstractmethod
    def blocks(self) -> Sequence[Block]:
        """The content, in the order in which a person reads it."""

    @abstractmethod
    def to_dict(self) -> dict[str, Any]:
        """The fields as JSON can hold them."""

    def render(self) -> str:
        """The report as plain text for a terminal."""
        return terminal.render(self.blocks())

    def markdown(self) -> str:
        """The report as Markdown."""
        return markdown.render(self.blocks())
