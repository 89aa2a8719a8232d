"""The candidates of an update: what each strategy made of the model, and their files.

A candidate that is done lies in the work folder, so that a killed update goes on with the next.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.files import write_json
from modelwright.core.types import FloatArray
from modelwright.updating.state_file import write_arrays

Measured = Mapping[str, FloatArray]
"""Probabilities of the held-out rows, by set."""


@dataclass(frozen=True)
class Candidate:
    """What one strategy made of the model.

    Attributes:
        name: the strategy.
        answers: probabilities of the held-out rows; empty if it could not learn.
        seconds: how long it took.
        notes: what it says of itself.
        problem: why it could not learn; empty if it did.
    """

    name: str
    answers: Measured = field(default_factory=dict)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    problem: str = ""


def write_candidate(candidate: Candidate, network: Any, folder: Path) -> None:
    """Writes a candidate and the weights of its network; the record comes last."""
    values = {f"{at}": np.asarray(one) for at, one in enumerate(network.variables)}
    folder.mkdir(parents=True, exist_ok=True)
    write_arrays(_weights(folder, candidate.name), values)
    write_arrays(_stored(folder, candidate.name), candidate.answers)
    record = {"seconds": candidate.seconds, "notes": list(candidate.notes)}
    write_json(_record(folder, candidate.name), record)


def read_candidate(name: str, folder: Path) -> Candidate | None:
    """Returns a candidate that an unfinished update stored; None if it is not complete."""
    try:
        record = json.loads(_record(folder, name).read_text("utf-8"))
        content = BytesIO(_stored(folder, name).read_bytes())
        with np.load(content, allow_pickle=False) as stored:
            answers = {one: np.asarray(stored[one], np.float32) for one in stored.files}
        if not _weights(folder, name).is_file():
            return None
        return Candidate(name, answers, float(record["seconds"]), tuple(record["notes"]))
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return None


def read_weights(name: str, network: Any, folder: Path) -> None:
    """Sets the weights of a network to those of a stored candidate."""
    with np.load(_weights(folder, name), allow_pickle=False) as stored:
        for at, variable in enumerate(network.variables):
            variable.assign(stored[f"{at}"])


def _weights(folder: Path, name: str) -> Path:
    return folder / f"{name}.weights.npz"


def _stored(folder: Path, name: str) -> Path:
    return folder / f"{name}.answers.npz"


def _record(folder: Path, name: str) -> Path:
    return folder / f"{name}.json"
