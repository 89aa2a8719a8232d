"""A study by a runner: its order, failures, interruption, shared runs, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

import modelwright
from modelwright.core.errors import ConfigError
from modelwright.core.types import Dataset
from modelwright.data.load import load_data
from modelwright.studies.plan_file import read_study_plan
from modelwright.trials.trial_result import read_trial_result
from small_trials import InstantRunner

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def data(study: dict[str, Any]) -> Dataset:
    plan = read_study_plan(study)
    return load_data(plan.variants[0].config(plan.name, 0).data)


def stable(folder: Path) -> dict[str, Any]:
    """What a study found, without times and places."""
    text = (folder / "study.json").read_text("utf-8")
    record: dict[str, Any] = json.loads(text.replace(str(folder), "FOLDER"))
    for variant in record["variants"]:
        del variant["minutes"]
        for run in variant["runs"]:
            del run["minutes"]
    return {key: value for key, value in record.items() if key != "command"}


def test_the_order_in_which_trainings_end_changes_nothing(
    study: dict[str, Any], data: Dataset, tmp_path: Path
) -> None:
    one, two = InstantRunner(data, slots=1), InstantRunner(data)
    steps: list[tuple[str, int, int]] = []
    modelwright.compare(study, out=tmp_path / "one", runner=one)
    report = modelwright.compare(
        study,
        out=tmp_path / "two",
        runner=two,
        progress=lambda what, done, total: steps.append((what, done, total)),
    )
    assert report.status == "finished"
    assert two.together[0] == [("base", 0), ("宽 网络", 0)]
    assert stable(tmp_path / "one") == stable(tmp_path / "two")
    assert [run.accuracy for run in report.variants[1].runs] == [0.5, 0.625]
    assert len(two.answers) == 4
    assert two.closed == 0, "the caller closes the runner"
    shown = [step for step in steps if "of 4" in step[0]]
    assert shown[0] == ("0 of 4  starting  [base, seed 0]", 0, 4)
    assert ("0 of 4  epoch 1  accuracy 0.2500  [宽 网络, seed 0]", 0, 4) in shown
    assert shown[-1][1:] == (4, 4)
    # Nothing is left to do for a runner.
    again = InstantRunner(data)
    modelwright.compare(study, out=tmp_path / "two", runner=again)
    assert not again.together


def test_a_crash_and_an_interrupt_leave_a_study_that_goes_on(
    study: dict[str, Any], data: Dataset, tmp_path: Path
) -> None:
    first = InstantRunner(data)
    first.interrupt_after = 2
    report = modelwright.compare(study, out=tmp_path, runner=first)
    assert report.status == "stopped"
    assert len(report.missing) == 2
    assert first.closed == 1, "no training goes on after the study has stopped"
    second = InstantRunner(data)
    second.crash = "base"
    report = modelwright.compare(study, out=tmp_path, runner=second)
    assert report.status == "failed"
    lost = [(one.variant, one.error) for one in report.failures]
    assert lost == [("base", "its process was killed (SIGKILL)")]
    seed = report.failures[0].seed
    result = read_trial_result(tmp_path / "results" / f"base-seed-{seed}.test.json")
    assert result is not None and result.error == "its process was killed (SIGKILL)"
    assert result.fingerprint == data.fingerprint
    third = InstantRunner(data)
    assert modelwright.compare(study, out=tmp_path, runner=third).status == "finished"
    assert third.together == [[("base", seed)]]


@pytest.mark.parametrize("keep", ["runs", "results"])
def test_trials_that_share_a_run_follow_each_other(
    study: dict[str, Any], data: Dataset, tmp_path: Path, keep: str
) -> None:
    model = {"recipe": "cnn-tutorial", "filters": [4], "units": 4, "augment": "flip"}
    shared = {
        **study,
        "keep": keep,
        "seeds": [0],
        "base": {**study["base"], "model": model},
        "variants": [{"name": "plain"}, {"name": "augmented", "tta": True}],
    }
    runner = InstantRunner(data)
    assert modelwright.compare(shared, out=tmp_path, runner=runner).status == "finished"
    assert runner.together == [[("plain", 0)], [("augmented", 0)]]
    assert len(list((tmp_path / "runs").iterdir())) == (1 if keep == "runs" else 0)


def test_what_cannot_be_a_runner_is_refused(
    study: dict[str, Any], data: Dataset, tmp_path: Path, cli: Cli
) -> None:
    with pytest.raises(ConfigError, match="workers=2 was given with a runner that has 2"):
        modelwright.compare(study, out=tmp_path / "out", runner=InstantRunner(data), workers=2)
    file = tmp_path / "study.toml"
    file.write_text(tomli_w.dumps(study), encoding="utf-8")
    code, _, error = cli("compare", file, "--out", tmp_path / "out", "--runner", "rey")
    assert code == 2
    assert "there is no runner 'rey'" in error and "'ray'" in error
    code, _, error = cli("compare", file, "--workers", "0")
    assert code == 2 and "--workers" in error
    code, _, error = cli("reproduce", "--list", "--workers", "2")
    assert code == 2
    assert "--list and --page train nothing" in error
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_processes_find_what_this_process_finds(
    study: dict[str, Any], tmp_path: Path, cli: Cli
) -> None:
    modelwright.compare(study, out=tmp_path / "here")
    file = tmp_path / "study.toml"
    file.write_text(tomli_w.dumps(study), encoding="utf-8")
    code, out, _ = cli("compare", file, "--out", tmp_path / "there", "--workers", 2, "--json")
    assert code == 0
    assert json.loads(out)["status"] == "finished"
    assert stable(tmp_path / "there") == stable(tmp_path / "here")
