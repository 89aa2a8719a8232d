"""``Classifier`` learns texts and images and refuses wrong use."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright import Classifier
from modelwright.core.errors import ConfigError
from sample_data import sentences

SMALL = {"filters": 8, "embedding": 8, "length": 12, "context": 0}
FAST = {"epochs": 6, "batch_size": 16, "learning_rate": 0.02}


@pytest.mark.slow
@pytest.mark.usefixtures("export_in_process")
def test_texts_are_classified(tmp_path: Path) -> None:
    texts, labels = zip(*sentences(200), strict=True)
    model = Classifier("textcnn", model=SMALL, train=FAST, folder=tmp_path).fit(texts, labels)
    assert model.classes_.tolist() == ["neg", "pos"]
    assert model.predict_proba(texts[:5]).shape == (5, 2)
    fresh, fresh_labels = zip(*sentences(40, seed=9), strict=True)
    assert model.score(fresh, fresh_labels) > 0.9
    assert (tmp_path / "model" / "1" / "saved_model.pb").exists()


@pytest.mark.usefixtures("export_in_process")
def test_images_are_classified(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 120)
    images = random.integers(0, 60, (120, 12, 12, 3), dtype=np.uint8)
    images[labels == 1] += 150
    model = Classifier("cnn", model={"filters": [4], "units": 4}, train=FAST, folder=tmp_path)
    model.fit(images, labels)
    assert model.predict(images[:4]).tolist() == [str(label) for label in labels[:4]]


def test_unequal_lengths_and_an_unfitted_classifier_are_refused() -> None:
    with pytest.raises(ConfigError, match="x has 1 rows and y has 2"):
        Classifier("bilstm").fit(["a"], [0, 1])
    with pytest.raises(ConfigError, match="not fitted yet"):
        Classifier("bilstm").predict(["a"])
