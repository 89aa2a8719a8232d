"""A solved n-gram network that starts from the weights of another one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import modelwright
from modelwright.core.errors import ConfigError
from modelwright.models.ngram_prior import _fit, _loss, _Rows
from modelwright.runs.run import load_run
from sample_data import sentences, write_csv

MODEL = {"recipe": "text-fast", "vocabulary": 200, "length": 12, "buckets": 1024}


@pytest.fixture(scope="module")
def source(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("source") / "run"
    return modelwright.train(str(reviews), model=MODEL, out=out).run


def rows(count: int = 40, columns: int = 1) -> _Rows:
    random = np.random.default_rng(0)
    features = random.normal(size=(count, 6))
    before = random.normal(size=(count, columns))
    labels = random.integers(0, max(columns, 2), count)
    return _Rows(features, before, labels, np.ones(count, np.float32))


@pytest.mark.parametrize("columns", [1, 3])
def test_the_gradient_is_that_of_the_loss(columns: int) -> None:
    some, shape = rows(columns=columns), (6, columns)
    values = np.random.default_rng(1).normal(size=6 * columns + 1 + columns)
    _, gradient = _loss(some, shape, 2.0, values)
    for position in range(len(values)):
        step = np.zeros(len(values))
        step[position] = 1e-5
        up, down = (_loss(some, shape, 2.0, values + sign * step)[0] for sign in (1, -1))
        assert gradient[position] == pytest.approx((up - down) / 2e-5, rel=1e-4, abs=1e-6)


def test_a_strong_penalty_keeps_the_weights_and_a_weak_one_follows_the_rows() -> None:
    some = rows()
    strong, weak = _fit(some, [1e-6, 1e3], np.zeros(1))
    assert np.abs(strong.change).max() < 1e-3 < np.abs(weak.change).max()
    right = [(fit.probabilities(some).argmax(1) == some.labels).mean() for fit in (strong, weak)]
    assert right[0] < right[1]


def test_few_rows_learn_from_the_model_before(source: Path, tmp_path: Path) -> None:
    few = write_csv(tmp_path / "few.csv", sentences(12), ("text", "label"))
    report = modelwright.train(
        str(few), data={"test": 0}, start_from=source, freeze=(), out=tmp_path / "run"
    )
    assert report.solution["choice"].keys() == {"strength", "prior"}
    assert any(f"recipe is that of {source}, 'text-fast'" in note for note in report.notes)
    assert any("1 layer with weights copied" in note for note in report.notes)
    run = load_run(report.run)
    assert run.config.model.options["buckets"] == 1024
    vocabularies = [(folder / "vocabulary.txt").read_bytes() for folder in (source, run.path)]
    assert vocabularies[0] == vocabularies[1]
    before, after = (load_run(path).network().get_layer("scores") for path in (source, run.path))
    changed = (np.asarray(before.weight) != np.asarray(after.weight)).mean()
    assert changed > 0
    assert (
        np.corrcoef(np.asarray(before.weight).ravel(), np.asarray(after.weight).ravel())[0, 1] > 0.5
    )


def test_other_classes_leave_a_solved_network_nothing_to_start_from(
    source: Path, reviews: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(reviews.read_text("utf-8").replace(",neg", ",zzz"), "utf-8")
    with pytest.raises(ConfigError, match=r"nothing to start from.*data\.labels\.OLD=NEW.*update"):
        modelwright.train(str(other), start_from=source, out=tmp_path / "run")
    with pytest.raises(ConfigError, match=r"'freeze' was given, but the solver"):
        modelwright.train(str(reviews), start_from=source, freeze="features", out=tmp_path / "run")
