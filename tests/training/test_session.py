"""A training session: starting weights, frozen layers, an extra loss and observers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from modelwright.core.config import Config
from modelwright.core.errors import ConfigError, RunError
from modelwright.data.load import load_data
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import create_run, load_run
from modelwright.training.evaluate import EvaluatedRows, EvaluationParts, evaluate_rows
from modelwright.training.extras import Extras
from modelwright.training.observers import Epoch, Observer, Step
from modelwright.training.session import Session
from modelwright.training.starting_weights import StartFrom
from modelwright.training.train import resume, train
from sample_data import weights

MODEL = {"recipe": "bilstm", "units": [8], "embedding": 8, "length": 12, "dropout": 0.1}
QUICK = {"recipe": "textcnn", "filters": 8, "embedding": 8, "length": 12, "context": 0}
TRAIN = {"epochs": 3, "batch_size": 16, "precision": "float32", "tensorboard": False}


def config(source: Path, model: dict[str, Any] = MODEL, **changes: Any) -> Config:
    data = {"source": str(source), "test": 0.2}
    return resolve_config(options={"data": data, "model": model, "train": {**TRAIN, **changes}})


class Recorder(Observer):
    """Records its calls, and stops the training after ``stop_after`` epochs."""

    def __init__(self, stop_after: int = 99) -> None:
        self.steps: list[Step] = []
        self.epochs: list[Epoch] = []
        self.ended = 0
        self.stop_after = stop_after

    def on_step(self, step: Step) -> None:
        self.steps.append(step)

    def on_epoch(self, epoch: Epoch) -> str | None:
        self.epochs.append(epoch)
        return "enough" if epoch.number >= self.stop_after else None

    def on_end(self) -> None:
        self.ended += 1


class PullToZero:
    """A penalty on all weights, strong enough to show after a step."""

    name = "pull-to-zero"

    def __call__(self, network: Any, inputs: Any, targets: Any, outputs: Any) -> Any:
        return 100.0 * tf.add_n([tf.reduce_sum(v.value**2) for v in network.trainable_variables])


@pytest.mark.slow
def test_an_observer_sees_every_step_and_epoch_and_can_stop_a_run_that_resumes(
    reviews: Path, tmp_path: Path
) -> None:
    settings = config(reviews, QUICK, min_steps=100, min_val_rows=50)
    whole = train(settings, out=tmp_path / "whole")
    recorder = Recorder(stop_after=2)
    report = train(settings, out=tmp_path / "stopped", extras=Extras(observers=(recorder,)))
    assert (report.status, report.epochs) == ("stopped", 2)
    assert (report.epoch_chosen, report.best_epoch) == (False, 2)
    assert 100 <= whole.steps == len(recorder.steps) // 2 * 3 < 140
    assert ("epochs", "3, the last was taken") in whole.blocks()[0].rows
    assert sum("and each epoch goes over them" in note for note in whole.notes) == 1
    assert sum("too few to choose an epoch" in note for note in whole.notes) == 1
    assert [step.number for step in recorder.steps] == list(range(1, len(recorder.steps) + 1))
    assert recorder.steps[-1].total == len(recorder.steps) // 2 * 3
    assert [epoch.number for epoch in recorder.epochs] == [1, 2]
    assert set(recorder.epochs[0].values) >= {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert recorder.epochs[0].learning_rate > 0
    assert recorder.ended == 1
    resumed = resume(tmp_path / "stopped")
    assert (resumed.status, resumed.epochs) == ("finished", whole.epochs)
    assert (resumed.notes, resumed.steps) == (whole.notes, whole.steps)
    for name, value in weights(whole.run).items():
        np.testing.assert_array_equal(value, weights(resumed.run)[name])


def test_a_session_starts_from_the_weights_of_a_run_or_a_servable(
    text_run: Path, text_servable: Path, reviews: Path, tmp_path: Path
) -> None:
    expected_weights = load_run(text_run).network().get_weights()
    for name, source in (("run", text_run), ("servable", text_servable)):
        settings = config(reviews)
        data = load_data(settings.data)
        run = create_run(settings, data, tmp_path / name)
        session = Session(run, data, extras=Extras(start_from=StartFrom(source)))
        assert session.started_from is not None
        assert len(session.started_from.copied) == len(session.started_from.layers) >= 3
        assert (run.path / "vocabulary.txt").read_bytes() == (
            text_run / "vocabulary.txt"
        ).read_bytes()
        for value, expected in zip(session.network.get_weights(), expected_weights, strict=True):
            np.testing.assert_array_equal(value, expected)
        record = json.loads((run.path / "run.json").read_text())
        assert record["extras"]["start_from"]["source"] == str(source)


def test_only_the_named_layers_are_copied_and_layers_that_do_not_fit_are_named(
    text_run: Path, reviews: Path, tmp_path: Path
) -> None:
    settings = resolve_config(
        options={
            "data": {"source": str(reviews), "test": 0.2},
            "model": {**MODEL, "units": [4]},
            "train": TRAIN,
        }
    )
    data = load_data(settings.data)
    with pytest.raises(ConfigError, match=r"do not fit this network \(.*shapes .* in the source"):
        Session(
            create_run(settings, data, tmp_path / "whole"),
            data,
            extras=Extras(start_from=StartFrom(text_run)),
        )
    session = Session(
        create_run(settings, data, tmp_path / "part"),
        data,
        extras=Extras(start_from=StartFrom(text_run, layers=("embedding",))),
    )
    assert session.started_from is not None
    assert [name.rstrip("0123456789_") for name in session.started_from.copied] == ["embedding"]
    assert "layers copied" in session.started_from.render()


def test_other_token_ids_or_another_task_are_refused(
    text_run: Path, reviews: Path, colors: Path, tmp_path: Path
) -> None:
    for source, model, message in (
        (reviews, {**MODEL, "tokens": "char"}, r"other settings \(model.tokens=auto\)"),
        (colors, {"recipe": "cnn", "filters": [4]}, "classifies texts, but this run classifies"),
    ):
        settings = resolve_config(options={"data": {"source": str(source)}, "model": model})
        data = load_data(settings.data)
        run = create_run(settings, data, tmp_path / source.name)
        with pytest.raises(ConfigError, match=message):
            Session(run, data, extras=Extras(start_from=StartFrom(text_run)))


def test_whole_weights_of_other_classes_are_refused_and_named_layers_are_not(
    text_run: Path, reviews: Path, tmp_path: Path
) -> None:
    other = tmp_path / "reviews.csv"
    other.write_text(reviews.read_text("utf-8").replace(",neg", ",zzz"), "utf-8")
    settings = config(other)
    data = load_data(settings.data)
    assert data.labels == ("pos", "zzz")
    with pytest.raises(ConfigError, match="has the classes neg, pos, but this run has pos, zzz"):
        Session(
            create_run(settings, data, tmp_path / "whole"),
            data,
            extras=Extras(start_from=StartFrom(text_run)),
        )
    extras = Extras(start_from=StartFrom(text_run, layers=("embedding",)))
    assert Session(create_run(settings, data, tmp_path / "part"), data, extras=extras).started_from


def test_a_stop_after_the_last_epoch_is_a_finished_training(reviews: Path, tmp_path: Path) -> None:
    extras = Extras(observers=(Recorder(stop_after=1),))
    assert (
        train(config(reviews, QUICK, epochs=1), out=tmp_path / "run", extras=extras).status
        == "finished"
    )


def test_frozen_layers_keep_their_weights_and_others_learn(
    text_run: Path, reviews: Path, tmp_path: Path
) -> None:
    extras = Extras(start_from=StartFrom(text_run), freeze=("embedding*",))
    report = train(config(reviews, epochs=1), out=tmp_path / "run", extras=extras)
    before, after = (load_run(path).network().layers for path in (text_run, report.run))
    for one, other in zip(before, after, strict=True):
        pairs = zip(one.get_weights(), other.get_weights(), strict=True)
        same = [bool((value == learned).all()) for value, learned in pairs]
        assert all(same) == (not same or one.name.startswith("embedding"))
    with pytest.raises(ConfigError, match="no layer with weights matches 'nothing\\*'"):
        train(config(reviews, QUICK), out=tmp_path / "b", extras=Extras(freeze=("nothing*",)))
    assert not (tmp_path / "b").exists()  # the next try may have the folder
    with pytest.raises(ConfigError, match="every layer is frozen"):
        train(config(reviews, QUICK), out=tmp_path / "c", extras=Extras(freeze=("*",)))


def test_an_extra_loss_changes_the_weights_but_not_the_validation_loss(
    reviews: Path, tmp_path: Path
) -> None:
    one = config(reviews, QUICK, epochs=1, clip_norm=1.0)
    plain = train(one, out=tmp_path / "plain")
    pulled = train(one, out=tmp_path / "pulled", extras=Extras(extra_loss=PullToZero()))
    size = {
        path: sum(float((value**2).sum()) for value in weights(path).values())
        for path in (plain.run, pulled.run)
    }
    assert size[pulled.run] < size[plain.run]
    rows = (pulled.run / "history.csv").read_text().splitlines()
    last = dict(zip(rows[0].split(","), map(float, rows[-1].split(",")), strict=True))
    assert last["loss"] > 10 > last["val_loss"]


def test_a_run_resumes_only_with_the_extras_it_began_with(reviews: Path, tmp_path: Path) -> None:
    extras = Extras(extra_loss=PullToZero(), observers=(Recorder(stop_after=1),))
    report = train(config(reviews, QUICK), out=tmp_path / "run", extras=extras)
    with pytest.raises(RunError, match=r"began with \{'extra_loss': 'pull-to-zero'\}"):
        resume(report.run)
    assert resume(report.run, extras=Extras(extra_loss=PullToZero())).epochs == 3


def test_a_loss_that_is_not_a_number_is_a_one_line_error(reviews: Path, tmp_path: Path) -> None:
    settings = config(reviews, QUICK)
    data = load_data(settings.data)
    session = Session(create_run(settings, data, tmp_path / "run"), data)
    with pytest.raises(
        RunError, match=r"became nan in epoch 1; try a smaller train\.learning_rate"
    ):
        session.finish_epoch(session.network, {"loss": float("nan"), "val_loss": 1.0})


def test_tensorboard_logs_have_the_tags_that_keras_uses(text_run: Path) -> None:
    found = {}
    for kind in ("train", "validation"):
        (file,) = (text_run / "tensorboard" / kind).glob("events.*")
        events = tf.compat.v1.train.summary_iterator(str(file))
        found[kind] = {value.tag for event in events for value in event.summary.value}
    assert found["train"] == {"epoch_loss", "epoch_accuracy", "epoch_learning_rate"}
    assert found["validation"] == {"epoch_loss", "epoch_accuracy"}


def test_tensorboard_has_an_evaluation_once(text_run: Path) -> None:
    for _ in range(2):
        evaluate_rows(text_run, EvaluatedRows(split="val"), parts=EvaluationParts(baselines=False))
    (file,) = (text_run / "tensorboard" / "evaluation-val").glob("events.*")
    found = {}
    for event in tf.compat.v1.train.summary_iterator(str(file)):
        found |= {value.tag: value.tensor for value in event.summary.value}
    assert {"evaluation_accuracy", "evaluation_macro_f1", "confusion", "mistakes"} <= found.keys()
    measured = json.loads((text_run / "evaluations/val/evaluation.json").read_text())
    assert tf.make_ndarray(found["evaluation_accuracy"]) == pytest.approx(measured["accuracy"])
    width, height, drawing = tf.make_ndarray(found["confusion"])
    assert int(width) > 100 and int(height) > 100
    assert tf.io.decode_png(drawing).shape[:2] == (int(height), int(width))
