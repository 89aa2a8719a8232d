"""Studies on small images: their files, interruption, refused changes, and failures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

import modelwright
from modelwright.core.config import Config
from modelwright.core.errors import ConfigError, DataError, RunError
from modelwright.core.statistics import holm_correction
from modelwright.runs.run import load_run
from modelwright.trials import run_trial as trials
from modelwright.trials.trial_result import read_trial_result
from sample_data import write_images

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def whole(study: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's folder, finished. Tests do not change it."""
    folder = tmp_path_factory.mktemp("studies") / "colours"
    assert modelwright.compare(study, out=folder).status == "finished"
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "study")


def fresh(what: str, done: int, total: int) -> None:
    raise AssertionError(f"nothing was left to do, but: {what}")


def load(folder: Path) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((folder / "study.json").read_text("utf-8"))
    return record


def test_the_numbers_are_those_of_the_runs(whole: Path, study: dict[str, Any]) -> None:
    found = load(whole)
    assert found["status"] == "finished"
    assert [variant["name"] for variant in found["variants"]] == ["base", "宽 网络"]
    shares: dict[str, list[float]] = {}
    for variant in found["variants"]:
        for run in variant["runs"]:
            path = whole / "runs" / f"{variant['name'].replace(' ', '-')}-seed-{run['seed']}"
            measured = json.loads((path / "evaluations/test/evaluation.json").read_text("utf-8"))
            assert run["accuracy"] == measured["accuracy"]
            assert run["train_accuracy"] == measured["train_accuracy"]
            assert load_run(path).config.train.seed == run["seed"]
            assert load_run(path).data["fingerprint"] == found["data"]["fingerprint"]
            shares.setdefault(variant["name"], []).append(measured["accuracy"])
        assert variant["accuracy"]["value"] == pytest.approx(np.mean(shares[variant["name"]]))
        assert variant["parameters"] == load_run(path).metrics["parameters"]
    assert found["variants"][0]["claimed"] == 0.9
    [comparison] = found["comparisons"]
    assert comparison["difference"] == pytest.approx(
        np.mean(shares["宽 网络"]) - np.mean(shares["base"])
    )
    assert comparison["over_rows"]["difference"] == pytest.approx(comparison["difference"])
    assert found["data"]["rows"]["test"] == found["variants"][0]["runs"][0]["rows"]
    assert found["machines"][0]["versions"]["tensorflow"]
    assert found["variants"][1]["command"].startswith("modelwright train --data")


def test_a_result_has_the_answer_to_every_row(whole: Path) -> None:
    path = whole / "runs" / "base-seed-0" / "evaluations" / "test" / "predictions.csv"
    rows = [line.split(",") for line in path.read_text("utf-8").splitlines()[1:]]
    result = read_trial_result(whole / "results" / "base-seed-0.test.json")
    assert result is not None
    assert result.hits.tolist() == [label == predicted for _, label, predicted, _ in rows]
    assert result.hits.mean() == pytest.approx(result.metrics.accuracy)


def test_the_page_and_the_plot_are_there(whole: Path) -> None:
    page = (whole / "study.md").read_text("utf-8")
    assert "| 宽 网络 | 2 |" in page
    assert "90.00 %" in page
    assert "![" in page and "study.png" in page
    assert (whole / "study.png").stat().st_size > 5000


def test_a_finished_study_is_not_trained_again(copy: Path, study: dict[str, Any]) -> None:
    (copy / "study.md").unlink()
    claimed = [{**study["variants"][0], "claimed": 55.5}, study["variants"][1]]
    report = modelwright.compare({**study, "variants": claimed}, out=copy, progress=fresh)
    assert report.status == "finished"
    assert "55.50 %" in (copy / "study.md").read_text("utf-8"), "what was published may change"


def test_a_trained_run_is_only_measured(copy: Path, study: dict[str, Any]) -> None:
    (copy / "results" / "base-seed-1.test.json").unlink()
    steps: list[str] = []
    report = modelwright.compare(
        study, out=copy, progress=lambda what, done, total: steps.append(what)
    )
    assert report.status == "finished"
    assert not [what for what in steps if what.startswith("epoch")]
    assert any(what.startswith("evaluating  [base, seed 1, 1 of 1]") for what in steps)


def test_a_stopped_study_has_a_partial_table_and_goes_on_to_the_same_bits(
    copy: Path, whole: Path, study: dict[str, Any]
) -> None:
    shutil.rmtree(copy / "runs" / "宽-网络-seed-1")
    name = "宽-网络-seed-1.test.json"
    (copy / "results" / name).unlink()

    def stop(what: str, done: int, total: int) -> None:
        if what.startswith("epoch 2"):
            raise KeyboardInterrupt

    report = modelwright.compare(study, out=copy, progress=stop)
    assert report.status == "stopped"
    assert [(one.variant, one.seed) for one in report.missing] == [("宽 网络", 1)]
    assert "1 of 2" in report.render()
    assert load(copy)["variants"][1]["runs"][0]["seed"] == 0
    assert "trainings still to come: 1; the same command" in (copy / "study.md").read_text("utf-8")
    steps: list[str] = []
    again = modelwright.compare(
        study, out=copy, progress=lambda what, done, total: steps.append(what)
    )
    assert again.status == "finished"
    epochs = {what.split()[1] for what in steps if what.startswith("epoch")}
    assert epochs == {"2/2"}, "the first epoch is not trained again"
    one, other = (read_trial_result(folder / "results" / name) for folder in (whole, copy))
    assert one is not None and other is not None
    assert (one.right, one.order) == (other.right, other.order)
    assert one.metrics.train_accuracy == other.metrics.train_accuracy


def test_an_interrupt_before_the_first_epoch_leaves_everything_usable(
    study: dict[str, Any], tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: Any, **named: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(trials, "train", interrupt)
    file = tmp_path / "study.toml"
    file.write_text(tomli_w.dumps(study), encoding="utf-8")
    code, out, _ = cli("compare", file, "--out", tmp_path / "out", "--json")
    assert code == 130
    assert json.loads(out)["status"] == "stopped"
    assert len(json.loads(out)["missing"]) == 4
    assert load(tmp_path / "out")["variants"][0]["accuracy"] is None


class FailingTraining:
    """Replaces a training: records its config, and fails."""

    def __init__(self) -> None:
        self.configs: list[Config] = []
        self.free: list[bool] = []

    def __call__(self, config: Config, *, out: Path, progress: Any, **more: Any) -> Any:
        self.configs.append(config)
        self.free.append(not out.exists())
        raise RunError("tried")


def test_only_a_run_without_weights_is_deleted_and_begun_anew(
    copy: Path, study: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "train", tried := FailingTraining())
    one, other = (copy / "runs" / f"base-seed-{seed}" for seed in (0, 1))
    for run in (one, other):
        (run / "run.json").unlink()
        (copy / "results" / f"{run.name}.test.json").unlink()
    shutil.rmtree(other)
    other.mkdir()
    (other / "config.toml").touch()
    report = modelwright.compare(study, out=copy)
    assert tried.free == [False, True], "weights are not what a training begins with"
    assert (one / "weights.weights.h5").exists()
    assert [failure.error for failure in report.failures] == ["tried", "tried"]


def test_a_changed_study_is_refused_with_what_to_do(copy: Path, study: dict[str, Any]) -> None:
    wide = {**study["variants"][1], "set": {"model.units": 6}}
    changed = {**study, "variants": [study["variants"][0], wide]}
    says = (
        r"宽 网络, seed 0 \(model\.options\.units 8 is now 6\); 宽 网络, seed 1 .* another folder"
    )
    with pytest.raises(RunError, match=says):
        modelwright.compare(changed, out=copy, progress=fresh)
    shutil.rmtree(copy / "results")
    with pytest.raises(RunError, match="宽 网络, seed 0"):
        modelwright.compare(changed, out=copy, progress=fresh)


def test_a_setting_newer_than_a_result_has_its_default(copy: Path, study: dict[str, Any]) -> None:
    path = copy / "results" / "base-seed-0.test.json"
    record = json.loads(path.read_text("utf-8"))
    del (
        record["config"]["train"]["label_smoothing"],
        record["config"]["model"]["options"]["dropout"],
    )
    path.write_text(json.dumps(record), encoding="utf-8")
    assert modelwright.compare(study, out=copy, progress=fresh).status == "finished"


def test_changed_rows_are_refused(copy: Path, study: dict[str, Any], tmp_path: Path) -> None:
    other = write_images(tmp_path / "other", 12, side=8, seed=1)
    data = {**study["base"]["data"], "source": str(other)}
    more = {**study, "base": {**study["base"], "data": data}, "seeds": [0, 1, 2]}
    with pytest.raises(DataError, match="changed since base, seed 0 was trained on it"):
        modelwright.compare(more, out=copy)


def test_variants_that_read_other_rows_are_refused(study: dict[str, Any], tmp_path: Path) -> None:
    few = {"name": "few", "set": {"data.limit": 4}}
    with pytest.raises(ConfigError, match=r"variant 'few' reads other rows .* than 'base'"):
        modelwright.compare({**study, "variants": [*study["variants"], few]}, out=tmp_path / "out")
    none = {**study, "split": "val", "base": {**study["base"]}}
    none["base"]["data"] = {**study["base"]["data"], "val": 0.0}
    with pytest.raises(DataError, match="has no val rows to compare on; it has: train, test"):
        modelwright.compare(none, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_failed_training_is_recorded_and_the_others_go_on(
    copy: Path, study: dict[str, Any], tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The same two variants, written so that a third can have another recipe.
    small = {"model.recipe": "cnn-tutorial", "model.filters": [4]}
    wrong = {"name": "wrong", "set": {"model.recipe": "nowhere:build"}}
    variants = [
        {"name": "base", "set": {**small, "model.units": 4}},
        wrong,
        {"name": "宽 网络", "set": {**small, "model.units": 8}},
    ]
    tables = {**study["base"], "model": {}}
    third = {**study, "base": tables, "variants": variants, "seeds": [1]}
    file = tmp_path / "study.toml"
    file.write_text(tomli_w.dumps(third), encoding="utf-8")
    (copy / "results" / "宽-网络-seed-1.test.json").unlink()
    code, out, err = cli("compare", file, "--out", copy, "--json", "--quiet")
    found = json.loads(out)
    assert code == 4, err
    assert found["status"] == "failed"
    assert [entry["variant"] for entry in found["failures"]] == ["wrong"]
    assert found["variants"][0]["accuracy"] and found["variants"][2]["accuracy"]
    assert err.startswith("error: 1 of 3 trainings failed, the first wrong, seed 1: ")
    assert "failed: wrong, seed 1" in (copy / "study.md").read_text("utf-8")
    # With other settings only the failed trial is tried again.
    wrong["set"] = {**small, "model.units": 5}
    monkeypatch.setattr(trials, "train", tried := FailingTraining())
    assert modelwright.compare(third, out=copy).status == "failed"
    assert [config.model.options["units"] for config in tried.configs] == [5]


def test_other_rows_are_measured_without_training(copy: Path, study: dict[str, Any]) -> None:
    steps: list[str] = []
    path = copy / "results" / "base-seed-0.test.json"
    record = json.loads(path.read_text("utf-8"))
    record["machine"]["name"] = "the one it was trained on"
    path.write_text(json.dumps(record), encoding="utf-8")
    report = modelwright.compare(
        {**study, "split": "val", "seeds": [0], "variants": study["variants"][:1]},
        out=copy,
        progress=lambda what, done, total: steps.append(what),
    )
    assert not [what for what in steps if what.startswith("epoch")]
    [run] = report.variants[0].runs
    assert run.accuracy == load_run(copy / "runs" / "base-seed-0").metrics["val_accuracy"]
    assert report.variants[0].accuracy is not None
    assert report.variants[0].accuracy.method == "Wilson over rows"
    assert report.to_dict()["split"] == "val"
    assert report.machines[0].name == "the one it was trained on"


def test_keep_results_deletes_the_runs(copy: Path, whole: Path, study: dict[str, Any]) -> None:
    report = modelwright.compare({**study, "keep": "results"}, out=copy, progress=fresh)
    assert not list((copy / "runs").iterdir())
    assert load(copy)["comparisons"] == load(whole)["comparisons"]
    assert report.status == "finished"


def test_a_result_that_was_changed_is_named(copy: Path, study: dict[str, Any]) -> None:
    path = copy / "results" / "base-seed-0.test.json"
    path.write_text("{}")
    with pytest.raises(RunError, match=r"base-seed-0\.test\.json cannot be read: .*; delete it"):
        modelwright.compare(study, out=copy, progress=fresh)


def test_rows_in_another_order_are_not_paired(copy: Path, study: dict[str, Any]) -> None:
    path = copy / "results" / "base-seed-0.test.json"
    record = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**record, "order": "0" * 64}), encoding="utf-8")
    [comparison] = modelwright.compare(study, out=copy, progress=fresh).comparisons
    assert comparison.over_rows is None
    assert comparison.difference == pytest.approx(load(copy)["comparisons"][0]["difference"])


def test_the_study_file_is_checked_first(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "study.toml"
    file.write_text('name = "a"\n[base.model]\nrecipe = "cnn"\n[[variants]]\nname = "x"\n')
    code, out, err = cli("compare", file, "--out", tmp_path / "out")
    assert (code, out) == (2, "")
    assert err.startswith("error: variant 'x': no data given")
    assert not (tmp_path / "out").exists()


def test_p_values_are_corrected_among_the_comparisons(whole: Path) -> None:
    [comparison] = load(whole)["comparisons"]
    test = comparison["over_rows"]
    assert test["corrected"] == test["p"] == holm_correction([test["p"]])[0]


def test_a_result_with_test_time_augmentation_has_its_own_file(
    copy: Path, study: dict[str, Any]
) -> None:
    # These variants were not trained on mirrored images.
    report = modelwright.compare({**study, "tta": True, "seeds": [0]}, out=copy)
    assert report.status == "failed"
    assert all("tta" in failure.error for failure in report.failures)
    assert modelwright.compare(study, out=copy, progress=fresh).status == "finished"
