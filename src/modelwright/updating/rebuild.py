"""Rebuilds the weights of an update from its lineage: parent, rows, strategy, settings and seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.config import TrainConfig, check_table
from modelwright.core.errors import RunError
from modelwright.core.folders import MEMORY, UPDATES
from modelwright.learning.registry import find_strategy
from modelwright.runs.run import VOCABULARY, load_run
from modelwright.updating.base_model import find_base
from modelwright.updating.classroom import Classroom
from modelwright.updating.composed_data import data_file, read_rows
from modelwright.updating.memory import STATE
from modelwright.updating.new_rows import NewRows
from modelwright.updating.old_rows import OldRows, find_old_rows
from modelwright.updating.seen_rows import no_rows
from modelwright.updating.settings import UpdateSettings
from modelwright.updating.state_file import read_state
from modelwright.updating.tokens import Tokens


def rebuild_version(model: Path, version: int) -> Any:
    """Returns the ``keras.Model`` of an update, learned once more.

    Args:
        model: the folder of the model, with the version's parent and its run in the memory.
        version: a version that an update wrote.

    Raises:
        RunError: the version's run is not there, or no update wrote it.
        ServableError: the parent is not there, or was changed.
    """
    folder = model / MEMORY / UPDATES / str(version)
    run = load_run(folder)
    lineage = run.lineage
    if not lineage:
        raise RunError(f"{folder} was not written by an update, so it has no lineage.")
    base = find_base(model / str(lineage["parent"]))
    rows = read_rows(folder / data_file(base.shape), run.labels, run.task)
    new = rows.versions == version
    settings = UpdateSettings(
        strategy=lineage["strategy"], memory=lineage["settings"]["memory"], seed=lineage["seed"]
    )
    strategy = find_strategy(settings.strategy)
    state = folder / STATE / f"{strategy.name}.npz"
    old = OldRows(
        rows.take(np.flatnonzero(~new)),
        seen=no_rows(),
        held_out=np.zeros(0, np.uint64),
        states={strategy.name: read_state(state)} if state.is_file() else {},
    )
    if strategy.needs == "old":
        old = find_old_rows(base, settings)
    names, taught = run.labels, rows.take(np.flatnonzero(new))
    taught = taught.with_outputs(np.full_like(taught.outputs, np.nan))  # recorded afterward
    tokens = Tokens(lineage["tokens"]["before"], lineage["tokens"]["after"], "")
    room = Classroom(
        base,
        old,
        NewRows(taught, names, "", "", 0, ()),
        tokens,
        folder / VOCABULARY,
        settings,
    )
    room.train = check_table(TrainConfig, lineage["train"], "train")
    known = room.state(strategy)
    network, config, _ = room.build()
    strategy.learn(room.lesson(network, config, known))
    return network
