"""Solved networks answer each row by a solution that was found without it."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.core.config import ModelConfig
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import solves_out_of_fold
from modelwright.models.feature_head import out_of_fold, solve_head
from modelwright.models.logistic_regression import predict_folds


def test_a_row_is_predicted_from_the_other_folds_alone() -> None:
    fold = np.array([0, 1, -1, 0, 1])
    seen = []

    def predict(train: np.ndarray, held: np.ndarray) -> np.ndarray:
        seen.append((train.tolist(), held.tolist()))
        return np.full((len(held), 2), len(seen), np.float32)

    steps: list[tuple[str, int, int]] = []
    found = predict_folds(fold, 2, predict, lambda *step: steps.append(step))
    assert seen == [([1, 2, 4], [0, 3]), ([0, 2, 3], [1, 4])]
    assert found[:, 0].tolist()[:2] == [1, 2]
    assert np.isnan(found[2]).all()
    assert [done for _, done, _ in steps] == [1, 2]


def test_a_wrong_label_does_not_help_itself() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(90) % 3
    features = random.normal(0, 0.3, (1, 90, 200)).astype(np.float32)
    features[0, np.arange(90), labels] += 3
    wrong = labels.copy()
    wrong[:3] = (wrong[:3] + 1) % 3
    data = AdaptationData(rows=None, labels=wrong, features=features)
    fold = np.arange(90) % 5
    answers = out_of_fold(data, 3, fold, seed=0)
    assert answers.argmax(axis=1)[:3].tolist() == labels[:3].tolist()
    head, _ = solve_head(data, 3, seed=0)
    own = head.probabilities(features[0])
    assert (answers[np.arange(3), wrong[:3]] < own[np.arange(3), wrong[:3]]).all()


@pytest.mark.parametrize(
    ("builder", "options", "expected"),
    [
        ("ngrams", {"fit": "solver"}, True),
        ("ngrams", {"fit": "steps"}, False),
        ("pretrained", {}, True),
        ("pretrained", {"finetune": 2}, False),
        ("cnn", {}, False),
    ],
)
def test_only_networks_without_steps_are_solved(
    builder: str, options: dict[str, object], expected: bool
) -> None:
    assert solves_out_of_fold(ModelConfig(builder=builder, options=options)) == expected
