"""A trial without any study: training, measuring, going on, and failing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from modelwright.core.config import Config
from modelwright.core.kept import kept_between_trainings
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import load_run
from modelwright.training.evaluate import evaluate
from modelwright.trials.run_trial import run_trial
from modelwright.trials.trial import Trial
from modelwright.trials.trial_result import read_trial_result, write_trial_result
from sample_data import weights, write_images
from small_trials import text_trial


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    source = write_images(tmp_path_factory.mktemp("images"), 12, side=8)
    return resolve_config(
        options={
            "data": {"source": str(source), "test": 0.3},
            "model": {"recipe": "cnn-tutorial", "filters": [4], "units": 4},
            "train": {
                "epochs": 2, "batch_size": 8, "precision": "float32", "tensorboard": False,
                "seed": 3,
            },
        }
    )  # fmt: skip


def make_trial(config: Config, folder: Path, units: int = 4) -> Trial:
    options = {**config.model.options, "units": units}
    model = config.model.model_copy(update={"options": options})
    changed = config.model_copy(update={"model": model})
    return Trial("small", changed, folder / "run", folder / "small-seed-3.test.json")


def test_a_trial_is_trained_measured_and_recorded(config: Config, tmp_path: Path) -> None:
    trial = make_trial(config, tmp_path)
    assert (trial.key, trial.name, trial.begun) == (("small", 3), "small, seed 3", False)
    result = run_trial(trial)
    assert result is not None and result.error is None
    assert read_trial_result(trial.result) == result
    assert trial.trained
    run = load_run(trial.run)
    assert result.config == trial.config.model_dump(mode="json")
    assert result.fingerprint == run.data["fingerprint"]
    assert result.metrics.parameters == run.metrics["parameters"]
    assert result.hits.sum() == result.metrics.right
    # It was measured as an evaluation measures it, without what nobody may look at.
    folder = trial.run / "evaluations" / "test"
    assert {path.suffix for path in folder.iterdir()} == {".json", ".csv"}
    assert json.loads((folder / "evaluation.json").read_text("utf-8"))["left_out"] == [
        "baselines",
        "slices",
        "plots",
    ]
    answers = (folder / "predictions.csv").read_bytes()
    report = evaluate(trial.run)
    assert (folder / "predictions.csv").read_bytes() == answers
    assert (report.metrics.accuracy, report.left_out) == (result.metrics.accuracy, ())
    assert (folder / "confusion.png").is_file()
    # On other rows, only the measurement is left, and the machine is that of the training.
    named = result.model_copy(update={"machine": result.machine.model_copy(update={"name": "x"})})
    write_trial_result(tmp_path / "run.test.json", named)
    steps: list[str] = []
    other = Trial("small", trial.config, trial.run, tmp_path / "small-seed-3.val.json", split="val")
    again = run_trial(other, progress=lambda what, done, total: steps.append(what))
    assert again is not None
    assert again.metrics.accuracy == run.metrics["val_accuracy"]
    assert again.machine.name == "x"
    assert steps and not [what for what in steps if what.startswith("epoch")]


def test_the_rows_that_judge_a_trial_are_measured_once(config: Config, tmp_path: Path) -> None:
    steps: list[str] = []
    trial = make_trial(config, tmp_path)
    trial = Trial("small", trial.config, trial.run, tmp_path / "small.json", split="val")
    result = run_trial(trial, progress=lambda what, done, total: steps.append(what))
    assert result is not None
    assert steps.count("evaluating") == 2, "the training rows and the validation rows"
    folder = trial.run / "evaluations" / "val"
    answers = (folder / "predictions.csv").read_bytes()
    evaluate(trial.run, split="val")
    assert (folder / "predictions.csv").read_bytes() == answers


def test_a_trial_that_fails_is_recorded_and_can_be_tried_again(
    config: Config, tmp_path: Path
) -> None:
    model = config.model.model_copy(
        update={"builder": "custom", "options": {"function": "nowhere:build"}}
    )
    wrong = config.model_copy(update={"model": model})
    trial = Trial("wrong", wrong, tmp_path / "run", tmp_path / "wrong.json")
    result = run_trial(trial, fingerprint="abc")
    assert result is not None
    assert result.error is not None and "nowhere" in result.error
    assert (result.fingerprint, result.figures) == ("abc", None)
    assert read_trial_result(trial.result) == result
    good = make_trial(config, tmp_path)
    found = run_trial(good)
    assert found is not None and found.error is None


def test_a_trial_that_is_interrupted_goes_on(config: Config, tmp_path: Path) -> None:
    def interrupt(what: str, done: int, total: int) -> None:
        if what.startswith("epoch 2"):
            raise KeyboardInterrupt

    trial = make_trial(config, tmp_path)
    assert run_trial(trial, progress=interrupt) is None
    assert trial.begun and not trial.trained and not trial.result.exists()
    steps: list[str] = []
    result = run_trial(trial, progress=lambda what, done, total: steps.append(what))
    assert result is not None and result.metrics.epochs == 2
    assert {what.split()[1] for what in steps if what.startswith("epoch")} == {"2/2"}


@pytest.mark.slow
def test_what_is_kept_between_trainings_changes_no_bit(reviews: Path, tmp_path: Path) -> None:
    alone = text_trial(reviews, tmp_path / "alone")
    expected = run_trial(alone)
    assert expected is not None
    steps: list[str] = []
    with kept_between_trainings(100):
        for variant in ("first", "again"):
            steps.append(variant)
            trial = text_trial(reviews, tmp_path, variant)
            result = run_trial(trial, progress=lambda what, done, total: steps.append(what))
            assert result is not None
            assert (result.right, result.order) == (expected.right, expected.order)
            assert result.metrics.train_accuracy == expected.metrics.train_accuracy
            found, alike = weights(trial.run), weights(alone.run)
            assert all(np.array_equal(found[name], alike[name]) for name in alike)
            for name in ("vocabulary.txt", "history.csv"):
                assert (trial.run / name).read_bytes() == (alone.run / name).read_bytes()
    again = steps.index("again")
    assert {"learning the vocabulary", "encoding"} <= set(steps[:again])
    assert not {"learning the vocabulary", "encoding"} & set(steps[again:])
