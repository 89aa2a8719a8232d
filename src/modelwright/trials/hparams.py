"""Writes trials for the HParams dashboard of TensorBoard: the settings and figures of each.

What calls it says which trials; see ``studies/hparams_log.py`` and ``tuning/hparams_log.py``.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelwright.core.backend import load_tensorflow
from modelwright.core.config import setting
from modelwright.training.observers import system_errors

FOLDER = "tensorboard"


@dataclass(frozen=True)
class HParamsTrial:
    """One trial of the dashboard.

    Attributes:
        folder: the name of its folder; plain, because a name may hold what a folder's cannot.
        name: what tells it apart from all others, also from those of other logs.
        values: its settings.
        figures: what was measured; what is missing is empty in the dashboard.
    """

    folder: str
    name: str
    values: Mapping[str, Any]
    figures: Mapping[str, float]


def write_hparams(
    folder: Path, trials: Sequence[HParamsTrial], *, settings: Sequence[str], figures: Sequence[str]
) -> None:
    """Replaces the log in a folder; without trials it is deleted.

    Args:
        folder: the folder of the study or search.
        trials: the trials, each with a value for the ``settings`` that it has.
        settings: the columns of the dashboard for settings.
        figures: the columns for figures.

    Raises:
        OSError: the log cannot be written.
    """
    place = folder / FOLDER
    shutil.rmtree(place, ignore_errors=True)
    if not trials:
        return
    load_tensorflow()  # without its messages on standard error
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    with system_errors(place):
        with tf.summary.create_file_writer(str(place)).as_default():
            columns = [api.HParam(key) for key in settings]
            api.hparams_config(columns, [api.Metric(name) for name in figures])
        for one in trials:
            with tf.summary.create_file_writer(str(place / one.folder)).as_default():
                values = {key: _shown(value) for key, value in one.values.items()}
                api.hparams(values, trial_id=hashlib.sha256(one.name.encode()).hexdigest())
                for name in figures:
                    if name in one.figures:
                        tf.summary.scalar(name, one.figures[name], step=0)


def _shown(value: Any) -> Any:
    """Returns a setting as the dashboard takes it: a number or a text."""
    return value if isinstance(value, bool | int | float | str) else setting(value)
