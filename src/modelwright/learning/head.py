"""The strategy ``head``: only the dense layers at the end of the network learn."""

from __future__ import annotations

from modelwright.core.config import ModelConfig
from modelwright.learning.lesson import Lesson
from modelwright.learning.parts import find_parts
from modelwright.learning.solved import Wanted, is_solved, solve_rows
from modelwright.learning.steps import StepStrategy, take_steps
from modelwright.learning.strategy import Strategy


class Head(StepStrategy):
    """The dense layers at the end take steps on the new rows; what is before them stays."""

    name = "head"
    summary = "updates only the dense layers at the end, with the new rows"

    def unfit(self, model: ModelConfig) -> str:
        """Returns a reason for networks with a single layer."""
        if model.builder == "ngrams":
            return "an n-gram network has one layer only, so there is nothing to leave as it is"
        return ""

    def learn(self, lesson: Lesson) -> None:
        """Takes the steps; a solver goes on from the weights before."""
        parts = find_parts(lesson.network)
        if is_solved(lesson.model):
            solve_rows(lesson, [Wanted(lesson.new)])
        else:
            take_steps(lesson, lesson.new, freeze=parts.before_dense)
        lesson.notes.append(f"head: only {', '.join(parts.dense)} learned")


STRATEGY: Strategy = Head()
