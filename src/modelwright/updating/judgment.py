"""Judges the candidates of an update together, and chooses the one that goes live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.data.splits import TEST
from modelwright.updating.attempts import Attempts
from modelwright.updating.candidates import Candidate
from modelwright.updating.classroom import Classroom
from modelwright.updating.gate import (
    Change,
    Limits,
    Verdict,
    compare_answers,
    judge,
    judged_level,
    predicted,
)
from modelwright.updating.report import Tried
from modelwright.updating.settings import may_be_written

BOUND = "a bound to compare with; written only with --strategy naive"
LESS = "passed, but another gains more on validation rows"


@dataclass(frozen=True)
class Judgment:
    """The verdict on all candidates.

    Attributes:
        tried: each candidate with its figures and the reason for its fate.
        best: the name of the one to write; None if none passed.
        nearest: the name of the one with the best figures on validation rows, passed or not.
        level: the level of the intervals.
        judged: how many candidates could have been written.
    """

    tried: tuple[Tried, ...]
    best: str | None
    nearest: str | None
    level: float
    judged: int

    def verdict(self, name: str) -> Verdict | None:
        """Returns the figures of a candidate."""
        return next((one.verdict for one in self.tried if one.name == name), None)


def judge_candidates(
    room: Classroom, attempts: Attempts, limits: Limits, strategy: str
) -> Judgment:
    """Judges all candidates on the same held-out rows.

    Test rows decide whether a candidate passes; validation rows decide which of those is taken.

    Args:
        room: the rows, and the answers of the model before.
        attempts: the candidates, the cheapest first, and the strategies that were not tried.
        limits: what the update may cost.
        strategy: what the user chose.
    """
    candidates = attempts.candidates
    measured = [one for one in candidates if not one.problem]
    able = [one.name for one in measured if may_be_written(one.name, strategy)]
    level = judged_level(len(able))
    old_set = "old-test" if room.old.judged_side == TEST else "old-val"
    verdicts = {
        one.name: judge(
            _change(room, one, old_set, level),
            _change(room, one, "new-test", level),
            limits,
            room.new.names,
        )
        for one in measured
    }
    gains = {one.name: _validation_gain(room, one) for one in measured if one.name in able}
    passed = [name for name in able if verdicts[name].passed]
    best = max(passed, key=lambda name: gains[name], default=None)
    nearest = best or max(able, key=lambda name: gains[name], default=None)
    tried = tuple(
        Tried(
            one.name,
            verdicts.get(one.name),
            _reason(one, verdicts.get(one.name), best, able),
            one.seconds,
        )
        for one in candidates
    )
    return Judgment((*tried, *attempts.skipped), best, nearest, level, len(able))


def _change(room: Classroom, candidate: Candidate, name: str, level: float) -> Change:
    return compare_answers(
        room.labels_of(name),
        predicted(room.before[name]),
        predicted(candidate.answers[name]),
        level=level,
    )


def _validation_gain(room: Classroom, candidate: Candidate) -> float:
    """Returns the change of macro-F1 on validation rows, old and new ones alike.

    Where the new data has none, its test rows stand in: the figure only chooses among those that
    passed.
    """
    total = 0.0
    for name in ("old-val", "new-val"):
        shown = name if len(room.held_out[name]) else name.replace("val", "test")
        if len(room.held_out[shown]):
            total += _change(room, candidate, shown, 0.95).difference
    return total


def _reason(
    candidate: Candidate, verdict: Verdict | None, best: str | None, able: Sequence[str]
) -> str:
    if verdict is None:
        return candidate.problem
    if candidate.name not in able:
        return BOUND
    if verdict.reasons:
        return "; ".join(verdict.reasons)
    return "" if candidate.name == best else LESS
