"""Tries the strategies of an update one after the other, within the time that it has."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from modelwright.learning.strategy import Strategy
from modelwright.updating.candidates import Candidate, read_candidate
from modelwright.updating.classroom import Classroom
from modelwright.updating.report import Tried
from modelwright.updating.settings import UpdateSettings, chosen_strategies


@dataclass(frozen=True)
class Attempts:
    """The candidates, and the strategies that were not tried with the reasons."""

    candidates: tuple[Candidate, ...]
    skipped: tuple[Tried, ...]


def try_strategies(room: Classroom, settings: UpdateSettings, work: Path) -> Attempts:
    """Lets each strategy that fits learn, the cheapest first; those that are done already stay."""
    candidates: list[Candidate] = []
    skipped: list[Tried] = []
    spent, unit = 0.0, 0.0
    for strategy in chosen_strategies(settings.strategy):
        reason = _unfit(room, strategy) or _too_long(settings.minutes, spent, unit * strategy.cost)
        found = read_candidate(strategy.name, work) if settings.resume else None
        if found is None and reason:
            skipped.append(Tried(strategy.name, None, reason))
            continue
        if found is None:
            started = time.monotonic()
            room.announce(f"trying {strategy.name}")
            found = room.attempt(strategy, work)
            taken = time.monotonic() - started
            spent, unit = spent + taken, max(unit, taken / max(strategy.cost, 0.1))
        candidates.append(found)
    return Attempts(tuple(candidates), tuple(skipped))


def _unfit(room: Classroom, strategy: Strategy) -> str:
    """Returns why a strategy cannot be tried; empty if it can."""
    if reason := strategy.unfit(room.base.config.model):
        return reason
    if strategy.needs == "kept" and not room.remembers_rows:
        return "needs examples of old rows, and the memory keeps none (--memory)"
    if strategy.needs == "old" and room.old.inputs is None:
        return (
            "needs all rows that the model learned, and the memory has only a part of them; give"
            " them with --old-data"
        )
    return ""


def _too_long(minutes: float | None, spent: float, expected: float) -> str:
    if minutes is None or not spent or spent + expected <= 60 * minutes:
        return ""
    return (
        f"would take about {expected:.0f} s, and {max(0.0, 60 * minutes - spent):.0f} s are left of"
        f" --minutes {minutes:g}"
    )
