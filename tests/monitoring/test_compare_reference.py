"""Comparisons: silent on rows of the same kind, and right about what changed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelwright.core.errors import DataError
from modelwright.monitoring.compare import FEWEST_ROWS, Comparison, compare
from modelwright.monitoring.measure_reference import count_confusion
from modelwright.monitoring.observation import Observation
from modelwright.monitoring.quantities import QUANTITIES, edges_of
from modelwright.monitoring.reference import Histogram, Reference

VOCABULARY = ("", "[UNK]", *(f"word{number}" for number in range(40)))


def observe(rows: int, seed: int, *, word: float = 0.3, positive: float = 0.5) -> Observation:
    """Returns an observation of texts whose words are independent of each other."""
    random = np.random.default_rng(seed)
    classes = random.random(rows) < positive
    certain = random.uniform(0.55, 1, rows)
    chosen = np.where(classes, certain, 1 - certain)
    values = {
        "confidence": certain,
        "unknown": random.beta(1, 9, rows),
        "length": np.round(random.lognormal(4, 1, rows)),
    }
    shares = np.array([word, *[0.3] * 39])
    tokens = [2 + np.flatnonzero(random.random(40) < shares) for _ in range(rows)]
    return Observation(np.stack([1 - chosen, chosen], axis=1), values, tuple(tokens))


def reference_of(one: Observation, split: str = "test") -> Reference:
    """Returns the reference that an observation gives."""
    counts = one.document_counts(len(VOCABULARY))
    return Reference(
        task="text",
        labels=("neg", "pos"),
        rows=len(one),
        split=split,
        class_counts=one.class_counts(),
        confusion=count_confusion(one.answers, one.answers, 2),
        quantities={
            name: Histogram.of(one.values[name], edges_of(name)) for name in QUANTITIES["text"]
        },
        words=dict(zip(VOCABULARY[2:], counts[2:].tolist(), strict=True)),
    )


def found(comparison: Comparison) -> set[str]:
    """Returns the names of the tests that alarm."""
    return {test.name for test in comparison.tests if test.drifted}


def test_rows_of_one_kind_alarm_in_at_most_5_percent_of_draws() -> None:
    alarms = sum(
        compare(reference_of(observe(120, seed)), observe(100, 1000 + seed), VOCABULARY).drifted
        for seed in range(25)
    )
    assert alarms <= 4  # at a rate of 5 %, more happen by chance in 1 % of the cases


def test_each_change_is_found_by_its_test() -> None:
    reference, same = reference_of(observe(500, 0)), observe(400, 1)
    assert found(compare(reference, same, VOCABULARY)) == set()
    values = dict(same.values)
    changes = {
        "confidence": {**values, "confidence": values["confidence"] * 0.9},
        "unknown": {**values, "unknown": values["unknown"] + 0.2},
        "length": {**values, "length": values["length"] * 3},
    }
    for name, changed in changes.items():
        assert found(compare(reference, replace(same, values=changed), VOCABULARY)) == {name}
    assert found(compare(reference, observe(400, 1, word=0.6), VOCABULARY)) == {"words"}
    assert found(compare(reference, observe(400, 1, positive=0.8), VOCABULARY)) == {"classes"}


def test_the_words_that_changed_are_named() -> None:
    comparison = compare(reference_of(observe(500, 0)), observe(400, 1, word=0.7), VOCABULARY)
    (words,) = (test for test in comparison.tests if test.name == "words")
    assert words.words.startswith("1 of 40 frequent words are in more or fewer texts: 'word0' ")


def test_the_direction_is_said() -> None:
    reference, same = reference_of(observe(500, 0)), observe(400, 1)
    for factor, said in ((3.0, "the texts are longer"), (0.3, "the texts are shorter")):
        values = {**same.values, "length": same.values["length"] * factor}
        tests = compare(reference, replace(same, values=values), VOCABULARY).tests
        assert next(one for one in tests if one.name == "length").words.startswith(said)


@pytest.mark.parametrize(("reference", "new"), [(FEWEST_ROWS - 1, 100), (100, FEWEST_ROWS - 1)])
def test_too_few_rows_are_refused_with_the_smallest_number(reference: int, new: int) -> None:
    with pytest.raises(DataError, match=f"has 19 usable rows; expected at least {FEWEST_ROWS}"):
        compare(reference_of(observe(reference, 0)), observe(new, 1), VOCABULARY)


def test_training_rows_are_a_reference_for_what_training_does_not_change() -> None:
    comparison = compare(reference_of(observe(100, 0), "train"), observe(100, 1), VOCABULARY)
    assert [test.name for test in comparison.tests] == ["length", "words"]
    assert set(comparison.untested) == {"classes", "confidence", "unknown", "features"}
    assert "no rows were held out" in comparison.untested["confidence"]


def test_a_test_in_json_has_its_figures_and_words() -> None:
    test = compare(reference_of(observe(100, 0)), observe(100, 1), VOCABULARY).tests[0].to_dict()
    assert list(test)[:4] == ["name", "measure", "statistic", "threshold"]
    assert type(test["drifted"]) is bool
    assert 0 < test["p"] <= 1
