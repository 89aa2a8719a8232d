"""Deleting runs: what is refused, what is asked, and that nothing else is deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.core.errors import RunError
from modelwright.runs.exports import record_export
from modelwright.runs.lock import lock_run
from modelwright.runs.removal import plan_removal, remove_runs
from run_folders import make_run

Cli = Callable[..., tuple[int, str, str]]


def test_only_the_run_is_deleted_and_links_in_it_are_not_followed(tmp_path: Path) -> None:
    run, other = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").touch()
    (run.path / "link").symlink_to(outside)
    report = remove_runs(plan_removal([run.path, run.path]))
    assert report.deleted and len(report.runs) == 1
    assert report.foreign == (("link",),)
    assert not run.path.exists()
    assert (outside / "kept").exists() and (other.path / "run.json").exists()


def test_what_is_not_a_run_is_refused_and_then_nothing_is_deleted(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "a")
    (tmp_path / "photos").mkdir()
    (tmp_path / "link").symlink_to(run.path)
    nested = make_run(tmp_path / "outer")
    make_run(nested.path / "inner")
    for path, message in (
        (tmp_path / "runs", "is a folder of runs"),
        (tmp_path / "photos", "is not a run"),
        (tmp_path / "nothing", "does not exist"),
        (tmp_path / "link", "is a link to"),
        (nested.path, "holds another run"),
    ):
        with pytest.raises(RunError, match=message):
            plan_removal([run.path, path])
    assert (run.path / "run.json").exists()


def test_a_run_that_is_being_trained_stays(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", status="running")
    plan = plan_removal([run.path])
    with lock_run(run.path):
        with pytest.raises(RunError, match="is being trained"):
            plan_removal([run.path])
        with pytest.raises(RunError, match="is being trained"):
            remove_runs(plan)
    assert run.path.exists()


def test_the_current_folder_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path / "a")
    monkeypatch.chdir(run.path)
    with pytest.raises(RunError, match="holds the current folder"):
        plan_removal([run.path])


def test_a_damaged_run_can_be_deleted(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    (run.path / "run.json").write_text("{")
    (run.path / "config.toml").unlink()
    assert remove_runs(plan_removal([run.path])).deleted
    assert not run.path.exists()


def test_the_command_asks_and_tells_of_servables(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(tmp_path / "a")
    (tmp_path / "m" / "1").mkdir(parents=True)
    record_export(run.path, tmp_path / "m" / "1", "monday", "")
    code, _, err = cli("runs", "rm", run.path)
    assert code == 2 and "add --yes" in err and run.path.exists()
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    code, out, err = cli("runs", "rm", run.path)
    assert (code, out) == (1, "") and "to be deleted" in err and run.path.exists()
    assert "m/1: servables stay and work without the run" in err.replace("\n", " ")
    monkeypatch.setattr("typer.confirm", lambda *_, **__: True)
    code, out, _ = cli("runs", "rm", run.path)
    assert code == 0 and out.startswith("deleted") and not run.path.exists()
    other = make_run(tmp_path / "b")
    code, out, _ = cli("runs", "rm", other.path, "--yes", "--json")
    assert json.loads(out)["deleted"] and not other.path.exists()
