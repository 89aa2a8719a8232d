"""The list of runs: what is ranked against what, what is damaged, where servables are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.core.errors import RunError
from modelwright.runs.details import show_run
from modelwright.runs.exports import record_export
from modelwright.runs.listing import list_runs
from modelwright.runs.lock import lock_run
from modelwright.runs.run import WEIGHTS
from modelwright.runs.summary import summarize_run
from run_folders import make_run, write_evaluation

Cli = Callable[..., tuple[int, str, str]]


def names(folder: Path) -> list[list[str]]:
    return [[one.path.name for one in group] for group in list_runs(folder).groups]


def test_runs_are_ranked_only_against_runs_on_the_same_rows(tmp_path: Path) -> None:
    for name, val, rows in (("low", 0.6, "a"), ("high", 0.9, "a"), ("other", 0.99, "b")):
        make_run(tmp_path / name, val, rows=rows)
    make_run(tmp_path / "begun", status="running")
    assert names(tmp_path) == [["high", "low", "begun"], ["other"]]
    text = list_runs(tmp_path).render()
    assert "90.00 (59.58 to 98.21)" in text
    assert "ranked only against runs on the same rows" in text
    assert "rows.csv has 2 tables" in text and "fingerprint aaaaaaaaaaaa" in text
    assert "interrupted, epoch 0 of 40" in text


def test_without_validation_rows_the_test_accuracy_ranks(tmp_path: Path) -> None:
    for name, right in (("worse", 4), ("better", 8)):
        run = make_run(tmp_path / name, None)
        write_evaluation(run, [n < right for n in range(10)])
    make_run(tmp_path / "a-third", None)
    assert names(tmp_path) == [["better", "worse", "a-third"]]
    assert "80.00 (49.02 to 94.33)" in list_runs(tmp_path).render()


def test_damaged_folders_are_listed_with_their_problem(tmp_path: Path) -> None:
    make_run(tmp_path / "good")
    changed = make_run(tmp_path / "changed")
    (changed.path / WEIGHTS).write_bytes(b"other")
    (make_run(tmp_path / "cut").path / "run.json").write_text('{"format": 1, "sta')
    (make_run(tmp_path / "half").path / "run.json").unlink()
    odd = make_run(tmp_path / "odd").path / "run.json"
    odd.write_text(json.dumps({**json.loads(odd.read_text()), "data": None}))
    (tmp_path / "notes").mkdir()
    report = list_runs(tmp_path)
    assert names(tmp_path) == [["good"]]
    assert [one.path.name for one in report.damaged] == ["changed", "cut", "half", "odd"]
    assert "weights.weights.h5 has changed" in report.damaged[0].problem
    assert "changed" in report.render()
    assert json.loads(json.dumps(report.to_dict()))["damaged"][3]["status"] == "damaged"
    assert "It cannot be used" in show_run(tmp_path / "cut").render()


def test_links_are_not_followed_and_folders_in_folders_are_found(tmp_path: Path) -> None:
    make_run(tmp_path / "runs" / "2026" / "may" / "a")
    elsewhere = make_run(tmp_path / "elsewhere")
    (tmp_path / "runs" / "link").symlink_to(elsewhere.path)
    report = list_runs(tmp_path / "runs")
    assert names(tmp_path / "runs") == [["a"]]
    assert "1 linked folder was not followed." in report.render()


def test_a_run_that_a_process_trains_is_told_from_an_interrupted_one(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a", status="running")
    (run.path / "history.csv").write_text("epoch,loss\n1,0.5\n2,0.4\n")
    assert summarize_run(run.path).status == "interrupted"
    with lock_run(run.path):
        assert summarize_run(run.path).describe_status() == "training, epoch 2 of 40 done"
        with (
            pytest.raises(RunError, match="is being trained by another process"),
            lock_run(run.path),
        ):
            pass
    assert summarize_run(run.path).status == "interrupted"


def write_servable(folder: Path, created: str) -> Path:
    folder.mkdir(parents=True)
    (folder / "modelwright.json").write_text(json.dumps({"created": created, "metrics": {}}))
    return folder


def test_an_export_is_found_where_it_is_today(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "a")
    weights = json.loads((run.path / "run.json").read_text())["files"][WEIGHTS]
    version = write_servable(tmp_path / "models" / "m" / "1", "monday")
    record_export(run.path, version, "monday", weights)
    [state] = summarize_run(run.path).exports
    assert (state.state, state.path, state.current) == ("there", version, True)
    # The run moves and the servable stays; both move; the servable is deleted; it is replaced.
    moved = tmp_path / "archive" / "a"
    shutil.copytree(run.path, moved)
    assert summarize_run(moved).exports[0].state == "there"
    both = tmp_path / "disk"
    shutil.copytree(tmp_path / "runs", both / "runs")
    (tmp_path / "models").rename(both / "models")
    [state] = summarize_run(both / "runs" / "a").exports
    assert (state.state, state.path) == ("moved", both / "models" / "m" / "1")
    [state] = summarize_run(run.path).exports
    assert state.describe().endswith("models/m/1 (not there any more)")
    write_servable(version, "tuesday")
    record_export(run.path, version, "friday", "older weights")
    said = [one.describe() for one in summarize_run(run.path).exports]
    assert said[0].endswith("(another export is there now)")
    assert said[1].endswith("(another export is there now, of earlier weights)")


def test_an_export_without_a_record_is_found_by_its_metrics(tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "a")
    version = write_servable(tmp_path / "models" / "m" / "1", "monday")
    manifest = {"created": "monday", "metrics": {"training": dict(run.metrics)}}
    (version / "modelwright.json").write_text(json.dumps(manifest))
    [group] = list_runs(tmp_path / "runs").groups
    assert [one.path for one in group[0].exports] == [version.resolve()]


def test_an_evaluation_of_earlier_weights_is_marked(tmp_path: Path) -> None:
    run = make_run(tmp_path / "a")
    write_evaluation(run, [True] * 10, weights="others")
    write_evaluation(run, [True] * 10, "val")
    (run.path / "evaluations" / "broken").mkdir()
    (run.path / "evaluations" / "broken" / "evaluation.json").write_text("{")
    text = show_run(run.path).render()
    assert "100.00 (72.25 to 100.00), of earlier weights" in text
    assert "modelwright evaluate" in text and "broken" not in text


def test_the_commands_list_and_show(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_run(tmp_path / "runs" / "a", settings={"rotation": 0.1})
    monkeypatch.chdir(tmp_path)
    for words in (("runs",), ("runs", "runs"), ("runs", "list")):
        code, out, _ = cli(*words)
        assert code == 0 and "runs/a" in out and "80.00" in out and "not evaluated" in out
    assert json.loads(cli("runs", "--json")[1])["groups"][0]["runs"][0]["recipe"] == "cnn"
    code, out, _ = cli("runs", "show", "runs/a")
    assert code == 0 and "model.rotation" in out and "modelwright evaluate runs/a" in out
    (tmp_path / "empty").mkdir()
    assert "empty holds no runs" in cli("runs", "empty")[1]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("runs",), 4, "the folder of runs runs does not exist"),
        (("runs", "shwo", "a"), 2, "Did you mean 'show'?"),
        (("runs", "one/a"), 4, "is one run, not a folder of runs; modelwright runs show one/a"),
        (("runs", "show", "one/b"), 4, "one/b does not exist"),
        (("runs", "show", "one"), 4, "one is a folder of runs"),
        (("runs", "show", "models/m"), 4, "is a servable, not a run"),
        (("runs", "models"), 4, "models is a folder of models, not a run"),
        (("runs", "diff", "one/a", "models/m/1"), 4, "is a servable, not a run"),
    ],
)
def test_mistakes_say_what_is_there(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], code: int,
    message: str,
) -> None:  # fmt: skip
    make_run(tmp_path / "one" / "a")
    write_servable(tmp_path / "models" / "m" / "1", "monday")
    monkeypatch.chdir(tmp_path)
    found, out, err = cli(*words)
    assert (found, out) == (code, "")
    assert message in " ".join(err.replace("│", " ").split())
