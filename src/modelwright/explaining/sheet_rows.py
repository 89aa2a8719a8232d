"""The rows of a contact sheet: the most typical, the most confident wrong, the least certain.

Typical rows have the highest probability of their class, and are right where labels say so. Each
class has its turn. Least certain rows have the smallest distance between their two most probable
labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from modelwright.core.types import FloatArray

SheetKind = Literal["typical", "wrong", "uncertain"]
MOST = 10
"""Number of rows of each kind."""


def sheet_rows(
    probabilities: FloatArray, true: Sequence[int | None] | None, most: int = MOST
) -> dict[SheetKind, list[int]]:
    """Returns the positions of the rows of each kind, the clearest first.

    Args:
        probabilities: float ``[n, classes]``.
        true: the class of each row, None for a label that the model does not have; None for rows
            without labels, of which none is wrong.
        most: the largest number of each kind.
    """
    answers = probabilities.argmax(axis=1)
    surest = np.argsort(-probabilities.max(axis=1), kind="stable").tolist()
    wrong = [
        at for at in surest if true is not None and true[at] is not None and true[at] != answers[at]
    ]
    return {
        "typical": _in_turn([at for at in surest if true is None or true[at] == answers[at]],
                            answers.tolist(), most),
        "wrong": wrong[:most],
        "uncertain": _closest(probabilities)[:most],
    }  # fmt: skip


def _in_turn(rows: Sequence[int], answers: Sequence[int], most: int) -> list[int]:
    """Returns the first rows of each class, then the second ones, and so on."""
    turns: dict[int, int] = {}
    keyed = []
    for order, at in enumerate(rows):
        turn = turns[answers[at]] = turns.get(answers[at], -1) + 1
        keyed.append((turn, order, at))
    chosen = sorted(keyed)[:most]
    return [at for _, _, at in sorted(chosen, key=lambda one: (one[0], answers[one[2]]))]


def _closest(probabilities: FloatArray) -> list[int]:
    if probabilities.shape[1] < 2:
        return []
    best = np.sort(probabilities, axis=1)[:, -2:]
    order: list[int] = np.argsort(best[:, 1] - best[:, 0], kind="stable").tolist()
    return order
