"""One function measures a network and a predictor of every engine alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import modelwright
from modelwright.core.measure import measure
from modelwright.data.load import load_data
from modelwright.runs.run import load_run


@pytest.mark.parametrize("task", ["text", "image"])
def test_a_network_and_the_engines_of_its_servable_have_the_same_figures(
    task: str,
    text_run: Path,
    image_run: Path,
    text_servable: Path,
    image_servable: Path,
) -> None:
    from modelwright.training.network_classifier import NetworkClassifier

    folder, servable = {
        "text": (text_run, text_servable),
        "image": (image_run, image_servable),
    }[task]
    run = load_run(folder)
    rows = load_data(run.config.data).splits["test"]
    steps: list[tuple[str, int, int]] = []
    of_network = measure(NetworkClassifier(run.network(), run.tokenizer()), rows)
    for engine in ("onnx", "savedmodel"):
        predictor = modelwright.load(servable, engine=engine)
        found = measure(predictor, rows, lambda *step: steps.append(step))
        np.testing.assert_allclose(found.probabilities, of_network.probabilities, atol=1e-5)
        assert found.metrics.accuracy == of_network.metrics.accuracy
        assert found.metrics.macro_f1 == of_network.metrics.macro_f1
    assert steps[-1] == ("evaluating", len(rows), len(rows))
