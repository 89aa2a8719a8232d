"""The rows a run was trained with or kept from, loaded again and known to be the same."""

from __future__ import annotations

from modelwright.core.errors import DataError
from modelwright.core.types import Progress, Split, SplitName
from modelwright.data.load import load_data
from modelwright.runs.run import Run


def own_rows(
    run: Run, split: SplitName, progress: Progress | None, *, instead: str
) -> tuple[Split, str]:
    """A split of the run's own data, and its name for a person.

    Args:
        run: whose rows.
        split: which of them.
        progress: told of reading.
        instead: what else a person can do where they changed.

    Raises:
        DataError: the data cannot be read, changed since the training, or has no such split.
    """
    own = load_data(run.config.data, progress=progress)
    if own.fingerprint != run.data["fingerprint"]:
        raise DataError(
            f"{own.source} changed since {run.path} was trained on it; bring it back, or {instead}."
        )
    if split not in own.splits:
        there = ", ".join(own.splits)
        raise DataError(f"{own.source} has no split '{split}'; it has: {there}.")
    return own.splits[split], f"{own.source}, {split}"
