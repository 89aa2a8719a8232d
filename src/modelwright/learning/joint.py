"""The strategy ``joint``: all rows again, old and new. It is the upper bound."""

from __future__ import annotations

from modelwright.core.errors import ConfigError
from modelwright.learning.joined_rows import join
from modelwright.learning.lesson import Lesson
from modelwright.learning.solved import is_solved, solve_again
from modelwright.learning.steps import StepStrategy, take_steps
from modelwright.learning.strategy import Needs, Strategy


class Joint(StepStrategy):
    """A solved network is solved anew; others take steps from the weights before."""

    name = "joint"
    summary = "learns all old and new rows again; the bound that others can reach at best"
    needs: Needs = "old"
    cost = 10.0

    def learn(self, lesson: Lesson) -> None:
        """Learns all rows.

        Raises:
            ConfigError: the old rows are not there.
        """
        if lesson.old is None or not len(lesson.old):
            raise ConfigError(
                "the strategy 'joint' needs all old rows, but they are not there; give the data of"
                " the training, or take replay."
            )
        rows = join([lesson.old, lesson.new])
        if is_solved(lesson.model):
            solve_again(lesson, rows)
        else:
            take_steps(lesson, rows)


STRATEGY: Strategy = Joint()
