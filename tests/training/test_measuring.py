"""The best weights are measured once, by the network that was trained where it answers the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core.config import Config
from modelwright.core.measure import measure
from modelwright.core.types import Progress, Rows
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import load_run
from modelwright.training import measuring
from modelwright.training.extras import Extras
from modelwright.training.measuring import MeasuredTraining
from modelwright.training.network_classifier import NetworkClassifier
from modelwright.training.observers import Epoch, Observer
from modelwright.training.session import Session
from modelwright.training.train import resume, train
from sample_data import write_images


class Kept(Observer):
    """Keeps the session's network and the measured training; stops after an epoch if asked."""

    def __init__(self, last: int = 0) -> None:
        self.last = last
        self.network: Any = None
        self.training: MeasuredTraining | None = None

    def on_epoch(self, epoch: Epoch) -> str | None:
        self.network = epoch.network
        return "enough" if epoch.number == self.last else None

    def on_measured(self, training: MeasuredTraining) -> None:
        self.training = training


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_images(tmp_path_factory.mktemp("images"), 12, side=8)


def config_of(source: Path, **changes: Any) -> Config:
    return resolve_config(
        options={
            "data": {"source": str(source), "test": 0.3},
            "model": {"recipe": "cnn-tutorial", "filters": [4], "units": 4},
            "train": {
                "epochs": 3, "batch_size": 8, "precision": "float32", "tensorboard": False,
                "seed": 3, **changes,
            },
        }
    )  # fmt: skip


def test_the_trained_network_answers_like_a_new_one_with_the_best_weights(
    source: Path, tmp_path: Path
) -> None:
    kept = Kept()
    train(config_of(source), out=tmp_path / "run", extras=Extras(observers=(kept,)))
    training = kept.training
    assert training is not None and training.network is kept.network
    run = load_run(tmp_path / "run")
    assert (training.run, training.run.status) == (run, "finished")
    new = run.network()
    for split in ("train", "val"):
        again = measure(NetworkClassifier(new), training.data.splits[split])  # type: ignore[index]
        known = training.known(split)
        assert known is not None
        assert known.probabilities.tobytes() == again.probabilities.tobytes()
    assert training.known("test") is None


def test_a_network_of_less_precision_is_not_measured(source: Path, tmp_path: Path) -> None:
    kept = Kept()
    config = config_of(source, precision="mixed_bfloat16", epochs=1)
    train(config, out=tmp_path / "run", extras=Extras(observers=(kept,)))
    assert kept.training is not None
    assert kept.training.network is not kept.network
    assert {layer.dtype_policy.name for layer in kept.training.network.layers} == {"float32"}


def test_a_stopped_training_is_measured_and_its_end_as_well(source: Path, tmp_path: Path) -> None:
    stopped = Kept(last=1)
    report = train(config_of(source), out=tmp_path / "run", extras=Extras(observers=(stopped,)))
    assert (report.status, stopped.training) == ("stopped", None)
    assert report.val_accuracy is not None
    kept = Kept()
    resume(tmp_path / "run", extras=Extras(observers=(kept,)))
    whole = Kept()
    train(config_of(source), out=tmp_path / "whole", extras=Extras(observers=(whole,)))
    assert kept.training is not None and whole.training is not None
    for split, expected in whole.training.measured.items():
        found = kept.training.measured[split].probabilities
        assert np.array_equal(found, expected.probabilities)


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"precision": {"policy": "mixed_bfloat16"}}, False),
        ({"cluster": {"processes": 1, "devices": 2}}, False),
    ],
)
def test_which_networks_answer_the_same(
    source: Path, tmp_path: Path, changes: dict[str, Any], same: bool
) -> None:
    sessions: list[Session] = []

    class Fitted(Session):
        def fit(self) -> bool:
            sessions.append(self)
            return super().fit()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("modelwright.training.train.Session", Fitted)
        train(config_of(source, epochs=1), out=tmp_path / "run")
    [session] = sessions
    session.run = session.run.update(**changes)
    session.network.set_weights([0 * weight for weight in session.network.get_weights()])
    found, expected = measuring.best_network(session), session.run.network()
    assert (found is session.network) is same
    for weight, other in zip(found.get_weights(), expected.get_weights(), strict=True):
        assert np.array_equal(weight, other), "the best weights, not the last ones"


def test_answers_from_known_features_are_not_those_of_the_network() -> None:
    class Fixed:
        def classify_rows(self, rows: Rows, progress: Progress | None = None) -> Any:
            return np.eye(2, dtype=np.float32)

    from modelwright.core.types import Split

    rows = measure(Fixed(), Split([0, 1], np.array([0, 1])))  # type: ignore[arg-type]
    training = MeasuredTraining(None, None, None, {"val": rows}, frozenset({"val"}))  # type: ignore[arg-type]
    assert training.measured["val"] is rows and training.known("val") is None
