"""What strategies remember in place of old rows: which of it an update keeps, and what was lost.

Nothing is learned or written here.
"""

from __future__ import annotations

from modelwright.core.config import ModelConfig
from modelwright.learning.strategy import Strategy
from modelwright.updating.old_rows import OldRows
from modelwright.updating.settings import AUTO, chosen_strategies


def remembering(old: OldRows, model: ModelConfig, strategy: str) -> list[Strategy]:
    """Returns the strategies whose state an update keeps.

    Sums over all rows cannot be made up for later, when only examples are left. So cheap ones are
    kept for strategies that were not asked for, too.

    Args:
        old: the rows that the model learned before, and what was kept of them.
        model: the options of the network.
        strategy: what the user chose.
    """
    asked = {*(one.name for one in chosen_strategies(strategy)), *old.states}
    return [
        one
        for one in chosen_strategies(AUTO)
        if one.needs == "state" and not one.unfit(model) and (one.name in asked or one.cost <= 1)
    ]


def rebuilt_note(old: OldRows, examples: int, model: ModelConfig, strategy: str) -> str:
    """Returns a note if states begin again with a part of the old rows; empty if none does.

    Args:
        old: the rows that the model learned before, and what was kept of them.
        examples: number of kept examples.
        model: the options of the network.
        strategy: what the user chose.
    """
    lost = [one.name for one in remembering(old, model, strategy) if one.name not in old.states]
    if not lost or old.inputs is not None or not examples:
        return ""
    others = "it" if len(lost) == 1 else "they"
    return (
        f"rebuilt from {examples:,} kept examples: what {', '.join(lost)} should remember of all"
        " rows that the model learned. The memory does not have it for this version, as after a"
        " rollback or where no update asked for it. The other rows are missing there from now on,"
        f" so {others} may forget more of them. To rebuild it from all rows, give them with"
        " --old-data"
    )
