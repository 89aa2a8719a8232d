"""Hand-made references, which need no model."""

from __future__ import annotations

import numpy as np

from modelwright.monitoring.quantities import QUANTITIES, edges_of
from modelwright.monitoring.reference import FeatureMoments, Histogram, Reference

TEXT_VALUES = {
    "confidence": [0.55, 0.7, 0.9, 0.99],
    "unknown": [0.0, 0.0, 0.1, 0.25],
    "length": [3.0, 10.0, 40.0, 200.0],
}


def text_reference() -> Reference:
    """Returns the reference of a text model on four rows."""
    return Reference(
        task="text",
        labels=("neg", "pos"),
        rows=4,
        split="test",
        class_counts=np.array([1, 3]),
        confusion=np.array([[1, 1], [0, 2]]),
        quantities={
            name: Histogram.of(np.array(TEXT_VALUES[name]), edges_of(name))
            for name in QUANTITIES["text"]
        },
        words={"good": 3, "坏": 1},
        features=FeatureMoments(
            "dense/Relu:0",
            np.array([1 / 3, 2.0]),
            np.ones(2),
            0.5,
            np.array([0.25, -0.25]),
            np.eye(2),
        ),
    )
