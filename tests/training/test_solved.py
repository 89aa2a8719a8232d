"""Trainings in which a solver finds the weights and no steps follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelwright
from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.models.builders import check_options
from modelwright.runs.run import load_run
from modelwright.training.extras import Extras, check_effect
from modelwright.training.observers import Epoch
from modelwright.training.session import Session

MODEL = {"recipe": "text-fast", "vocabulary": 200, "length": 12, "buckets": 1024}


def train(source: Path, out: Path, **tables: Any) -> Any:
    return modelwright.train(data={"source": str(source)}, model=MODEL, out=out, **tables)


@pytest.fixture(scope="module")
def solved(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("solved") / "run"
    return train(reviews, out, train={"epochs": 9, "learning_rate": 0.5})


def test_a_solved_run_has_one_epoch_and_a_cross_validated_accuracy(solved: Any) -> None:
    run = load_run(solved.run)
    assert "val" not in run.data["rows"]
    assert run.solution["rows"] > 0
    assert run.solution["cross_validated_accuracy"] == (
        run.solution["correct"] / run.solution["rows"]
    )
    [note] = [note for note in solved.notes if "no effect" in note]
    assert note.startswith("train.epochs, train.learning_rate have no effect: recipe 'text-fast'")
    assert "model.fit=steps takes steps" in note


@pytest.mark.parametrize(
    "extras",
    [Extras(freeze=("buckets",)), Extras(freeze=("features",))],
    ids=["freeze", "freeze-features"],
)
def test_what_concerns_steps_is_refused_for_a_solved_network(extras: Extras) -> None:
    solved, by_steps = (
        check_options(ModelConfig(builder="ngrams", options={"fit": fit}))
        for fit in ("solver", "steps")
    )
    with pytest.raises(ConfigError, match=r"from the training rows alone; .* model\.fit=steps"):
        check_effect(extras, solved)
    check_effect(extras, by_steps)


def test_a_solved_run_that_was_cut_off_is_resumed_to_the_same_bits(
    reviews: Path, solved: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = Session.finish_epoch

    def killed(self: Session, network: Any, values: dict[str, float]) -> Epoch:
        end(self, network, values)
        raise MemoryError

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(Session, "finish_epoch", killed)
        train(reviews, tmp_path / "cut")
    report = modelwright.resume(tmp_path / "cut")
    weights = [load_run(one.run).network().get_weights() for one in (solved, report)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
