"""The result of one cell: what one strategy measured in one order with one seed, as JSON.

A study's report needs nothing else. Loads no framework.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from modelwright.core.errors import RunError
from modelwright.core.files import write_json
from modelwright.streams.figures import Matrix, StreamFigures, stream_figures
from modelwright.trials.trial_result import JsonRecord, MachineRecord

FORMAT = 1
CELLS = "cells"


@dataclass(frozen=True)
class CellKey:
    """Which cell of a study: the number of the order, from 1, the seed and the strategy."""

    order: int
    seed: int
    strategy: str

    def path(self, folder: Path) -> Path:
        """Returns the file of the cell in a study's folder."""
        return folder / CELLS / f"order-{self.order}-seed-{self.seed}-{self.strategy}.json"

    def __str__(self) -> str:
        return f"{self.strategy}, order {self.order}, seed {self.seed}"


class CellResult(JsonRecord):
    """What one strategy gave in one order with one seed: figures, or an ``error``.

    Attributes:
        steps: the name of each step.
        settings: all that the figures depend on, ``table.key`` to value.
        fingerprint: of the rows and their domains.
        train_rows: training rows that each step brings.
        test_rows: test rows of each domain.
        uninformed: macro-F1 of the most frequent class on each domain.
        macro_f1: after each step, on each domain, ``[steps, domains]``.
        accuracy: the same for accuracy.
        seconds: time of each lesson; the first one is the training that all strategies share.
        rows_kept: rows of earlier lessons that the last lesson could read.
        bytes_kept: bytes of those rows, their recorded answers and the strategy's own state.
    """

    format: Literal[1] = 1
    order: int
    seed: int
    strategy: str
    steps: tuple[str, ...]
    settings: dict[str, Any]
    fingerprint: str
    machine: MachineRecord
    date: str
    train_rows: tuple[int, ...] = ()
    test_rows: tuple[int, ...] = ()
    uninformed: tuple[float, ...] = ()
    macro_f1: tuple[tuple[float, ...], ...] = ()
    accuracy: tuple[tuple[float, ...], ...] = ()
    seconds: tuple[float, ...] = ()
    first_seconds: float = 0.0
    rows_kept: int = 0
    bytes_kept: int = 0
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def key(self) -> CellKey:
        """Which cell it is."""
        return CellKey(self.order, self.seed, self.strategy)

    @property
    def matrix(self) -> Matrix:
        """Macro-F1 ``[steps, domains]``."""
        return np.array(self.macro_f1, np.float64)

    @property
    def figures(self) -> StreamFigures:
        """What the strategy gained and forgot, in macro-F1."""
        return stream_figures(self.matrix, np.array(self.uninformed))

    @property
    def final_accuracy(self) -> float:
        """The share of right answers on the test rows of all domains at the end."""
        return float(np.average(self.accuracy[-1], weights=self.test_rows))

    @property
    def share_kept(self) -> float:
        """Kept rows as a share of the rows of all lessons before the last."""
        return self.rows_kept / max(1, sum(self.train_rows[:-1]))


def read_cell(path: Path) -> CellResult | None:
    """Returns the result in a file; None without the file.

    Raises:
        RunError: the file cannot be read, or is of another format.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            found = content.get("format") if isinstance(content, dict) else None
            raise RunError(
                f"{path} has format {found}; this version reads {FORMAT}. Delete the file to"
                " measure that cell anew."
            )
        return CellResult.model_validate(content)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ValidationError) as error:
        reason = str(error).splitlines()[0]
        raise RunError(
            f"{path} cannot be read as the result of a cell: {reason}. Delete the file to measure"
            " that cell anew."
        ) from None


def write_cell(folder: Path, result: CellResult) -> None:
    """Writes the result of a cell, atomically."""
    path = result.key.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, result.model_dump(mode="json"))


def refuse_changed_cells(
    folder: Path,
    known: Sequence[CellResult],
    settings: Mapping[int, Mapping[str, Any]],
    fingerprint: str,
) -> None:
    """Checks that what was measured has the settings and rows of today.

    Args:
        folder: the study's folder.
        known: results that are there.
        settings: the settings of each order today, by its number.
        fingerprint: of the rows today.

    Raises:
        RunError: names a cell and what changed, and what to do.
    """
    for result in known:
        now = json.loads(json.dumps(settings[result.order]))
        before = result.settings
        keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
        changed = [f"{key} {before.get(key)} is now {now.get(key)}" for key in keys]
        if not keys and result.fingerprint != fingerprint:
            changed = ["the rows, their splits or their domains"]
        if changed:
            raise RunError(
                f"the study changed since the cells in {folder / CELLS} were measured"
                f" ({result.key}): {', '.join(changed)}. Give another folder with --out, restore"
                f" the setting, or delete {folder / CELLS} to measure all anew."
            )
