"""The positions of rows that are chosen from a run's data."""

from __future__ import annotations

from modelwright.runs.rows import evenly_spaced


def test_positions_are_evenly_spaced_and_distinct() -> None:
    assert list(evenly_spaced(10, 4)) == [0, 3, 6, 9]
    assert list(evenly_spaced(3, 10)) == [0, 1, 2]
    assert list(evenly_spaced(1, 1)) == [0]
