"""What an update says of the step after it. Nothing is learned here."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hand_made import base_model, old_rows, stored

from modelwright.core.errors import ServableError
from modelwright.runs.exports import record_export
from modelwright.servable.withdrawn import write_withdrawn
from modelwright.updating import job, lineage
from modelwright.updating.job import Job
from modelwright.updating.new_rows import NewRows
from modelwright.updating.settings import UpdateSettings
from run_folders import make_run


def test_after_a_dry_run_the_same_options_are_named() -> None:
    settings = UpdateSettings(strategy="replay", dry_run=True)
    one = Job(Path("models/reviews"), "new.csv", settings, time.monotonic(), None)
    base = cast(Any, SimpleNamespace(home=Path("models/reviews")))
    assert one._next(base, None) == "the same command without --dry-run"


def test_after_an_update_of_a_run_its_own_model_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = make_run(Path("runs/my reviews"))
    one = Job(run.path, "new.csv", UpdateSettings(), time.monotonic(), None)
    base = cast(Any, SimpleNamespace(home=run.path, source=run))
    out = Path("runs/my reviews-2")
    assert one._next(base, out) == "modelwright export 'runs/my reviews-2' 'models/my reviews'"
    version = tmp_path / "models" / "in-use" / "1"
    version.mkdir(parents=True)
    (version / "modelwright.json").write_text('{"created": "monday"}')
    record_export(run.path, version, "monday", "its weights")
    assert one._next(base, out) == "modelwright export 'runs/my reviews-2' models/in-use"


def test_an_update_with_other_old_rows_is_another_update(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "fingerprint_of", lambda base: "the same weights")
    rows = [stored(["a", "b", text], [0, 1, 0], [0, 1, 2]) for text in ("c", "d")]
    new = NewRows(stored(["e"], [0], [0]), ("neg", "pos"), "new.csv", "", 0, ())
    base, settings = base_model(tmp_path), UpdateSettings(old_data="old.csv")
    one, other = (lineage.identity(base, old_rows(old), new, settings) for old in rows)
    assert [key for key in one if one[key] != other[key]] == ["old rows"]
    assert one == lineage.identity(base, old_rows(rows[0]), new, settings)


def test_a_version_that_was_withdrawn_meanwhile_brings_no_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_model(tmp_path / "m", version=2)
    made = cast(Any, SimpleNamespace(old=None, new=None))

    def measured(*_: object) -> tuple[Any, Any]:
        write_withdrawn(tmp_path / "m", [2])
        return None, "a candidate"

    monkeypatch.setattr(Job, "read", lambda self, base: made)
    monkeypatch.setattr(Job, "measure", measured)
    monkeypatch.setattr(job, "identity", lambda *_: {})
    monkeypatch.setattr(job, "write_servable", lambda *_: pytest.fail("it was written"))
    update = Job(Path("m"), "new.csv", UpdateSettings(), time.monotonic(), None)
    with pytest.raises(ServableError, match="withdrawn while it was being updated"):
        update.run(base, None)
