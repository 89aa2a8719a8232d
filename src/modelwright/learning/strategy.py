"""The interface of a strategy: how a network learns new rows."""

from __future__ import annotations

from typing import Literal, Protocol

from modelwright.core.config import ModelConfig
from modelwright.learning.lesson import Lesson, State

Needs = Literal["new", "kept", "state", "old"]
"""What a strategy reads besides the network: only new rows; examples that were kept; what it
remembers itself; or all old rows."""


class Strategy(Protocol):
    """One way to learn new rows.

    Attributes:
        name: how a user names it.
        summary: one line for a person who chooses among strategies.
        needs: what must be there besides the network and the new rows.
        cost: seconds relative to ``head`` on the same rows, roughly; the cheapest are tried first.
    """

    name: str
    summary: str
    needs: Needs
    cost: float

    def unfit(self, model: ModelConfig) -> str:
        """Returns why a network of this builder cannot learn so; empty if it can."""

    def learn(self, lesson: Lesson) -> None:
        """Changes the weights of ``lesson.network``.

        Raises:
            ConfigError: the lesson lacks what the strategy needs.
            RunError: the loss is no longer a number.
        """

    def remember(self, lesson: Lesson) -> State:
        """Returns what the next lesson needs to know of this one; empty if nothing.

        ``lesson.network`` has learned ``lesson.new`` and stays as it is. Before the first lesson
        this is called with all rows that the network was trained on as ``new``, and with an empty
        state.
        """
