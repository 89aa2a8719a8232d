"""The difference of two runs, and the paired test on rows that both answered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelwright.core.errors import RunError
from modelwright.runs.difference import compare_runs
from modelwright.runs.run import WEIGHTS
from run_folders import make_run, write_evaluation


def test_settings_data_and_scores_that_differ(tmp_path: Path) -> None:
    first = make_run(tmp_path / "a", 0.8, settings={"units": 64})
    second = make_run(tmp_path / "b", 0.9, rows="b", settings={"units": 32, "mixup": 0.4})
    report = compare_runs(first.path, second.path)
    assert set(report.settings) == {("model.units", "64", "32"), ("model.mixup", "0.0", "0.4")}
    assert ("fingerprint", "aaaaaaaaaaaa", "bbbbbbbbbbbb") in report.data
    assert "90.00 (59.58 to 98.21)" in report.render()
    assert json.loads(json.dumps(report.to_dict()))["settings"]["model.mixup"] == ["0.0", "0.4"]


def test_a_config_older_than_a_setting_does_not_differ_by_it(tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    config = second.path / "config.toml"
    config.write_text(config.read_text().replace("mixup = 0.0\n", ""))
    second.update()  # seals the changed config
    report = compare_runs(first.path, second.path)
    assert report.settings == ()
    assert "The settings of both runs are the same." in report.render()


def test_the_paired_test_is_mcnemars_from_the_first_to_the_second(tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    write_evaluation(first, [False] * 6 + [True] * 4)
    write_evaluation(second, [True] * 10)
    test = compare_runs(first.path, second.path).tests["test"]
    assert test.difference == pytest.approx(0.6)
    assert test.p == pytest.approx(2 * 0.5**6)  # six rows changed, all one way
    text = compare_runs(first.path, second.path).render()
    assert "+60.00 points" in text and "p = 0.031" in text and "b is better" in text
    back = compare_runs(second.path, first.path)
    assert back.tests["test"].difference == pytest.approx(-0.6)
    assert "b is better" in back.render()
    assert "no difference is shown" in compare_runs(first.path, first.path).render()


def test_rows_that_cannot_be_paired_are_not_tested(tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    write_evaluation(first, [True] * 10)
    report = compare_runs(first.path, second.path)
    assert not report.tests and "modelwright evaluate" in report.untested[0]
    assert str(second.path) in report.untested[0] and str(first.path) not in report.untested[0]
    write_evaluation(second, [True] * 9)
    assert "measured on different rows" in compare_runs(first.path, second.path).untested[0]
    stale = make_run(tmp_path / "c")
    write_evaluation(stale, [True] * 10, weights="others")
    assert "no evaluation of the same rows" in compare_runs(first.path, stale.path).untested[0]
    (second.path / "evaluations" / "test" / "predictions.csv").unlink()
    assert "missing or damaged" in compare_runs(first.path, second.path).untested[0]
    other = make_run(tmp_path / "d", rows="b")
    write_evaluation(other, [True] * 10, source="other.csv, test")
    assert "different rows" in compare_runs(first.path, other.path).untested[0]


def test_a_damaged_run_is_not_compared(tmp_path: Path) -> None:
    first, second = make_run(tmp_path / "a"), make_run(tmp_path / "b")
    (second.path / WEIGHTS).unlink()
    with pytest.raises(RunError, match=r"weights\.weights\.h5 is missing"):
        compare_runs(first.path, second.path)
