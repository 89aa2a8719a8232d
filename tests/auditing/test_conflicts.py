"""Contents with several labels: the minority is suspected, or all rows if none leads."""

from __future__ import annotations

import numpy as np

from modelwright.auditing.conflicts import Conflict, find_conflicts


def test_the_minority_of_a_content_is_suspected() -> None:
    copies = np.array([7, 3, 7, 3, 7, 5, 9, 9])
    labels = np.array([0, 1, 0, 0, 1, 1, 2, 2])
    assert find_conflicts(copies, labels) == [
        Conflict(rows=(0, 2, 4), suspects=(4,), majority=0),
        Conflict(rows=(1, 3), suspects=(1, 3), majority=None),
    ]


def test_contents_with_one_label_are_no_conflict() -> None:
    assert find_conflicts(np.array([0, 0, 1]), np.array([1, 1, 0])) == []
