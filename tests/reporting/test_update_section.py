"""How an update made a version, on its page: lineage, gate, candidates, and the command."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import modelwright
from kept_runs import EVIL, evaluate_kept_run, export_kept_run, make_kept_run, write_reviews
from modelwright.core.files import sha256_file
from modelwright.runs.exports import record_export
from modelwright.runs.run import WEIGHTS, Run
from modelwright.servable.manifest import read_manifest
from modelwright.updating.gate import Change, Verdict
from modelwright.updating.report import Tried, UpdateReport

OLD = Change(369, 0.9059, 0.9034, (-0.0207, 0.0161), 0.975, {0: (0.8924, 0.8903, 0.01)})
NEW = Change(740, 0.6438, 0.8876, (0.2075, 0.2807), 0.975)
LINEAGE: dict[str, Any] = {
    "parent": 1,
    "version": None,
    "ancestors": [1],
    "strategy": "replay",
    "seed": 3,
    "update": "cc6892f9bb7f62bc",
    "settings": {"memory": 2000, "max_drop": 1.5, "max_class_drop": 3.0},
    "labels": {"before": 2, "after": 3},
    "tokens": {"before": 4054, "after": 4054},
    "data": {"source": "new hotels.csv", "rows": 1587},
    "fingerprints": {"parent": "p" * 64, "new": "n" * 64, "old": "o" * 64},
    "gate": {"old": OLD.to_dict(), "new": NEW.to_dict(), "candidates": 2},
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The run of the second version of a model, in the model's memory."""
    monkeypatch.chdir(tmp_path)
    folder = Path("models/reviews/.memory/updates/2")
    return make_kept_run(folder, write_reviews(Path("reviews.csv")))


def version(run: Run, **changes: Any) -> Path:
    """Exports the version with its lineage."""
    folder = export_kept_run(run, Path("models/reviews/2"))
    file = folder / "modelwright.json"
    manifest = json.loads(file.read_text("utf-8"))
    file.write_text(json.dumps({**manifest, "lineage": {**LINEAGE, **changes}}), "utf-8")
    return folder


def keep_run(run: Run, folder: Path) -> None:
    """Records the export, and the report of the update."""
    record_export(run.path, folder, read_manifest(folder).created, sha256_file(run.path / WEIGHTS))
    candidates = (
        Tried("counts", None, f"it failed: {EVIL}"),
        Tried("replay", Verdict(OLD, NEW, ()), "", 7.2),
    )
    report = UpdateReport(
        Path("models/reviews"), "new hotels.csv", 1, True, True, 2, folder, "replay",
        "new rows win", OLD, NEW, candidates, ("neg", "pos"), 9.0, ("old rows from books.csv",),
    )  # fmt: skip
    (run.path / "update.json").write_text(json.dumps(report.to_dict()), "utf-8")


def page(place: Path, lang: str = "en") -> str:
    return modelwright.report(place, "page.html", lang, force=True).file.read_text("utf-8")


def shown(content: str, section: str = "update") -> str:
    found = re.search(rf'<section id="{section}".*?</section>', content, re.DOTALL)
    assert found, section
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


def test_the_lineage_of_a_version_and_its_gate(run: Run) -> None:
    content = page(version(run))
    update = shown(content)
    assert "made from sentiment/1" in update and "strategy replay" in update
    assert "labels 2 before, 3 after tokens 4,054" in update and "p" * 64 in update
    assert "old rows 369 0.9059 0.9034 -0.25 -2.07 to +1.61 97.5 %" in update
    assert "new rows 740 0.6438 0.8876 +24.38 +20.75 to +28.07 97.5 %" in update
    assert "at most 1.5 points" in update and "2 strategies were judged" in update
    assert "The report of the update is not here" in update
    repeating = shown(content, "repeating")
    command = "modelwright update models/reviews/1 --data &#x27;new hotels.csv&#x27; --strategy"
    assert f"{command} replay --seed 3 --memory 2000 --max-drop 1.5" in repeating
    assert "modelwright train" not in repeating
    chinese = shown(page(Path("models/reviews"), "zh"))
    assert "门控" in chinese and "上一版本 sentiment/1" in chinese
    assert not re.search(r"[a-z]{4,} [a-z]{3,}", chinese)


def test_the_run_in_the_memory_gives_the_figures_and_the_candidates(run: Run) -> None:
    folder = version(run)
    evaluate_kept_run(run)
    keep_run(run, folder)
    written = modelwright.report(folder, "page.html")
    assert not any("is not here" in line for line in written.missing)
    content = page(folder)
    assert 'id="calibration"' in content and "majority class" in shown(content, "figures")
    update = shown(content)
    assert "replay 0.9034 -0.25 -2.07 to +1.61 0.8876 +24.38 +20.75 to +28.07 7.2 taken" in update
    assert "counts — — — — — — 0.0 it failed" in update
    assert "neg 0.8924 0.8903 -0.21" in update
    assert "new rows win old rows from books.csv" in update
    assert EVIL not in content
    (run.path / "update.json").write_text("{")
    assert "update.json: Expecting property name" in shown(page(folder))


def test_a_damaged_lineage_is_a_sentence_on_the_page(run: Run) -> None:
    content = page(version(run, gate={"old": {"rows": EVIL}}))
    assert "The lineage is damaged: lineage.gate.old.rows" in shown(content)
    assert "no command can be given" in shown(content, "repeating")
    assert EVIL not in content


def test_an_update_of_a_run_and_a_version_that_was_trained(run: Run) -> None:
    content = page(version(run, version=2, parent=1))
    assert "made from an earlier run, number 1 of its line" in shown(content)
    assert "modelwright update RUN --data" in shown(content, "repeating")
    assert "in place of RUN" in shown(content, "repeating")
    trained = page(export_kept_run(run, Path("models/reviews/3")))
    assert 'id="update"' not in trained and "modelwright train" in shown(trained, "repeating")
