"""The checkpoint: the files that a training writes after each epoch, to be resumed from.

The checkpoint holds every variable of the network and of the optimizer, and the states of
dropout's random generators. So a killed training resumes after its last finished epoch and ends
with the same bits. The best weights are in a separate file.
"""

from __future__ import annotations

import csv
import io
import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import RunError
from modelwright.core.files import check_room, write_atomic, write_text, write_with_library
from modelwright.runs.run import CHECKPOINT, WEIGHTS

_OVERHEAD = 65_536
"""Bytes of a file of weights besides the weights themselves, rather more than fewer."""


@dataclass
class Checkpoint:
    """The training state in a run's folder: variables, history and elapsed time."""

    folder: Path
    history: list[dict[str, float]] = field(default_factory=list)
    """The metrics of each finished epoch."""
    _earlier_seconds: float = 0.0
    _started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Training time so far in seconds, including the time before an interruption."""
        return self._earlier_seconds + time.monotonic() - self._started

    def restore(self, network: Any) -> bool:
        """Restores a compiled network and the history. Returns False without a checkpoint.

        Raises:
            RunError: the checkpoint cannot be read, or belongs to another network.
        """
        path = self.folder / CHECKPOINT
        if not path.exists():
            return False
        variables = _variables(network)
        try:
            with np.load(path, allow_pickle=False) as stored:
                self.history = json.loads(str(stored["history"]))
                self._earlier_seconds = float(stored["seconds"])
                values = [stored[f"variable_{i}"] for i in range(int(stored["variables"]))]
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"the checkpoint {path} cannot be read: {error}.") from None
        shapes = [tuple(variable.shape) for variable in variables]
        if shapes != [value.shape for value in values]:
            raise RunError(f"the checkpoint {path} does not fit the network of the run's config.")
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return True

    def save(self, network: Any, *, best: bool) -> None:
        """Writes the checkpoint and the history, and the weights if they are the best so far."""
        if best:
            size = sum(np.asarray(value).nbytes for value in network.weights)
            check_room(self.folder / WEIGHTS, size + _OVERHEAD)
            write_with_library(self.folder / WEIGHTS, network.save_weights)
        arrays = {f"variable_{i}": np.asarray(v) for i, v in enumerate(_variables(network))}
        arrays["variables"] = np.array(len(arrays))
        arrays["seconds"] = np.array(self.seconds)
        arrays["history"] = np.array(json.dumps(self.history))
        write_atomic(
            self.folder / CHECKPOINT, lambda file: np.savez(file, allow_pickle=False, **arrays)
        )
        write_text(self.folder / "history.csv", _csv(self.history))

    def delete(self) -> None:
        """Deletes the checkpoint, after the training has finished."""
        (self.folder / CHECKPOINT).unlink(missing_ok=True)


def read_history(folder: Path) -> list[dict[str, float]]:
    """Returns the metrics of each saved epoch of a run, of a finished one too.

    Raises:
        RunError: the files cannot be read.
    """
    path = folder / CHECKPOINT
    try:
        if path.exists():
            with np.load(path, allow_pickle=False) as stored:
                history: list[dict[str, float]] = json.loads(str(stored["history"]))
            return history
        path = folder / "history.csv"
        with path.open(newline="", encoding="utf-8") as file:
            return [{key: float(row[key]) for key in row} for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise RunError(f"the history in {path} cannot be read: {error}.") from None


def _variables(network: Any) -> list[Any]:
    network.optimizer.build(network.trainable_variables)
    return [*network.variables, *network.optimizer.variables]


def _csv(rows: Sequence[Mapping[str, float]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
