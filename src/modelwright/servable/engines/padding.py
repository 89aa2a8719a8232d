"""Running rows that are padded to one length, on engines with and without a mask for padding."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelwright.core.types import Engine, FloatArray


def run_padded(engine: Engine, rows: Any) -> FloatArray:
    """Returns the class probabilities float32 ``[n, classes]`` of prepared rows.

    An engine that does not take padded rows would count the padding as tokens. It gets all rows
    of one length together, without their padding.

    Args:
        engine: a loaded engine.
        rows: pixels, or token ids padded at the end with 0 to any common length; at least one row.
    """
    if engine.takes_padded_rows:
        return engine.run(rows)
    lengths = (rows != 0).sum(axis=1)
    groups = [np.flatnonzero(lengths == length) for length in np.unique(lengths)]
    answers = [engine.run(rows[group, : lengths[group[0]]]) for group in groups]
    original_order = np.argsort(np.concatenate(groups))
    result: FloatArray = np.concatenate(answers)[original_order]
    return result
