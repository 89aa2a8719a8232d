"""Training with unlabeled texts, from the config to the servable."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelwright
from modelwright.core.errors import ConfigError, DataError
from modelwright.runs.run import load_run
from modelwright.training.observers import Epoch
from modelwright.training.session import Session
from sample_data import write_csv

MODEL = {
    "recipe": "textcnn",
    "vocabulary": 60,
    "length": 16,
    "filters": 8,
    "embedding": 6,
    "context": 4,
}

BEST = {
    "recipe": "text-best",
    "vocabulary": 60,
    "length": 16,
    "filters": 8,
    "context": 4,
    "buckets": 512,
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    words = {"pos": "fine", "neg": "dull"}
    rows = [(f"{at} a {words[c]} film {at % 7}", c) for at in range(40) for c in words]
    return write_csv(tmp_path / "rows.csv", rows, ("text", "label"))


@pytest.fixture
def others(tmp_path: Path) -> Path:
    texts = [(f"{at} another {word} film",) for at in range(30) for word in ("fine", "dull")]
    return write_csv(tmp_path / "others.csv", texts, ("text",))


def train(
    source: Path,
    out: Path,
    others: Path | None = None,
    epochs: int = 3,
    model: dict[str, Any] | None = None,
) -> Any:
    return modelwright.train(
        data={"source": str(source), **({"unlabelled": str(others)} if others else {})},
        model=model or MODEL,
        train={"epochs": epochs, "batch_size": 8, "learning_rate": 0.01},
        out=out,
    )


@pytest.mark.slow
@pytest.mark.usefixtures("export_in_process")
@pytest.mark.parametrize(
    "model", [MODEL, pytest.param(BEST, marks=pytest.mark.slow)], ids=["textcnn", "text-best"]
)
def test_unlabeled_texts_are_recorded_and_the_servable_agrees(
    model: dict[str, Any], source: Path, others: Path, tmp_path: Path
) -> None:
    report = train(source, tmp_path / "run", others, epochs=20, model=model)
    assert report.val_accuracy == 1.0
    assert any(note.startswith("60 texts without labels, of ") for note in report.notes)
    assert modelwright.evaluate(report.run).metrics.accuracy == 1.0
    exported = modelwright.export(report.run, tmp_path / "model")
    assert exported.parity["savedmodel"]["labels_changed"] == 0
    assert exported.parity["onnx"]["labels_changed"] == 0
    answers = modelwright.load(exported.servable).predict(["a fine film", "a dull film"])
    assert [answer.label for answer in answers] == ["pos", "neg"]


def test_unlabeled_texts_change_the_weights(source: Path, others: Path, tmp_path: Path) -> None:
    with_them = train(source, tmp_path / "with", others, epochs=1)
    without = train(source, tmp_path / "without", epochs=1)
    layers = [
        load_run(report.run).network().get_layer("context_vectors").get_weights()[0]
        for report in (with_them, without)
    ]
    assert not np.array_equal(*layers)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model", [MODEL, pytest.param(BEST, marks=pytest.mark.slow)], ids=["textcnn", "text-best"]
)
def test_resuming_gives_the_same_bits_and_refuses_other_texts(
    model: dict[str, Any],
    source: Path,
    others: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = train(source, tmp_path / "whole", others, epochs=2, model=model)
    end = Session.finish_epoch

    def killed(self: Session, network: Any, values: dict[str, float]) -> Epoch:
        finished = end(self, network, values)
        if finished.number == 1:
            raise MemoryError
        return finished

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(Session, "finish_epoch", killed)
        train(source, tmp_path / "cut", others, epochs=2, model=model)
    original = others.read_text()
    others.write_text(original + "one more\n")
    with pytest.raises(DataError, match="changed since .* was trained on it"):
        modelwright.resume(tmp_path / "cut")
    others.write_text(original)
    resumed = modelwright.resume(tmp_path / "cut")
    weights = [load_run(one.run).network().get_weights() for one in (whole, resumed)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("model", [{"recipe": "bilstm"}, {**MODEL, "context": 0}])
def test_a_network_that_does_not_use_unlabeled_texts_refuses_them(
    model: dict[str, Any], source: Path, others: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=r"does not learn from unlabeled texts; expected"):
        modelwright.train(
            data={"source": str(source), "unlabelled": str(others)},
            model=model,
            out=tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()
