"""A study by a runner: the same results in any order, failures, interruption, what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tomli_w

import modelwright
from modelwright.core.errors import ConfigError
from modelwright.trials.trial_result import read_trial_result
from small_trials import InProcessRunner

Cli = Callable[..., tuple[int, str, str]]


def stable(folder: Path) -> dict[str, Any]:
    """What a study found, without times and places."""
    record: dict[str, Any] = json.loads((folder / "study.json").read_text("utf-8"))
    for variant in record["variants"]:
        del variant["minutes"]
        for run in variant["runs"]:
            del run["minutes"]
    return {key: value for key, value in record.items() if key not in ("folder", "command")}


def test_a_runner_finds_what_this_process_finds(study: dict[str, Any], tmp_path: Path) -> None:
    modelwright.compare(study, out=tmp_path / "here")
    runner, steps = InProcessRunner(), list[tuple[str, int, int]]()
    report = modelwright.compare(
        study,
        out=tmp_path / "there",
        runner=runner,
        progress=lambda what, done, total: steps.append((what, done, total)),
    )
    assert report.status == "finished"
    assert stable(tmp_path / "there") == stable(tmp_path / "here")
    assert runner.together[0] == [("base", 0), ("宽 网络", 0)]
    assert len(runner.answers) == 8 and all(go_on for _, go_on in runner.answers)
    assert runner.closed == 0, "the caller closes the runner"
    shown = [step for step in steps if "of 4" in step[0]]
    assert shown[0] == ("0 of 4  starting  [base, seed 0]", 0, 4)
    assert shown[-1][1:] == (4, 4)
    assert any("epoch 1  accuracy" in what and "[宽 网络, seed 1]" in what for what, *_ in shown)
    # Nothing is left to do for the runner.
    modelwright.compare(study, out=tmp_path / "there", runner=runner)
    assert len(runner.together) == 4


def test_a_crash_and_an_interrupt_leave_a_study_that_goes_on(
    study: dict[str, Any], tmp_path: Path
) -> None:
    first = InProcessRunner()
    first.interrupt_after = 2
    report = modelwright.compare(study, out=tmp_path, runner=first)
    assert report.status == "stopped"
    assert len(report.missing) == 2
    assert first.closed == 1, "no training goes on after the study has stopped"
    second = InProcessRunner()
    second.crash = "宽 网络"
    report = modelwright.compare(study, out=tmp_path, runner=second)
    assert report.status == "failed"
    lost = [(one.variant, one.error) for one in report.failures]
    assert lost == [("宽 网络", "its process was killed (SIGKILL)")]
    seed = report.failures[0].seed
    result = read_trial_result(tmp_path / "results" / f"宽-网络-seed-{seed}.test.json")
    assert result is not None and result.error == "its process was killed (SIGKILL)"
    assert result.fingerprint == report.data.fingerprint
    third = InProcessRunner()
    assert modelwright.compare(study, out=tmp_path, runner=third).status == "finished"
    assert third.together == [[("宽 网络", seed)]]


@pytest.mark.parametrize("keep", ["runs", "results"])
def test_trials_that_share_a_run_follow_each_other(
    study: dict[str, Any], tmp_path: Path, keep: str
) -> None:
    model = {"recipe": "cnn-tutorial", "filters": [4], "units": 4, "augment": "flip"}
    shared = {
        **study,
        "keep": keep,
        "seeds": [0],
        "base": {**study["base"], "model": model},
        "variants": [{"name": "plain"}, {"name": "augmented", "tta": True}],
    }
    runner = InProcessRunner()
    assert modelwright.compare(shared, out=tmp_path, runner=runner).status == "finished"
    assert runner.together == [[("plain", 0)], [("augmented", 0)]]
    assert len(runner.answers) == 2, "the run is trained once"
    assert len(list((tmp_path / "runs").iterdir())) == (1 if keep == "runs" else 0)


def test_what_cannot_be_a_runner_is_refused(
    study: dict[str, Any], tmp_path: Path, cli: Cli
) -> None:
    with pytest.raises(ConfigError, match="workers=2 was given with a runner that has 2"):
        modelwright.compare(study, out=tmp_path / "out", runner=InProcessRunner(), workers=2)
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
