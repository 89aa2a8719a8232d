"""The table: hand-computed figures of variants that answer with one label each."""

from __future__ import annotations

import numpy as np
import pytest
from variants import variants

from modelwright.quantization.table import QuantizeReport


def test_changes_and_flips_are_those_of_the_rows() -> None:
    found = variants({"savedmodel": 0, "litert-float32": 0, "litert-int8": 2})
    one = found["litert-int8"]
    assert (one.accuracy, one.change, one.flips, one.times_smaller) == (0.98, -0.02, 0.02, 4)
    # Bonett and Price: (1 - 3) / 102, and a variance of (1 + 3) / 102 less its square.
    center, spread = -2 / 102, 1.96 * np.sqrt((4 / 102 - (2 / 102) ** 2) / 102)
    assert one.interval == pytest.approx((center - spread, center + spread), abs=1e-5)
    assert one.max_difference == 1
    assert found["savedmodel"].times_smaller is None


def test_times_are_compared_with_the_savedmodel() -> None:
    found = variants({"savedmodel": 1, "onnx": 1, "litert-float32": 0}, {"onnx": 0.5})
    assert (found["onnx"].times_faster, found["onnx"].network_times_faster) == (4, 4)
    assert found["onnx"].times_smaller is None, "only files of one engine are compared in size"
    assert found["litert-float32"].change == pytest.approx(0.01)


def test_the_report_shows_every_variant_and_every_reason(tmp_path) -> None:
    report = QuantizeReport(
        servable=tmp_path,
        split="val",
        rows=100,
        machine="a machine",
        variants=variants({"savedmodel": 0, "litert-float32": 1}),
        missing={"litert-int8": "its process crashed"},
        recommended=None,
        reason="no file fits",
        written=(),
        seconds=1.0,
    )
    text = report.render()
    for part in ("litert-float32", "-1.00", "litert-int8 is missing", "its process crashed"):
        assert part in text
    assert "none: no file fits" in text and "nothing" in text
    assert report.to_dict()["variants"]["litert-float32"]["accuracy"] == 0.99
