"""The strategies of the package on a small stream of classes: what keeps rows forgets less."""

from __future__ import annotations

from pathlib import Path

import pytest

import modelwright
from sample_data import write_images


@pytest.mark.slow
def test_kept_rows_keep_the_classes_that_going_on_alone_forgets(tmp_path: Path) -> None:
    study = {
        "name": "colors",
        "data": {"source": str(write_images(tmp_path / "x", 40, side=8)), "test": 0.3, "val": 0},
        "model": {"recipe": "cnn-tutorial", "filters": [8], "units": 16},
        "train": {"epochs": 12, "batch_size": 8, "learning_rate": 0.01, "precision": "float32"},
        "stream": {"classes": 2, "orders": [["red", "blue", "green"]], "seeds": [0],
                   "strategies": ["naive", "replay", "der", "closed-form", "joint", "counts"],
                   "keep": 10, "rate": 0.01},
    }  # fmt: skip
    report = modelwright.stream(study, out=tmp_path / "study")
    assert report.status == "finished", report.failures
    assert any(note.startswith("counts is left out") for note in report.notes)
    found = {one.name: one for one in report.strategies}
    naive = found.pop("naive")
    assert naive.decay is not None
    assert naive.decay.value > 0.3
    assert set(found) == {"replay", "der", "closed-form", "joint"}
    for one in found.values():
        assert one.average is not None
        assert one.less_decay is not None
        assert one.average.value > 0.9
        assert one.less_decay.value > 0.8
    assert found["replay"].rows_kept == found["der"].rows_kept == 10
    assert found["joint"].share_kept == 1
