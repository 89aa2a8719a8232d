"""The log of a study for the HParams dashboard of TensorBoard, read back as TensorBoard does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorboard.plugins.hparams import plugin_data_pb2

from modelwright.studies.hparams_log import log_study
from study_records import run_json, study_record, variant_json

CONFIG = {
    "recipe": "cnn",
    "train": {"epochs": 3},
    "model": {"builder": "cnn", "options": {"units": 8}},
}


def values(folder: Path) -> dict[str, Any]:
    """The tags of a log, with their tensors or the plugin's data."""
    found: dict[str, Any] = {}
    for file in sorted(folder.glob("events.*")):
        for event in tf.compat.v1.train.summary_iterator(str(file)):
            for value in event.summary.value:
                found[value.tag] = value
    return found


def settings(folder: Path) -> dict[str, Any]:
    data = plugin_data_pb2.HParamsPluginData.FromString(
        values(folder)["_hparams_/session_start_info"].metadata.plugin_data.content
    )
    return {
        key: getattr(value, str(value.WhichOneof("kind")))
        for key, value in data.session_start_info.hparams.items()
    }


def test_each_training_has_its_settings_and_figures(tmp_path: Path) -> None:
    more = variant_json("b/ü", 0.9, config=CONFIG, settings={"train.epochs": 9, "model.units": [4]})
    study = study_record(variant_json("a", 0.85, config=CONFIG), more, variant_json("c", None))
    log_study(study, tmp_path)
    place = tmp_path / "tensorboard"
    assert sorted(one.name for one in place.iterdir() if one.is_dir()) == [
        "00-seed-0", "00-seed-1", "01-seed-0", "01-seed-1",
    ]  # fmt: skip
    assert settings(place / "00-seed-1") == {
        "variant": "a", "train.epochs": 3.0, "model.units": 8.0, "seed": 1.0,
    }  # fmt: skip
    assert settings(place / "01-seed-0") == {
        "variant": "b/ü", "train.epochs": 9.0, "model.units": "[4]", "seed": 0.0,
    }  # fmt: skip
    accuracy = tf.make_ndarray(values(place / "00-seed-0")["accuracy"].tensor)
    assert accuracy == pytest.approx(run_json(0)["accuracy"])
    assert "_hparams_/experiment" in values(place)


def test_a_log_is_replaced_and_can_be_turned_off(tmp_path: Path) -> None:
    one = variant_json("a", 0.85, config=CONFIG)
    log_study(study_record(one, variant_json("b", 0.8, config=CONFIG)), tmp_path)
    log_study(study_record(one), tmp_path)
    assert not (tmp_path / "tensorboard/01-seed-0").exists()
    (file,) = (tmp_path / "tensorboard/00-seed-0").glob("events.*")
    off = variant_json("a", 0.85, config={**CONFIG, "train": {"tensorboard": False}})
    log_study(study_record(off), tmp_path)
    assert not file.exists()
    log_study(study_record(variant_json("a", None)), tmp_path / "new")
    assert not (tmp_path / "new").exists()
