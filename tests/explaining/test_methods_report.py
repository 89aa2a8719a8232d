"""The report shows every method, chance, what was left out, and what the columns mean."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explaining.hand_made_rows import DrawingMethod, LinearRow, OppositeMethod, RightMethod
from modelwright.explaining.evaluation import ExplainedRow, MeanOverRows, evaluate_methods
from modelwright.explaining.evaluation_report import ExplanationEvaluation
from modelwright.explaining.randomized_weights import ALL, LAST, RandomizationCheck


@pytest.fixture(scope="module")
def report() -> ExplanationEvaluation:
    random = np.random.default_rng(0)
    rows = [ExplainedRow(LinearRow(random.normal(size=9).tolist()), 1) for _ in range(20)]
    rows.append(ExplainedRow(LinearRow([1.0]), 1))
    found = evaluate_methods(rows, [RightMethod(), OppositeMethod(), DrawingMethod()])
    same, gone = MeanOverRows(0.9, 0.8, 1.0), MeanOverRows(0.0, -0.1, 0.1)
    return ExplanationEvaluation(
        model=Path("runs/reviews"),
        task="text",
        source="of 300 test rows of reviews.csv",
        comparison=found,
        randomization=(
            RandomizationCheck("right", {LAST: same, ALL: gone}),
            RandomizationCheck("opposite", {LAST: same, ALL: same}),
        ),
        skipped={"grad-cam": "it explains images"},
        notes=("2 rows cannot be used",),
    )


def line(text: str, start: str) -> str:
    return next(one for one in text.splitlines() if one.strip().startswith(start))


def test_a_line_for_each_method_and_one_for_chance(report: ExplanationEvaluation) -> None:
    text = report.render()
    assert "better than random" in line(text, "right") and "always" in line(text, "right")
    assert "worse than random" in line(text, "opposite")
    assert "not shown" in line(text, "drawing") and "always" not in line(text, "drawing")
    mean = report.comparison.random["comprehensiveness"].mean
    assert f"{mean:.3f} ±" in line(text, "random")


def test_what_was_explained_and_left_out_is_said(report: ExplanationEvaluation) -> None:
    text = report.render()
    assert "20, of 300 test rows of reviews.csv" in text
    assert "1 rows with fewer than two segments" in text
    assert "it explains images" in line(text, "without grad-cam")
    assert "2 rows cannot be used" in text and "95 % interval" in text


def test_the_check_with_random_weights_is_a_table_of_its_own(report: ExplanationEvaluation) -> None:
    lines = report.render().splitlines()
    right, opposite = (
        next(
            one for one in lines[len(lines) // 2 :] if one.strip().startswith(name) and "0.9" in one
        )
        for name in ("right", "opposite")
    )
    assert right.rstrip().endswith("changes") and "0.000 ± 0.100" in right
    assert opposite.rstrip().endswith("not shown to change")
    servable = replace(report, randomization=())
    assert "shuffled" not in servable.render()


def test_json_has_all_of_it(report: ExplanationEvaluation) -> None:
    record = json.loads(json.dumps(report.to_dict()))
    assert record["model"] == "runs/reviews" and record["left_out"] == 1
    by_name = {one["method"]: one for one in record["methods"]}
    assert by_name["right"]["randomized_weights"]["changes_with_weights"] is True
    assert by_name["drawing"]["randomized_weights"] is None
    assert by_name["right"]["better_than_random_by"]["sufficiency"]["low"] > 0
    assert record["skipped"] == {"grad-cam": "it explains images"}
