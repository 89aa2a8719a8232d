"""Variants of a servable whose figures can be computed by hand."""

from __future__ import annotations

import numpy as np

from modelwright.quantization.table import Variant, compare_variants
from modelwright.servable.cost import Cost

SIZES = {"savedmodel": 5000, "onnx": 4500, "litert-float32": 4000, "litert-int8": 1000}
LABELS = np.array([0, 0, 1, 1] * 25)


def cost(median: float = 2.0) -> Cost:
    return Cost(
        cold_seconds=1.0,
        load_seconds=0.5,
        latency_ms={"p50": median, "p95": 3.0, "p99": 4.0},
        network_ms=median / 2,
        rows_per_second=100.0,
        peak_mib=50.0,
    )


def variants(wrong: dict[str, int], medians: dict[str, float] | None = None) -> dict[str, Variant]:
    """Returns the figures of engines that get so many of 100 rows wrong."""
    answers = {}
    for name, count in wrong.items():
        predicted = LABELS.copy()
        predicted[:count] = 1 - predicted[:count]
        answers[name] = np.eye(2, dtype=np.float32)[predicted]
    costs = {name: cost((medians or {}).get(name, 2.0)) for name in wrong}
    return compare_variants(answers, costs, {name: SIZES[name] for name in wrong}, LABELS)
