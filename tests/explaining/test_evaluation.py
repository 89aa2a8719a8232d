"""The comparison of methods tells the right one from the wrong one, and chance from both."""

from __future__ import annotations

import json

import numpy as np
import pytest

from explaining.hand_made_rows import DrawingMethod, LinearRow, OppositeMethod, RightMethod
from modelwright.core.errors import DataError
from modelwright.explaining.evaluation import (
    BETTER,
    NOT_SHOWN,
    WORSE,
    ExplainedRow,
    evaluate_methods,
    mean_over_rows,
)
from modelwright.explaining.faithfulness import FIGURES


def linear_rows(count: int, segments: int = 12, seed: int = 0) -> list[ExplainedRow]:
    random = np.random.default_rng(seed)
    drawn = [LinearRow(random.normal(size=segments).tolist()) for _ in range(count)]
    return [
        ExplainedRow(row, int(row.answer(np.ones((1, segments), bool)).argmax())) for row in drawn
    ]


def test_verdicts_tell_the_right_method_from_the_opposite_and_from_drawing() -> None:
    found = evaluate_methods(linear_rows(25), [RightMethod(), OppositeMethod(), DrawingMethod()])
    by_name = {one.name: one for one in found.methods}
    assert {name: one.verdict for name, one in by_name.items()} == {
        "right": BETTER,
        "opposite": WORSE,
        "drawing": NOT_SHOWN,
    }
    for figure in FIGURES:
        assert by_name["right"].gains[figure].low > 0, figure
        assert by_name["opposite"].gains[figure].high < 0, figure


def test_the_gain_is_paired_with_random_orders_of_the_same_rows() -> None:
    found = evaluate_methods(linear_rows(10), [RightMethod()])
    (right,) = found.methods
    for figure in FIGURES:
        difference = abs(right.figures[figure].mean - found.random[figure].mean)
        assert right.gains[figure].mean == pytest.approx(difference, abs=1e-6)


def test_stability_is_measured_only_of_methods_that_draw() -> None:
    found = evaluate_methods(linear_rows(20), [RightMethod(), DrawingMethod()])
    right, drawing = found.methods
    assert right.stability is None and right.fidelity == 1.0
    assert 0 < drawing.stability < 0.6 and drawing.fidelity is None


def test_equal_seeds_give_equal_figures_and_others_do_not() -> None:
    rows = linear_rows(5)
    one, same, other = (evaluate_methods(rows, [RightMethod()], seed=seed) for seed in (0, 0, 9))
    assert one.random == same.random != other.random


def test_rows_without_an_order_are_left_out_and_counted() -> None:
    rows = [*linear_rows(3), ExplainedRow(LinearRow([1.0]), 1)]
    found = evaluate_methods(rows, [RightMethod()])
    assert (found.rows, found.left_out) == (3, 1)
    with pytest.raises(DataError, match=r"none of 1 rows has two segments.*give longer texts"):
        evaluate_methods(rows[-1:], [RightMethod()])


def test_one_row_has_no_interval_and_no_verdict() -> None:
    found = evaluate_methods(linear_rows(1), [RightMethod()])
    assert found.methods[0].gains["comprehensiveness"].low is None
    assert found.methods[0].verdict == NOT_SHOWN


def test_the_interval_is_students() -> None:
    found = mean_over_rows([1.0, 2.0, 3.0, 4.0])
    assert found.mean == 2.5
    assert found.high - 2.5 == pytest.approx(3.18245 * np.std([1, 2, 3, 4], ddof=1) / 2, abs=1e-4)


def test_json_holds_every_figure_and_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    found = evaluate_methods(
        linear_rows(3), [RightMethod()], progress=lambda *step: told.append(step)
    )
    record = json.loads(json.dumps(found.to_dict()))
    (right,) = record["methods"]
    assert set(FIGURES) <= set(right) and set(FIGURES) == set(record["random"])
    assert right["verdict"] in (BETTER, NOT_SHOWN) and right["ms"] >= 0
    assert told == [("explaining", number, 3) for number in (1, 2, 3)]
