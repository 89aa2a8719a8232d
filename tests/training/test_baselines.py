"""Baselines: their figures, the comparison with a model, and rows from which nothing is learned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from typer.testing import CliRunner

from modelwright.api.train import resolve_settings
from modelwright.cli.main import app
from modelwright.core.errors import ConfigError
from modelwright.core.measure import Measurement
from modelwright.core.metrics import compute_metrics
from modelwright.core.types import Dataset, Split
from modelwright.training import baselines as module
from modelwright.training import train as training
from modelwright.training.baseline_comparison import (
    compare_training,
    warn_on_other_rows,
    warn_on_same_rows,
)
from modelwright.training.baseline_features import LONGEST, find_side
from modelwright.training.baseline_figures import Baseline, Baselines
from modelwright.training.baselines import cross_validate_baselines, measure_baselines
from modelwright.training.evaluate import EvaluatedRows, evaluate_rows
from modelwright.training.extras import Extras
from modelwright.training.observers import Observer

NAMES = ["majority class", "TF-IDF + logistic regression"]
WORDS = (("awful", "dull", "slow"), ("great", "funny", "warm"))
FILL = ["the", "film", "and", "its", "plot", "with", "an", "actor"]


class Texts(list[str]):
    def take(self, indices: Any) -> list[str]:
        return [self[int(index)] for index in indices]


class Images(list[np.ndarray]):
    def take(self, indices: Any) -> Any:
        return np.stack([self[int(index)] for index in indices])


def split(inputs: Any, labels: Sequence[int], copies: Sequence[int] | None = None) -> Split:
    digests = None
    if copies is not None:
        digests = np.stack([copies, copies], axis=1).astype(np.uint64)
    return Split(inputs, np.array(labels), digests)


def reviews(rows: int, seed: int, noise: float = 0.1) -> Split:
    random = np.random.default_rng(seed)
    labels = [row % 2 for row in range(rows)]
    texts = [
        " ".join([*random.choice(FILL, 6), random.choice(WORDS[label ^ (random.random() < noise)])])
        for label in labels
    ]
    return split(Texts(texts), labels)


def of(found: Baselines) -> Baseline:
    return found.models[1]


def dataset(train: Split, val: Split | None = None) -> Dataset:
    splits: Any = {"train": train, **({"val": val} if val else {})}
    return Dataset("text", ("neg", "pos"), splits, "", "reviews.csv")


def answers(rows: Split, accuracy: float) -> Measurement:
    right = np.arange(len(rows)) < accuracy * len(rows)
    probabilities = np.eye(2, dtype=np.float32)[np.where(right, rows.labels, 1 - rows.labels)]
    return Measurement(compute_metrics(probabilities, rows.labels), probabilities)


def figures(*rights: float, rows: int = 100) -> Baselines:
    models = tuple(
        Baseline(
            name, right, right, (right, right), rows, rows, right=np.arange(rows) < rows * right
        )
        for name, right in zip(NAMES, rights, strict=True)
    )
    return Baselines(models, np.arange(rows))


def test_few_texts_give_what_the_script_gives_that_a_reader_would_write() -> None:
    train, test = reviews(120, 0), reviews(200, 1, noise=0.3)
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=200)
    model.fit(vectorizer.fit_transform(train.inputs), train.labels)
    accuracy = model.score(vectorizer.transform(test.inputs), test.labels)
    assert 0.6 < accuracy < 0.8
    found = measure_baselines("text", train, test)
    assert [one.name for one in found.models] == NAMES
    assert [one.accuracy for one in found.models] == [0.5, accuracy]
    assert of(found).note is None
    assert [one.fitted_rows for one in found.models] == [120, 120]


def test_images_are_classified_by_their_pixels() -> None:
    random = np.random.default_rng(0)
    labels = [row % 3 for row in range(90)]
    images = Images(
        np.clip(random.normal(60 * label + 60, 20, (48, 40, 3)), 0, 255).astype(np.uint8)
        for label in labels
    )
    found = cross_validate_baselines("image", split(images, labels))
    assert of(found).name == "logistic regression on pixels"
    assert of(found).accuracy == 1
    assert found.models[0].accuracy == pytest.approx(1 / 3, abs=0.1)


def test_figures_repeat_and_their_json_begins_with_the_name_and_the_scores() -> None:
    rows = reviews(80, 0)
    first, again = (cross_validate_baselines("text", rows, seed=3) for _ in range(2))
    assert first.to_list() == again.to_list()
    for one in first.to_list():
        assert list(one)[:3] == ["name", "accuracy", "macro_f1"]
    json.dumps(first.to_list(), allow_nan=False)


def test_no_copy_of_a_row_says_what_it_is() -> None:
    random = np.random.default_rng(0)
    texts = [" ".join(random.permutation(FILL)) + f" word{row}" for row in range(60)]
    labels = random.integers(0, 2, 60)
    copies = np.tile(np.arange(60), 4)
    rows = split(Texts(texts * 4), np.tile(labels, 4).tolist(), copies.tolist())
    known, unknown = (
        cross_validate_baselines("text", split(rows.inputs, rows.labels.tolist())),
        (cross_validate_baselines("text", rows)),
    )
    assert (of(known).accuracy or 0) > 0.9  # the copies give the labels away
    assert (of(unknown).accuracy or 1) < 0.7


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (split(Texts(["fine words"] * 9), [0] * 9), "the training rows are of one class"),
        (split(Texts(["?!", "...", "-"] * 4), [0, 1] * 6), "no training text has a word"),
        (split(Texts(["one text", "other text"]), [0, 1]), "too few training rows for folds"),
        (split(Texts(["the text"] * 6), [0] * 5 + [1], [7] * 6), "too few training rows"),
    ],
    ids=["one class", "punctuation", "two rows", "one row in copies"],
)
def test_rows_of_which_nothing_can_be_learned_give_a_reason(rows: Split, told: str) -> None:
    found = cross_validate_baselines("text", rows)
    assert of(found).accuracy is None
    assert told in str(of(found).note)
    assert any(told in str(value) for _, value in found.facts())


def test_the_row_of_a_class_with_one_row_is_not_measured() -> None:
    rows = reviews(40, 0)
    one_more = split(Texts([*rows.inputs, "a third class"]), [*rows.labels, 2])  # type: ignore[misc]
    assert of(cross_validate_baselines("text", one_more)).rows == 40


def test_many_classes_of_three_rows_take_seconds() -> None:
    labels = np.repeat(np.arange(100), 3).tolist()
    rows = split(Texts(f"word{one} text" for one in labels), labels)
    found = cross_validate_baselines("text", rows)
    assert (of(found).accuracy or 0) > 0.9
    assert [find_side(900, columns) for columns in (1, 10, 300, 3000)] == [32, 32, 16, 8]


def test_texts_that_are_not_read_to_their_end_are_told() -> None:
    rows = reviews(40, 0)
    long = Texts(f"{text} " + "the film " * (LONGEST // 8) for text in rows.inputs)  # type: ignore[attr-defined]
    note = of(cross_validate_baselines("text", split(long, rows.labels.tolist()))).note
    assert note == "read the first 20,000 characters of 40 longer texts"


def test_rows_that_are_left_out_for_speed_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_ROWS", {"text": 50})
    found = measure_baselines("text", reviews(120, 0), reviews(80, 1))
    measured = "measured on 50 of 80 rows"
    assert of(found).note == f"fitted on 50 of 120 training rows, for speed; {measured}"
    assert found.models[0].note == measured
    assert (of(found).fitted_rows, of(found).rows, len(found.positions)) == (50, 50, 50)


def test_a_missing_package_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sklearn.linear_model", None)
    found = measure_baselines("text", reviews(20, 0), reviews(20, 1))
    assert found.models[0].accuracy == 0.5
    assert of(found).note == "scikit-learn is not installed; install modelwright[train]"


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (0.99, None),  # better
        (0.9, None),  # as good as the better baseline
        (0.88, "the model is behind TF-IDF + logistic regression"),
        (0.6, "the model loses to TF-IDF + logistic regression"),
    ],
)
def test_a_model_is_told_to_lose_only_where_it_does(model: float, told: str | None) -> None:
    simple = figures(0.5, 0.9)
    right = np.arange(100) < 100 * model
    for found in (
        warn_on_same_rows(simple, right),
        warn_on_other_rows(simple, int(right.sum()), 100, "validation rows"),
    ):
        assert (found is None) == (told is None)
        assert str(told or None) in str(found)
        if told:
            assert ("may be chance" in str(found)) == ("behind" in told)
            assert f"{100 * model:.2f} % against 90.00 % on" in str(found)


def test_a_model_that_may_be_no_better_than_the_majority_class_is_told() -> None:
    told = warn_on_same_rows(figures(0.5, 0.5), np.arange(100) < 52)
    assert "not shown to be better than always predicting the most frequent class" in str(told)


def test_rows_that_were_trained_on_do_not_count() -> None:
    seen, right = np.arange(100) >= 50, np.arange(100) >= 50
    simple = figures(0.5, 0.5)
    assert warn_on_same_rows(simple, right) is not None
    told = warn_on_same_rows(simple, right, seen)
    assert "0.00 % against 100.00 % on the same 50 rows" in str(told)
    assert warn_on_same_rows(simple, right, np.ones(100, bool)) is None


def test_a_training_is_compared_where_there_are_rows_for_it() -> None:
    train = reviews(100, 0)
    many, few = reviews(120, 1), reviews(20, 2)
    simple, told = compare_training(dataset(train, many), answers(many, 0.5))
    assert not simple.folded
    assert "loses to TF-IDF + logistic regression" in str(told)
    assert "on the same 120 rows" in str(told)
    assert compare_training(dataset(train, many), answers(many, 1))[1] is None
    simple, told = compare_training(dataset(train, few), answers(few, 0.2))
    assert simple.folded
    assert "on 20 validation rows, the baseline out of fold on 100 training rows" in str(told)
    assert compare_training(dataset(train), None, out_of_fold=(99, 100))[1] is None
    told = compare_training(dataset(train), None, out_of_fold=(50, 100))[1]
    assert "on 100 training rows out of fold; the difference" in str(told)
    assert compare_training(dataset(train), None)[1] is None


def mean_of_words(shape: tuple[int], classes: int, vocabulary: int) -> keras.Model:
    """A network of a user that compiles in no time."""
    layers = [
        keras.layers.Embedding(vocabulary, 2),
        keras.layers.GlobalAveragePooling1D(),
        keras.layers.Dense(classes, "softmax"),
    ]
    return keras.Sequential([keras.Input(shape, dtype="int32"), *layers])


def test_a_bad_network_is_told_at_training_and_at_evaluation_and_a_resumed_one_once(
    reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[int] = []

    def compare(*given: Any, **options: Any) -> Any:
        compared.append(1)
        return compare_training(*given, **options)

    monkeypatch.setattr(training, "compare_training", compare)
    config = resolve_settings(
        None,
        {
            "data": {"source": str(reviews), "test": 0.2},
            "model": {"recipe": f"{__name__}:mean_of_words", "vocabulary": 60, "length": 12},
            "train": {"epochs": 2, "min_steps": 0, "learning_rate": 1e-6, "precision": "float32"},
        },
    )

    class Stop(Observer):
        def on_epoch(self, epoch: Any) -> str | None:
            return "enough"

    stopped = training.train(config, out=tmp_path / "bad", extras=Extras(observers=(Stop(),)))
    assert (stopped.status, stopped.baselines.models, compared) == ("stopped", (), [])
    report = training.resume(tmp_path / "bad")
    assert (report.status, compared) == ("finished", [1])
    assert [one["name"] for one in report.to_dict()["baselines"]] == NAMES
    assert any("loses to TF-IDF + logistic regression" in one for one in report.warnings)
    shown = CliRunner().invoke(app, ["runs", "show", str(tmp_path / "bad")])
    assert "strongest baseline" in shown.output
    evaluated = evaluate_rows(tmp_path / "bad", EvaluatedRows())
    assert "loses to TF-IDF + logistic regression" in evaluated.warnings[0]
    assert "warning" in dict(evaluated.blocks()[0].rows)  # type: ignore[attr-defined]
    without = CliRunner().invoke(
        app, ["evaluate", str(tmp_path / "bad"), "--no-baselines", "--json", "-q"]
    )
    record = json.loads(without.stdout)
    assert (record["baselines"], record["warnings"]) == ([], [])
    assert record["majority_accuracy"] > 0.5


def test_a_good_network_has_no_warning(text_run: Path) -> None:
    record = json.loads((text_run / "run.json").read_text())["metrics"]
    assert [one["name"] for one in record["baselines"]] == NAMES
    report = evaluate_rows(text_run, EvaluatedRows())
    assert report.warnings == ()
    assert [one.rows for one in report.baselines.models] == [report.metrics.rows] * 2


def test_an_evaluation_without_the_training_rows_says_why(
    text_run: Path, reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = EvaluatedRows(split="train")
    report = evaluate_rows(text_run, rows)
    assert {one.note for one in report.baselines.models} == {
        "the measured rows are the training rows"
    }
    facts = dict(report.blocks()[0].rows)  # type: ignore[attr-defined]
    assert facts["baselines"] == "not measured: the measured rows are the training rows"


def test_a_training_without_baselines_is_asked_for_by_an_option(
    reviews: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[bool] = []

    def refuse(*_: Any, baselines: bool, **__: Any) -> None:
        given.append(baselines)
        raise ConfigError("enough")

    monkeypatch.setattr(training, "train", refuse)
    for options in ([], ["--no-baselines"]):
        arguments = ["train", str(reviews), "--recipe", "bilstm", *options]
        assert CliRunner().invoke(app, arguments).exit_code != 0
    assert given == [True, False]
