"""Writes a search for the HParams dashboard of TensorBoard: values and figures of each trial.

``tensorboard --logdir tunings/NAME`` then compares the trials.
"""

from __future__ import annotations

import math
from pathlib import Path

from modelwright.trials.hparams import HParamsTrial, write_hparams
from modelwright.tuning.search_record import SearchRecord
from modelwright.tuning.trial_record import TrialRecord

_FIRST = ("objective", "epochs", "seconds")


def log_search(record: SearchRecord, folder: Path) -> None:
    """Replaces the log of a search. It is left out if the base turns TensorBoard off.

    A trial that failed has values and no objective. One that still runs is left out.

    Args:
        record: the search.
        folder: its folder.

    Raises:
        OSError: the log cannot be written.
    """
    ended = [one for one in record.records if one.state != "running"]
    if not record.base.get("train", {}).get("tensorboard", True):
        ended = []
    keys = [one.key for one in record.dimensions]
    trials = [
        HParamsTrial(
            f"{one.number:04}",
            f"{record.name} {record.data.fingerprint} {one.number}",
            {"state": one.state, **one.values},
            _figures(one),
        )
        for one in ended
    ]
    further = sorted({name for one in trials for name in one.figures} - set(_FIRST))
    write_hparams(folder, trials, settings=("state", *keys), figures=(*_FIRST, *further))


def _figures(record: TrialRecord) -> dict[str, float]:
    figures = {**record.figures, "seconds": record.seconds, "epochs": len(record.epochs)}
    if record.objective is not None and record.state != "failed":
        figures["objective"] = record.objective
    return {name: float(value) for name, value in figures.items() if math.isfinite(value)}
