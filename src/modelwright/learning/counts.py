"""The strategy ``counts``: an n-gram network learns from new rows and counts of the old ones.

The counts of naive Bayes add up, so those of all rows so far are always exact, and no old row is
kept. They say which n-grams are frequent enough to be known, and how firmly the old rows hold each
weight: the optimum for the new rows is found near the weights before, with a penalty that is the
curvature of the old rows' loss, as their counts give it.

Naive Bayes' own weights from these counts were up to 20 points worse on new kinds of texts: where
kinds have other shares of the classes, they take the words of a kind for signs of a class.
"""

from __future__ import annotations

from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.learning.lesson import Lesson, State
from modelwright.learning.ngram_counts import NgramCounts, count_rows
from modelwright.learning.solved import Wanted, solve_rows
from modelwright.learning.strategy import Needs, Strategy
from modelwright.models.builders import check_options


class Counts:
    """The weights of n-grams are solved for the new rows; counts hold those of the old ones."""

    name = "counts"
    summary = "n-gram networks: exact counts of all rows hold the weights, no row is kept"
    needs: Needs = "state"
    cost = 0.5

    def unfit(self, model: ModelConfig) -> str:
        """Returns a reason for networks without counts."""
        if model.builder == "ngrams":
            return ""
        return f"a network '{model.builder}' has no counts; take closed-form or replay"

    def learn(self, lesson: Lesson) -> None:
        """Solves the weights.

        Raises:
            ConfigError: nothing is remembered.
        """
        if not lesson.state:
            raise ConfigError(
                "the strategy 'counts' needs the counts of the old rows, but there are none; take"
                " replay or distill, or train anew."
            )
        old, options = _counts_before(lesson), check_options(lesson.model)
        everything = old + count_rows(lesson.network, lesson.new, lesson.progress)
        frequent = everything.frequent(options.buckets, options.min_count)
        solve_rows(lesson, [Wanted(lesson.new)], hold=old.hold, frequent=frequent)
        lesson.notes.append(
            f"counts: {int(everything.rows.sum()):,} rows in all have"
            f" {len(everything.table.buckets):,} different n-grams"
        )

    def remember(self, lesson: Lesson) -> State:
        """Returns the counts of all rows so far."""
        if lesson.model.builder != "ngrams":
            return {}
        new = count_rows(lesson.network, lesson.new, lesson.progress)
        return (_counts_before(lesson) + new if lesson.state else new).to_state()


def _counts_before(lesson: Lesson) -> NgramCounts:
    return NgramCounts.from_state(
        lesson.state,
        vocabulary=lesson.network.get_layer("buckets").vocabulary,
        classes=max(2, int(lesson.network.output_shape[-1])),
    )


STRATEGY: Strategy = Counts()
