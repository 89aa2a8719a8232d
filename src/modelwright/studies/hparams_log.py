"""Writes a study for the HParams dashboard of TensorBoard: settings and figures of each training.

``tensorboard --logdir studies/NAME`` then compares the variants.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from modelwright.core.config import setting
from modelwright.studies.study_record import StudyRecord, VariantRecord
from modelwright.training.observers import system_errors

FOLDER = "tensorboard"
_METRICS = ("accuracy", "macro_f1", "calibration_error", "train_accuracy", "minutes")


def log_study(study: StudyRecord, folder: Path) -> None:
    """Replaces the log of a study. Variants that turn TensorBoard off are left out.

    Args:
        study: the study with the trainings that have finished.
        folder: its folder.

    Raises:
        OSError: the log cannot be written.
    """
    place = folder / FOLDER
    shutil.rmtree(place, ignore_errors=True)
    logged = [one for one in study.variants if one.config.get("train", {}).get("tensorboard", True)]
    if not any(one.runs for one in logged):
        return
    import tensorflow as tf
    from tensorboard.plugins.hparams import api

    keys = sorted({key for one in logged for key in one.settings})
    parameters = [api.HParam(key) for key in ("variant", *keys)]
    shown = [api.Metric(name) for name in _METRICS]
    with system_errors(place):
        with tf.summary.create_file_writer(str(place)).as_default():
            api.hparams_config([*parameters, api.HParam("seed")], shown)
        for number, variant in enumerate(logged):
            for run in variant.runs:
                # Numbered: a name may hold what a folder's name cannot.
                target = place / f"{number:02}-seed-{run.seed}"
                with tf.summary.create_file_writer(str(target)).as_default():
                    values = {**_values(variant, keys), "seed": run.seed}
                    name = f"{study.name} {variant.name} {run.seed}"
                    api.hparams(values, trial_id=hashlib.sha256(name.encode()).hexdigest())
                    for metric in _METRICS:
                        tf.summary.scalar(metric, getattr(run, metric), step=0)


def _values(variant: VariantRecord, keys: list[str]) -> dict[str, Any]:
    """Returns the settings as the dashboard takes them: numbers and texts."""
    config = variant.config
    found: dict[str, Any] = {"variant": variant.name}
    for key in keys:
        table, _, name = key.partition(".")
        value = variant.settings.get(key, _known(config, table, name))
        found[key] = value if isinstance(value, bool | int | float | str) else setting(value)
    return found


def _known(config: dict[str, Any], table: str, name: str) -> Any:
    values = config.get(table, {})
    return values.get("options", values).get(name, config.get("recipe", ""))
