"""The strategy ``replay``: each step also sees old rows.

Experience replay, as in Chaudhry et al., "On Tiny Episodic Memories in Continual Learning"
(arXiv:1902.10486): a batch has as many kept rows as new ones.
"""

from __future__ import annotations

from modelwright.learning.lesson import Lesson
from modelwright.learning.lesson_batches import Kept
from modelwright.learning.solved import Wanted, is_solved, kept_weight, solve_rows
from modelwright.learning.steps import StepStrategy, kept_rows, take_steps
from modelwright.learning.strategy import Needs, Strategy


class Replay(StepStrategy):
    """All weights take steps on new rows and on as many kept ones."""

    name = "replay"
    summary = "trains on the new rows with as many kept rows in each step"
    needs: Needs = "kept"
    cost = 3.0

    def learn(self, lesson: Lesson) -> None:
        """Takes the steps; a solver goes on from the weights before."""
        kept = kept_rows(lesson, self.name)
        if is_solved(lesson.model):
            solve_rows(lesson, [Wanted(lesson.new), Wanted(kept, kept_weight(lesson))])
        else:
            take_steps(lesson, lesson.new, kept=Kept(kept, weight=lesson.strength.beta))


STRATEGY: Strategy = Replay()
