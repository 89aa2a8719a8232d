"""Writes what passed the gate: the next version of a servable, or a new run.

The run with its rows comes first, then the new memory, then the version in one rename, then the
memory is moved to its place. ``work_folder.tidy`` finishes or removes what a kill leaves between.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from modelwright.core.errors import ConfigError, RunError, ServableError
from modelwright.core.files import write_json
from modelwright.core.folders import MEMORY, UPDATE_RECORD, UPDATES
from modelwright.core.types import Progress
from modelwright.data.splits import TRAIN
from modelwright.exporting.export import ExportReport, export
from modelwright.exporting.writer import refused_write
from modelwright.learning.lesson import State
from modelwright.learning.registry import find_strategy
from modelwright.training.evaluate import EvaluatedRows, EvaluationParts, evaluate_rows
from modelwright.training.measuring import MeasuredTraining
from modelwright.updating.base_model import BaseModel, ancestors
from modelwright.updating.classroom import Classroom
from modelwright.updating.compose import NewWeights, compose_run
from modelwright.updating.composed_data import data_file
from modelwright.updating.memory import (
    STATE,
    Memory,
    choose_kept,
    origin_of,
    place_memory,
    write_memory,
)
from modelwright.updating.report import UpdateReport
from modelwright.updating.row_store import StoredRows, join_rows
from modelwright.updating.seen_rows import seen_rows
from modelwright.updating.settings import UpdateSettings
from modelwright.updating.state_file import write_state
from modelwright.updating.states import remembering
from modelwright.updating.work_folder import STAGED, forget_rows

_PARTS = EvaluationParts(baselines=False)
_IN_MEMORY = EvaluationParts(baselines=False, plots=False)
"""Nobody looks at plots in the folder of the memory; ``modelwright evaluate`` draws them."""


@dataclass(frozen=True)
class Passed:
    """A candidate that passed the gate.

    Attributes:
        room: the rows and the model before.
        name: the strategy.
        work: the folder with its weights.
        vocabulary: the file with its tokens; None for images.
        report: the report, for the version that will be written.
        lineage: how the weights were made.
    """

    room: Classroom
    name: str
    work: Path
    vocabulary: Path | None
    report: UpdateReport
    lineage: Mapping[str, Any]


def write_servable(
    passed: Passed, number: int, settings: UpdateSettings, progress: Progress | None = None
) -> UpdateReport:
    """Writes version ``number`` of the model, and its memory.

    Raises:
        ServableError: the version cannot be written. Nothing was.
        ParityError: an engine does not give the answers of the network. Nothing was written.
    """
    base = passed.room.base
    model, memory = base.home, base.memory
    folder = memory / UPDATES / str(number)
    shutil.rmtree(folder, ignore_errors=True)
    source = f"{MEMORY}/{UPDATES}/{number}/{data_file(base.shape)}"
    made, training = _compose(passed, folder, source, number, settings)
    try:
        report = replace(passed.report, path=model / str(number), lineage=passed.lineage)
        write_json(folder / UPDATE_RECORD, report.to_dict())
        evaluate_rows(
            folder, EvaluatedRows(), parts=_IN_MEMORY, training=training, progress=progress
        )
        write_memory(
            memory / STAGED, made, passed.report.labels, settings.memory, passed.lineage["update"]
        )
        exported = _export(folder, base, number, progress)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(memory / STAGED, ignore_errors=True)
        raise
    place_memory(memory / STAGED, memory)
    forget_rows(memory)
    missing = (f"engine {name} is missing: {why}" for name, why in exported.missing.items())
    return replace(report, notes=(*report.notes, *missing, *_engines_lost(base, exported)))


def _export(folder: Path, base: BaseModel, number: int, progress: Progress | None) -> ExportReport:
    """Exports the run. A full disk is the same error here as at any other step."""
    try:
        return export(folder, base.home, version=number, tta=base.tta, progress=progress)
    except ServableError as error:
        if (refused := refused_write(error.__context__)) is None:
            raise
        target = str(base.home / str(number))
        raise OSError(refused.errno, refused.strerror, target) from None


def write_run(
    passed: Passed, out: Path, settings: UpdateSettings, progress: Progress | None = None
) -> UpdateReport:
    """Writes a new run with its memory in it. The run before stays as it is."""
    base = passed.room.base
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        source = str(out / data_file(base.shape))
        made, training = _compose(passed, partial, source, base.version + 1, settings)
        report = replace(passed.report, path=out, lineage=passed.lineage)
        write_json(partial / UPDATE_RECORD, report.to_dict())
        evaluate_rows(partial, EvaluatedRows(), parts=_PARTS, training=training, progress=progress)
        write_memory(
            partial / MEMORY, made, report.labels, settings.memory, passed.lineage["update"]
        )
        partial.rename(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return report


def _compose(
    passed: Passed, folder: Path, source: str, number: int, settings: UpdateSettings
) -> tuple[Memory, MeasuredTraining]:
    """Writes the run. Returns the memory that belongs to it, and the run with its network."""
    room = passed.room
    network, model = room.network_of(passed.name, passed.work)
    taught = room.new.stored.of_side(TRAIN)
    taught = taught.with_outputs(room.answers_to_new(network))
    held_out = [rows for rows in room.held_out.values() if len(rows)]
    rows = join_rows([room.kept, taught, *held_out])
    training = compose_run(
        folder,
        source,
        room.base,
        NewWeights(
            network=network,
            model=model,
            labels=room.new.names,
            vocabulary=passed.vocabulary,
            rows=rows,
            seconds=passed.report.seconds,
            notes=passed.report.notes,
        ),
        passed.lineage,
    )
    strategy = find_strategy(passed.name)
    state, family = room.state(strategy), ancestors(room.base)
    if state:
        write_state(folder / STATE / f"{passed.name}.npz", state)
    kept = choose_kept(rows, settings.memory, settings.seed)
    memory = Memory(
        rows=kept if settings.memory else None,
        seen=room.old.seen + seen_rows(taught.digests, taught.labels, room.new.names, number),
        states=_states(room, network, model, settings),
        version=number,
        every_row=_keeps_every_row(room, kept),
        origins={
            **{one: made for one, made in room.old.origins.items() if one in family},
            room.base.version: origin_of(room.base),
            number: str(passed.lineage["update"]),
        },
    )
    return memory, training


def _states(
    room: Classroom, network: Any, model: Any, settings: UpdateSettings
) -> Mapping[str, State]:
    """Returns what strategies remember after the update."""
    found = {}
    for strategy in remembering(room.old, model, settings.strategy):
        with suppress(ConfigError, RunError):  # then it begins with the examples next time
            lesson = room.lesson(network, model, room.state(strategy))
            if state := strategy.remember(lesson):
                found[strategy.name] = state
    return found


def _keeps_every_row(room: Classroom, kept: StoredRows) -> bool:
    """Returns whether the memory will have all rows that ever trained the model."""
    if room.old.labels is None:
        return False
    every = len(room.old.labels) + len(room.new.stored.of_side(TRAIN))
    return len(kept.of_side(TRAIN)) == every


def _engines_lost(base: BaseModel, exported: ExportReport) -> tuple[str, ...]:
    """Returns a note if the version before has engines that an export does not write."""
    before = getattr(base.source, "engines", {})
    lost = sorted(before.keys() - exported.parity.keys() - exported.missing.keys())
    if not lost:
        return ()
    return (
        f"version {base.version} also had {', '.join(lost)}; run modelwright quantize to make them"
        " of the new version",
    )
