"""The strategy ``naive``: go on training with the new rows alone.

It is the lower bound: what it forgets is what the other strategies can save.
"""

from __future__ import annotations

from modelwright.learning.lesson import Lesson
from modelwright.learning.solved import Wanted, is_solved, solve_rows
from modelwright.learning.steps import StepStrategy, take_steps
from modelwright.learning.strategy import Strategy


class Naive(StepStrategy):
    """All weights take steps on the new rows."""

    name = "naive"
    summary = "goes on training with the new rows alone; the bound to compare others with"
    cost = 1.5

    def learn(self, lesson: Lesson) -> None:
        """Takes the steps; a solver goes on from the weights before."""
        if is_solved(lesson.model):
            solve_rows(lesson, [Wanted(lesson.new)])
        else:
            take_steps(lesson, lesson.new)


STRATEGY: Strategy = Naive()
