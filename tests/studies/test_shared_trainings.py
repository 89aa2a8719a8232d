"""Variants that differ only in how they are measured share their trainings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import modelwright


@pytest.mark.parametrize("keep", ["runs", "results"])
def test_two_variants_that_differ_in_how_they_are_measured_are_trained_once(
    study: dict[str, Any], tmp_path: Path, keep: str
) -> None:
    steps: list[str] = []
    variants = [
        {"name": "plain", "set": {"model.augment": "flip"}},
        {"name": "augmented", "after": "plain", "tta": True, "claimed": 90},
    ]
    report = modelwright.compare(
        {**study, "variants": variants, "seeds": [0], "keep": keep},
        out=tmp_path / "study",
        progress=lambda what, done, total: steps.append(what),
    )
    assert report.status == "finished", report.failures
    assert not [what for what in steps if what.startswith("epoch") and "augmented" in what]
    plain, augmented = report.variants
    assert plain.runs[0].train_accuracy == augmented.runs[0].train_accuracy
    assert (plain.tta, augmented.tta) == (False, True)
    names = {path.name for path in (tmp_path / "study" / "results").iterdir()}
    assert names == {"plain-seed-0.test.json", "augmented-seed-0.test-tta.json"}
    runs_left = [path.name for path in (tmp_path / "study" / "runs").iterdir()]
    assert runs_left == (["plain-seed-0"] if keep == "runs" else [])
    page = (tmp_path / "study" / "study.md").read_text("utf-8")
    assert "- measured with test-time augmentation: augmented" in page
    assert report.comparisons[0].over_rows is not None
