"""Writes a study for the HParams dashboard of TensorBoard: settings and figures of each training.

``tensorboard --logdir studies/NAME`` then compares the variants.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from modelwright.studies.study_record import StudyRecord, VariantRecord
from modelwright.trials.hparams import HParamsTrial, write_hparams

_METRICS = ("accuracy", "macro_f1", "calibration_error", "train_accuracy", "minutes")


def log_study(study: StudyRecord, folder: Path) -> None:
    """Replaces the log of a study. Variants that turn TensorBoard off are left out.

    Args:
        study: the study with the trainings that have finished.
        folder: its folder.

    Raises:
        OSError: the log cannot be written.
    """
    logged = [one for one in study.variants if one.config.get("train", {}).get("tensorboard", True)]
    keys = sorted({key for one in logged for key in one.settings})
    trials = [
        HParamsTrial(
            f"{number:02}-seed-{run.seed}",
            f"{study.name} {variant.name} {run.seed}",
            {**_values(variant, keys), "seed": run.seed},
            {metric: getattr(run, metric) for metric in _METRICS},
        )
        for number, variant in enumerate(logged)
        for run in variant.runs
    ]
    write_hparams(folder, trials, settings=("variant", *keys, "seed"), figures=_METRICS)


def _values(variant: VariantRecord, keys: list[str]) -> dict[str, Any]:
    """Returns the settings of a variant; those of its config where it names none of its own."""
    config = variant.config
    found: dict[str, Any] = {"variant": variant.name}
    for key in keys:
        table, _, name = key.partition(".")
        found[key] = variant.settings.get(key, _known(config, table, name))
    return found


def _known(config: dict[str, Any], table: str, name: str) -> Any:
    values = config.get(table, {})
    return values.get("options", values).get(name, config.get("recipe", ""))
