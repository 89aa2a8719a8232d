"""After an update, users' rows are read as at the first training, by every command."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hand_made import base_model

from modelwright.api.drift_rows import read_new_rows
from modelwright.core.config import DataConfig
from modelwright.runs.run import Run
from modelwright.scoring.predict_file import _open
from modelwright.servable.manifest import FORMAT, Manifest
from modelwright.training.evaluate import _other_rows
from modelwright.updating.composed_data import composed_config
from modelwright.updating.read_source import reading_config
from sample_data import sentences, write_csv


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Rows with the unusual columns and labels of the training."""
    rows = [(text, {"pos": "5", "neg": "1"}[label]) for text, label in sentences(60)]
    return write_csv(tmp_path / "rows.csv", rows, ("正文", "星"))


@pytest.fixture
def updated(tmp_path: Path) -> SimpleNamespace:
    """The settings and the lineage of an updated version whose training named its columns."""
    first = DataConfig(source="t.csv", text="正文", label="星", labels={"5": "pos", "1": "neg"})
    base = base_model(tmp_path)
    base = replace(base, config=base.config.model_copy(update={"data": first}))
    composed = composed_config(".memory/updates/2/rows.parquet", first, "text", None)
    return SimpleNamespace(
        config=base.config.model_copy(update={"data": composed}),
        lineage={"reading": reading_config(base, "", {}).model_dump(mode="json")},
    )


def manifest_of(updated: SimpleNamespace) -> Manifest:
    empty: dict[str, Any] = {}
    return Manifest(
        format=FORMAT,
        name="made",
        version=2,
        created="",
        task="text",
        labels=("neg", "pos"),
        shape=None,
        tta=False,
        tolerance=0.0,
        engines=empty,
        config=updated.config.model_dump(mode="json"),
        data=empty,
        metrics=empty,
        versions=empty,
        files=empty,
        lineage=updated.lineage,
    )


def test_a_servable_reads_the_columns_and_labels_of_the_first_training(
    updated: SimpleNamespace, table: Path, tmp_path: Path
) -> None:
    manifest = manifest_of(updated)
    rows = read_new_rows(str(table), manifest, 60, 0)
    assert rows.labels == tuple(label for _, label in sentences(60))
    assert _open(table, manifest, {}, tmp_path / "out.csv").choice.name == "正文"


def test_a_run_reads_the_columns_and_labels_of_the_first_training(
    updated: SimpleNamespace, table: Path, tmp_path: Path
) -> None:
    run = Run(tmp_path, updated.config, "text", ("neg", "pos"), None, {}, lineage=updated.lineage)
    rows, _ = _other_rows(run, table, None, None)
    assert len(rows.split) == 60
