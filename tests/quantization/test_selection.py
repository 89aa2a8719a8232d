"""The selection: the smallest file within the limits, and advice where none fits."""

from __future__ import annotations

from dataclasses import replace

from variants import variants

from modelwright import QuantizationLimits
from modelwright.quantization.selection import select_variant

WRONG = {"savedmodel": 0, "litert-float32": 0, "litert-int8": 2}


def test_the_smallest_file_within_the_limits_is_selected() -> None:
    found = variants(WRONG)
    assert select_variant(found, QuantizationLimits())[0] == "litert-float32"
    best, reason = select_variant(found, QuantizationLimits(drop=2))
    assert best == "litert-int8"
    assert reason.startswith("the smallest of 2 within the limits, 0.00 MiB, 4.00 times smaller")


def test_a_limit_that_no_file_keeps_is_named_for_each_file() -> None:
    best, reason = select_variant(variants(WRONG), QuantizationLimits(drop=2, latency_ms=1))
    assert best is None
    assert "litert-float32 takes 2.000 ms, more than the 1 of --max-latency" in reason
    assert "litert-int8 takes 2.000 ms, more than the 1 of --max-latency" in reason
    assert select_variant(variants({"savedmodel": 0, "onnx": 0}), QuantizationLimits()) == (
        None,
        "no file could be made",
    )


def test_the_problem_names_the_limit_and_the_option() -> None:
    found = variants(WRONG)["litert-int8"]
    problem = QuantizationLimits(drop=1).problem(found)
    assert problem == "loses 2.00 points of accuracy, more than the 1 of --max-drop"
    assert "of --max-size" in str(QuantizationLimits(mib=1e-6).problem(found))
    assert QuantizationLimits().problem(found) is None


def test_the_advice_is_another_file_or_other_training() -> None:
    found = variants(WRONG)
    limits = QuantizationLimits(drop=1)
    assert "litert-float32 would do" in limits.advice("litert-int8", found)
    del found["litert-float32"]
    assert "--finetune 2 trains on with rounded weights" in limits.advice("litert-int8", found)
    smaller = QuantizationLimits(mib=1e-6)
    assert "A smaller network" in smaller.advice("litert-int8", found)


def test_a_faster_file_is_selected_where_it_is_hardly_larger() -> None:
    wrong = {"savedmodel": 0, "litert-float32": 0, "litert-int8": 0}
    found = variants(wrong, {"litert-float32": 1.0})
    assert select_variant(found, QuantizationLimits())[0] == "litert-int8"
    found["litert-float32"] = replace(found["litert-float32"], bytes=1040)
    best, reason = select_variant(found, QuantizationLimits())
    assert best == "litert-float32" and reason.startswith("hardly larger than the smallest")
