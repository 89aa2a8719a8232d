"""The strategy ``frozen``: the last layer learns on old and new rows, the features stay."""

from __future__ import annotations

from modelwright.core.config import ModelConfig
from modelwright.learning.lesson import Lesson
from modelwright.learning.lesson_batches import Kept
from modelwright.learning.parts import find_parts
from modelwright.learning.solved import Wanted, is_solved, kept_weight, solve_rows
from modelwright.learning.steps import StepStrategy, kept_rows, take_steps
from modelwright.learning.strategy import Needs, Strategy


class Frozen(StepStrategy):
    """The last layer takes steps on new rows and on as many kept ones."""

    name = "frozen"
    summary = "retrains only the last layer, with kept and new rows; the features stay"
    needs: Needs = "kept"
    cost = 1.5

    def unfit(self, model: ModelConfig) -> str:
        """Returns a reason for networks with a single layer."""
        if model.builder == "ngrams":
            return "an n-gram network has one layer only, so it has no features to freeze"
        return ""

    def learn(self, lesson: Lesson) -> None:
        """Takes the steps; a solver goes on from the weights before."""
        parts = find_parts(lesson.network)
        kept = kept_rows(lesson, self.name)
        if is_solved(lesson.model):
            solve_rows(lesson, [Wanted(lesson.new), Wanted(kept, kept_weight(lesson))])
        else:
            take_steps(lesson, lesson.new, freeze=parts.features, kept=Kept(kept))
        lesson.notes.append(f"frozen: only {', '.join(parts.last)} learned")


STRATEGY: Strategy = Frozen()
