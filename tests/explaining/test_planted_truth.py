"""Each method puts a planted cue first, in rows whose answer is known; nothing is trained here."""

from __future__ import annotations

import numpy as np
import pytest

from explaining.hand_made_rows import LinearRow
from modelwright.explaining.faithfulness import order_segments
from modelwright.explaining.registry import AUTO, QUICK, find_method, method_names

ROWS = 20
MASKING = [name for name in method_names() if not find_method(name).needs_gradients]


def found(name: str, *, cells: int, label: int) -> float:
    """Returns the share of rows in which a method's first segment is the cue."""
    random = np.random.default_rng(5)
    count, hits = cells * cells or 30, 0
    for _ in range(ROWS):
        weights = random.normal(0, 0.15, count)
        at = int(random.integers(count))
        weights[at] = 4.0 if label else -4.0
        row = LinearRow(weights.tolist(), bias=float(random.normal()), cells=cells)
        hits += order_segments(find_method(name).weigh(row, label, 0).values)[0] == at
    return hits / ROWS


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("name", MASKING)
def test_the_cue_is_first(name: str, label: int) -> None:
    for task in find_method(name).tasks:
        share = found(name, cells=8 if task == "image" else 0, label=label)
        # A window of occlusion covers four cells, so it names a neighbor of the cue as often.
        assert share >= (0.2 if name == "occlusion" else 0.95), task


def test_every_default_is_among_them() -> None:
    assert {*AUTO.values(), *QUICK.values()} <= set(MASKING)
