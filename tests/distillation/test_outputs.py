"""What a teacher's scores are taken for, and scores that cannot be what they seem."""

from __future__ import annotations

import numpy as np
import pytest

from modelwright.core.errors import ConfigError
from modelwright.distillation.labeling import label
from modelwright.distillation.outputs import (
    Output,
    check_probabilities,
    check_scores,
    decide_output,
    order_columns,
)
from modelwright.distillation.teacher import Teacher

TWO = ("neg", "pos")
TEXTS = [str(n) for n in range(60)]


def test_the_width_and_the_values_decide() -> None:
    assert decide_output(np.array([[0.2, 0.8]], np.float32), TWO, "auto", "t") == "probabilities"
    assert decide_output(np.array([[0.2, 3.0, -1]], np.float32), TWO, "auto", "t") == "vectors"
    assert decide_output(np.array([[0.2, 0.8]], np.float32), TWO, "vectors", "t") == "vectors"


@pytest.mark.parametrize(
    ("row", "output", "message"),
    [
        ([0.2, 0.3, 0.5], "auto", r"probabilities of 3 classes, but the data has 2 \(neg, pos\)"),
        ([0.2, 0.3], "auto", r"such as \[0.2, 0.3\] \(sum 0.5\); .* sum 1 .* --output vectors"),
        ([1.5, -0.5], "auto", "not probabilities"),
        ([0.7], "auto", "returned 1 columns, but the data has 2 classes"),
        ([0.1, 3, 4], "probabilities", "returned 3 columns, but the data has 2 classes"),
    ],
)
def test_what_fits_nothing_is_refused(row: list[float], output: Output, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        decide_output(np.array([row], np.float32), TWO, output, "t")


def test_a_later_row_that_is_no_probability_is_named() -> None:
    scores = np.array([[0.5, 0.5], [0.9, 0.9]], np.float32)
    with pytest.raises(ConfigError, match=r"\[0.9, 0.9\] \(sum 1.8\) for 'b'.* 1 of 2 rows"):
        check_probabilities(scores, ["a", "b"], "t")


def test_columns_follow_the_classes_and_other_classes_are_refused() -> None:
    assert order_columns(TWO, ("pos", "neg"), "t") == [1, 0]
    with pytest.raises(ConfigError, match="has the classes bad, good, but the data has neg, pos"):
        order_columns(TWO, ("bad", "good"), "t")


def test_vectors_get_a_classifier_whose_score_is_out_of_fold() -> None:
    random = np.random.default_rng(0)
    targets = np.arange(40) % 2
    vectors = random.normal(size=(60, 30)).astype(np.float32)
    noise = label(Teacher("t", "function", "", list), vectors, TEXTS, targets, TWO)
    assert noise.out_of_fold
    assert noise.labeled.accuracy < 0.8  # its own rows would be right
    vectors[:40, 0] += 6 * targets - 3
    vectors[40:, 0] = 6
    found = label(Teacher("t", "function", "", list), vectors, TEXTS, targets, TWO)
    assert found.labeled.accuracy > 0.9
    assert (found.probabilities[40:, 1] > 0.5).all()


def test_vectors_of_one_row_a_class_are_enough() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.9, 0.2], [0.1, 0.8], [1, 0.1]], np.float32)
    texts = ["a", "b", "c", "d", "e"]
    teacher = Teacher("t", "function", "", list)
    found = label(teacher, vectors, texts, np.array([0, 1]), TWO, "vectors")
    assert (found.out_of_fold, found.labeled.rows) == (False, 2)
    assert "no class has two different rows" in found.how
    assert found.probabilities[2:].argmax(axis=1).tolist() == [0, 1, 0]
    # The second class has one row, which is never held out. Copies don't predict each other.
    found = label(
        teacher, vectors, ["a", "b", "c", "d", "a"], np.array([0, 1, 0, 0, 0]), TWO, "vectors"
    )
    assert (found.out_of_fold, found.labeled.rows) == (True, 4)


def test_images_are_called_images_and_named_by_their_files() -> None:
    scores = np.array([[0.5, 0.5], [np.nan, 1]], np.float32)
    expected = (
        "for 1 of 2 images, such as 'b.png'; expected one row of class probabilities for each"
    )
    with pytest.raises(ConfigError, match=expected):
        check_scores(scores, ["a.png", "b.png"], "t", "image")
    with pytest.raises(ConfigError, match=r"\(2,\) for 2 images; .* the shape \(2, classes\)\.$"):
        check_scores(scores[0], ["a.png", "b.png"], "t", "image")
