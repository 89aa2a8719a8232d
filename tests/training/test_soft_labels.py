"""Soft labels belong to contents, and a stopped training goes on with those in its folder."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pyarrow as pa
import pytest

import modelwright
from modelwright.api.train import resolve_settings
from modelwright.core.errors import RunError
from modelwright.data.digests import hash_texts
from modelwright.data.rows import Texts
from modelwright.training.extras import Extras
from modelwright.training.observers import Epoch, Observer
from modelwright.training.soft_labels import SoftLabels, read_soft_labels
from modelwright.training.train import train
from sample_data import write_csv


def soft_labels(texts: list[str]) -> SoftLabels:
    """The first text is of the first class, the others of the second."""
    probabilities = np.tile(np.array([0.1, 0.9], np.float32), (len(texts), 1))
    probabilities[0] = [0.8, 0.2]
    return SoftLabels("t", hash_texts(pa.array(texts, pa.large_string())), probabilities)


def rows(texts: list[str]) -> Texts:
    return Texts(np.arange(len(texts)), str, pa.array(texts, pa.large_string()))


def test_they_are_found_by_content_in_any_order() -> None:
    found, probabilities = soft_labels(["a", "b"]).find(rows(["b", "x", "a", "b"]))
    assert found.take(np.arange(3)) == ["b", "a", "b"]
    np.testing.assert_allclose(probabilities[:, 1], [0.9, 0.2, 0.9])
    assert soft_labels(["a", "b", "c"]).fingerprint != soft_labels(["a", "c"]).fingerprint
    with pytest.raises(RunError, match="for 2 texts, but only 1 of them are among the unlabeled"):
        soft_labels(["a", "b"]).find(rows(["a"]))


def two_columns(shape: tuple[int], classes: int, vocabulary: int) -> keras.Model:
    """A network of a user with a softmax for two classes."""
    layers = [
        keras.layers.Embedding(vocabulary, 4),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(classes, "softmax"),
    ]
    return keras.Sequential([keras.Input(shape, dtype="int32"), *layers])


class StopAfterOne(Observer):
    def on_epoch(self, epoch: Epoch) -> str:
        return "one is enough"


def test_a_stopped_training_goes_on_without_the_teacher(tmp_path: Path) -> None:
    texts = [(f"{at} a {word} film", word) for at in range(10) for word in ("fine", "dull")]
    few = write_csv(tmp_path / "few.csv", texts, ("text", "label"))
    others = [f"{at} great film" for at in range(20)]
    more = write_csv(tmp_path / "more.csv", [(text,) for text in others], ("text",))
    config = resolve_settings(
        {
            "data": {"source": str(few), "unlabelled": str(more), "val": 0, "test": 0},
            "model": {
                "recipe": f"{__name__}:two_columns",
                "vocabulary": 60,
                "length": 8,
            },
            "train": {"epochs": 3, "batch_size": 8, "tensorboard": False},
        },
        {},
    )
    labels = soft_labels(others)
    whole = train(config, out=tmp_path / "whole", extras=Extras(soft_labels=labels))
    stopping = Extras(soft_labels=labels, observers=(StopAfterOne(),))
    stopped = train(config, out=tmp_path / "run", extras=stopping)
    assert (whole.status, stopped.status) == ("finished", "stopped")
    assert read_soft_labels(stopped.run).fingerprint == labels.fingerprint
    resumed = modelwright.resume(stopped.run)
    assert (resumed.status, resumed.epochs) == ("finished", 3)
    assert (resumed.run / "history.csv").read_text() == (whole.run / "history.csv").read_text()
