"""The strategy ``distill``: learning without forgetting, with no old row.

Li and Hoiem, "Learning without Forgetting" (arXiv:1606.09282): the answers of the network before
to the new rows are recorded, and the network is held near them while it learns the labels. They
are compared over the classes of that time, softened by a temperature; the term is multiplied by
the square of the temperature, so that its weight means the same at any temperature (Hinton et al.,
arXiv:1503.02531).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from keras import ops

from modelwright.learning.answers import answers_before
from modelwright.learning.lesson import Lesson
from modelwright.learning.solved import Wanted, is_solved, solve_rows
from modelwright.learning.steps import Hold, StepStrategy, take_steps
from modelwright.learning.strategy import Strategy


class Distill(StepStrategy):
    """All weights take steps on the new rows, held at the answers before."""

    name = "distill"
    summary = "trains on the new rows, held near the answers of the version before"
    cost = 2.0

    def learn(self, lesson: Lesson) -> None:
        """Takes the steps; a solver wants labels and answers alike, without a temperature."""
        new = replace(lesson.new, outputs=answers_before(lesson, lesson.new))
        if is_solved(lesson.model):
            share = lesson.strength.distillation
            solve_rows(lesson, [Wanted(new, answers=new.outputs, share=share)])
            return
        distance = SoftenedDivergence(lesson.strength.temperature)
        take_steps(lesson, new, hold=Hold(distance, lesson.strength.distillation))


@dataclass(frozen=True)
class SoftenedDivergence:
    """The Kullback-Leibler divergence of answers from the recorded ones, at a temperature."""

    temperature: float

    def __call__(self, outputs: Any, recorded: Any) -> Any:
        """Returns the divergence of each row ``[n]``, times the square of the temperature."""
        known = recorded > -1e8
        now, then = (
            ops.log_softmax(ops.where(known, one / self.temperature, -1e9), axis=1)
            for one in (outputs[:, : recorded.shape[1]], recorded)
        )
        terms = ops.where(known, ops.exp(then) * (then - now), 0.0)
        return self.temperature**2 * ops.sum(terms, axis=1)


STRATEGY: Strategy = Distill()
