"""The strategy ``der``: kept rows are held at the answers that were recorded with them.

DER++ of Buzzega et al., "Dark Experience for General Continual Learning" (arXiv:2004.07211): the
squared distance of the logits from the recorded ones, and the loss of the labels. Here the same
kept rows serve both terms, where the paper draws two batches. Networks answer probabilities, which
leave one number of the logits open, so logits are compared less their mean.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from keras import ops

from modelwright.core.errors import ConfigError
from modelwright.learning.lesson import Lesson
from modelwright.learning.lesson_batches import Kept
from modelwright.learning.solved import Wanted, is_solved, kept_weight, solve_rows
from modelwright.learning.steps import Hold, StepStrategy, kept_rows, take_steps
from modelwright.learning.strategy import Needs, Strategy


class DarkReplay(StepStrategy):
    """All weights take steps on new rows, on kept ones, and on the recorded answers of those."""

    name = "der"
    summary = "replay that also holds the kept rows at their recorded answers (DER++)"
    needs: Needs = "kept"
    cost = 3.0

    def learn(self, lesson: Lesson) -> None:
        """Takes the steps; a solver wants labels and recorded answers alike."""
        kept, strength = kept_rows(lesson, self.name), lesson.strength
        if kept.outputs is None:
            raise ConfigError(
                "the strategy 'der' needs the recorded answers of the kept rows, but they have"
                " none; take 'replay', which needs only their labels."
            )
        if is_solved(lesson.model):
            held = Wanted(kept, kept_weight(lesson), kept.outputs, strength.alpha)
            solve_rows(lesson, [Wanted(lesson.new), held])
            return
        new = replace(lesson.new, outputs=None)
        hold = Hold(logit_distance, strength.alpha)
        take_steps(lesson, new, kept=Kept(kept, weight=strength.beta), hold=hold)


def logit_distance(outputs: Any, recorded: Any) -> Any:
    """Returns the mean squared distance of logits over the classes of that time, ``[n]``."""
    known = ops.cast(recorded > -1e8, "float32")
    count = ops.maximum(ops.sum(known, axis=1, keepdims=True), 1)
    now, then = (
        one - ops.sum(one * known, axis=1, keepdims=True) / count
        for one in (outputs[:, : recorded.shape[1]], ops.where(known > 0, recorded, 0.0))
    )
    return ops.sum(known * ops.square(now - then), axis=1) / count[:, 0]


STRATEGY: Strategy = DarkReplay()
