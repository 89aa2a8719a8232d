"""The strategy ``ewc``: weights that mattered for old rows resist changes.

Elastic weight consolidation of Kirkpatrick et al., "Overcoming catastrophic forgetting in neural
networks" (arXiv:1612.00796), with one sum of the lessons' Fisher information and the weights before
this lesson as the anchor (Schwarz et al., arXiv:1805.06370), so that what is remembered does not
grow with the lessons.
"""

from __future__ import annotations

from typing import Any

from keras import ops

from modelwright.core.errors import ConfigError
from modelwright.learning.fisher import diagonal_fisher, grown
from modelwright.learning.lesson import Lesson, State, Strength
from modelwright.learning.ngram_curvature import curvature_before, curvature_of
from modelwright.learning.parts import named_weights
from modelwright.learning.solved import Wanted, solve_rows
from modelwright.learning.steps import StepStrategy, take_steps
from modelwright.learning.strategy import Needs, Strategy


class Consolidation(StepStrategy):
    """All weights take steps on the new rows; a penalty holds those that mattered."""

    name = "ewc"
    summary = "trains on the new rows; weights that mattered for the old ones resist (EWC)"
    needs: Needs = "state"
    cost = 2.5

    def learn(self, lesson: Lesson) -> None:
        """Takes the steps; in an n-gram network a solver finds the weights."""
        if not lesson.state:
            raise ConfigError(
                "the strategy 'ewc' needs to know which weights mattered for the old rows, but"
                " nothing was remembered; let it remember the first training, or take 'distill'."
            )
        if lesson.model.builder == "ngrams":
            solve_held(lesson)
            return
        known = grown(lesson.state, lesson.network)
        if free := [name for name in named_weights(lesson.network) if name not in known]:
            lesson.notes.append(f"ewc: nothing was known of {', '.join(free)}, so they are free")
        take_steps(
            lesson, lesson.new, extra_loss=Penalty(lesson.network, known, lesson.strength.penalty)
        )

    def remember(self, lesson: Lesson) -> State:
        """Returns the sum of the Fisher information of all lessons, by weight."""
        if lesson.model.builder == "ngrams":
            sum_now = curvature_of(lesson)
            return (curvature_before(lesson) + sum_now if lesson.state else sum_now).to_state()
        before = grown(lesson.state, lesson.network)
        now = diagonal_fisher(lesson.network, lesson.new, seed=lesson.seed)
        return {name: value + before.get(name, 0) for name, value in now.items()}


def solve_held(lesson: Lesson) -> None:
    """Sets the weights of an n-gram network; the default penalty is the old rows' own curvature."""
    known, strength = curvature_before(lesson), lesson.strength.penalty / Strength().penalty
    solve_rows(lesson, [Wanted(lesson.new)], hold=lambda space: known.hold(space, strength))


class Penalty:
    """Half the weighed squared distance of the weights from where they are now."""

    name = "ewc"

    def __init__(self, network: Any, fisher: dict[str, Any], weight: float) -> None:
        self._weight = weight / 2
        self._terms = [
            (name, ops.convert_to_tensor(fisher[name]), ops.copy(variable.value))
            for name, variable in named_weights(network).items()
            if name in fisher
        ]

    def __call__(self, network: Any, inputs: Any, targets: Any, outputs: Any) -> Any:
        """Returns the penalty."""
        weights = named_weights(network)
        return self._weight * sum(
            ops.sum(fisher * ops.square(weights[name] - anchor))
            for name, fisher, anchor in self._terms
        )


STRATEGY: Strategy = Consolidation()
