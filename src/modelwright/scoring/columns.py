"""Chooses the column that the model is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.nearest import nearest
from modelwright.core.terminal import shorten
from modelwright.core.types import Task
from modelwright.data.readers.columns import NO_LABELS, USUAL_NAMES, find_columns


@dataclass(frozen=True)
class Choice:
    """A column by position and name, and why it was chosen."""

    position: int
    name: str
    reason: str
    others: tuple[str, ...] = ()
    """Other columns with a usual name."""


def choose_column(
    names: Sequence[str], task: Task, config: DataConfig, recorded: str | None, source: str
) -> Choice:
    """Returns the column of the texts or images.

    Args:
        names: All columns.
        task: What the model classifies.
        config: The column that the user names.
        recorded: The column of the model's own training data, if its config names one.
        source: The input, for messages.

    Raises:
        DataError: The named column is missing or occurs twice, or no column has a usual name.
    """
    folded = [name.strip().lower() for name in names]
    usual = [at for word in USUAL_NAMES[task] for at, name in enumerate(folded) if name == word]
    wanted, reason = config.text if task == "text" else config.image, "named"
    if wanted is None and recorded is not None and list(names).count(recorded) == 1:
        wanted, reason = recorded, "the column that the model was trained on"
    if wanted is not None:
        only = {"text": None, "image": None, task: wanted, "label": NO_LABELS}
        found = find_columns(names, config.model_copy(update=only), source)
        return _choice(names, found.value, reason, usual)
    if usual:
        return _choice(names, usual[0], "a usual name", usual)
    near = next((near for word in USUAL_NAMES[task] if (near := nearest(word, names))), "")
    shown = ", ".join(shorten(name, 40) or "(no name)" for name in names[:20])
    raise DataError(
        f"{source} has no column with a usual name for the {task}.{near} Name it with "
        f"--{task}-column (data.{task}). Columns: {shown}{', ...' if len(names) > 20 else ''}"
    )


def _choice(names: Sequence[str], position: int, reason: str, usual: Sequence[int]) -> Choice:
    others = tuple(dict.fromkeys(names[at] for at in usual if names[at] != names[position]))
    return Choice(position, names[position], reason, others)
