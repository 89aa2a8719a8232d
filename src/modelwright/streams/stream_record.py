"""The content of ``stream.json``: what a stream study measured, as typed records.

This is the only module that knows the keys of the file. Loads no framework.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import ConfigDict, Field, PlainSerializer

from modelwright.core.stored_record import read_record
from modelwright.learning.strategy import Needs
from modelwright.streams.cell_result import CellResult
from modelwright.streams.statistics import (
    MeanInterval,
    difference_interval,
    mean_interval,
    reduction_interval,
)
from modelwright.trials.trial_result import JsonRecord, MachineRecord

KIND = "stream"
FORMAT = 1
LOWER_BOUND = "naive"
"""The strategy that the others are compared with."""
PosixPath = Annotated[Path, PlainSerializer(lambda path: path.as_posix(), return_type=str)]


class StrategyRecord(JsonRecord):
    """One strategy over all orders and seeds. Figures of macro-F1 are shares, from -1 to 1.

    Attributes:
        cells: number of cells that were measured.
        average: macro-F1 at the end, mean over the domains.
        learned: macro-F1 right after each domain was learned, mean over the domains.
        accuracy: accuracy at the end, over the test rows of all domains.
        difference: ``average`` minus that of ``naive``, paired by order and seed.
        less_decay: by which share the decay is below that of ``naive``, paired; 1 if nothing is
            lost. None if ``naive`` loses nothing.
        rows_kept: mean number of rows of earlier lessons that the last lesson could read.
        share_kept: the same as a share of these lessons' rows.
        bytes_kept: bytes of these rows, their recorded answers and the strategy's own state.
        seconds: median time of all lessons but the first, over the cells.
        curve: macro-F1 after each step, mean over the domains learned so far.
    """

    model_config = ConfigDict(allow_inf_nan=False)

    name: str
    summary: str
    needs: Needs
    cells: int
    average: MeanInterval | None = None
    learned: MeanInterval | None = None
    accuracy: MeanInterval | None = None
    difference: MeanInterval | None = None
    forgetting: MeanInterval | None = None
    backward: MeanInterval | None = None
    forward: MeanInterval | None = None
    decay: MeanInterval | None = None
    less_decay: MeanInterval | None = None
    rows_kept: float = 0.0
    share_kept: float = 0.0
    bytes_kept: float = 0.0
    seconds: float = 0.0
    curve: tuple[float, ...] = ()
    losses: dict[str, float] = Field(default_factory=dict)
    """By the name of a step: macro-F1 at the end minus that right after learning, mean."""


class CellName(JsonRecord):
    """A cell: the number of its order, from 1, its seed and its strategy."""

    order: int
    seed: int
    strategy: str


class StreamRecord(JsonRecord):
    """A stream study: what was learned in which ways, and what was kept.

    Attributes:
        source: the name of the data.
        domains: the names of the domains, or of the classes.
        classes: number of classes that each step brings; None in a stream of domains.
        rows: number of rows of each split.
        orders: the names of the steps of each order.
        keep: share of the rows seen that may be kept, below 1, or a number of rows.
        config: settings of the network and of the first training.
        settings: keys of ``[stream]``. ``domains`` is the column of the domains, ``sources`` has
            the source of each domain by its name; earlier versions did not record these two.
        failures: cells that failed, and why.
        missing: number of cells that were not measured yet.
        missing_cells: these cells; earlier versions did not record them.
    """

    kind: Literal["stream"] = "stream"
    format: Literal[1] = 1
    name: str
    folder: PosixPath
    status: Literal["finished", "failed", "stopped"]
    source: str
    recipe: str
    fingerprint: str
    domains: tuple[str, ...]
    classes: int | None
    rows: dict[str, int]
    orders: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    seeds: tuple[int, ...]
    keep: float | int
    config: dict[str, Any]
    settings: dict[str, Any]
    machines: tuple[MachineRecord, ...]
    date: str
    command: str
    strategies: tuple[StrategyRecord, ...]
    failures: tuple[str, ...]
    missing: int
    missing_cells: tuple[CellName, ...] = ()
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Returns the content of ``stream.json``."""
        return self.model_dump(mode="json")


def read_stream_record(path: Path) -> StreamRecord | None:
    """Returns the stream study in a JSON file, or None if the file holds something else.

    Raises:
        RunError: the file cannot be read, or has another format.
    """
    return read_record(path, StreamRecord, kind=KIND, version=FORMAT, command="stream")


def summarize(
    name: str,
    summary: str,
    needs: Needs,
    results: Sequence[CellResult],
    naive: Sequence[CellResult],
) -> StrategyRecord:
    """Returns the record of one strategy from its cells, and from those of ``naive``."""
    if not results:
        return StrategyRecord(name=name, summary=summary, needs=needs, cells=0)
    own, other = _figures(results), _figures(naive)
    plain = {key: mean_interval(values) for key, values in own.items()}
    apart = name != LOWER_BOUND
    return StrategyRecord(
        name=name,
        summary=summary,
        needs=needs,
        cells=len(results),
        **plain,
        difference=difference_interval(own["average"], other["average"]) if apart else None,
        less_decay=reduction_interval(own["decay"], other["decay"]) if apart else None,
        rows_kept=float(np.mean([one.rows_kept for one in results])),
        share_kept=float(np.mean([one.share_kept for one in results])),
        bytes_kept=float(np.mean([one.bytes_kept for one in results])),
        seconds=float(np.median([sum(one.seconds) for one in results])),
        curve=_curve(results),
        losses=_losses(results),
    )


def _figures(results: Sequence[CellResult]) -> Mapping[str, dict[tuple[int, int], float]]:
    names = ("average", "learned", "forgetting", "backward", "forward", "decay")
    found: dict[str, dict[tuple[int, int], float]] = {key: {} for key in (*names, "accuracy")}
    for one in results:
        figures, key = one.figures, (one.order, one.seed)
        for name in names:
            found[name][key] = getattr(figures, name)
        found["accuracy"][key] = one.final_accuracy
    return found


def _curve(results: Sequence[CellResult]) -> tuple[float, ...]:
    steps = min(len(one.macro_f1) for one in results)
    lines = [[one.matrix[step, : step + 1].mean() for step in range(steps)] for one in results]
    return tuple(float(value) for value in np.mean(lines, axis=0))


def _losses(results: Sequence[CellResult]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for one in results:
        lost = one.matrix[-1] - np.diag(one.matrix)
        for name, value in zip(one.steps[:-1], lost[:-1], strict=True):
            found.setdefault(name, []).append(float(value))
    return {name: float(np.mean(values)) for name, values in sorted(found.items())}
