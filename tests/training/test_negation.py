"""The negation slice: its metrics for constructed models, and the models that have none."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import modelwright
from modelwright.checks.negation import LANGUAGES, Language, pairs
from modelwright.core.types import Split
from modelwright.data.rows import Texts
from modelwright.models.graph_tokenizer import GraphTokenizer, learn_vocabulary
from modelwright.models.options import TextOptions
from modelwright.training.negation import measure_negation, negation_slice
from sample_data import write_csv

LABELS = ("差评", "好评")


def all_texts(language: Language) -> list[tuple[str, str]]:
    """Returns (text, label) of every sentence."""
    name = {True: "pos", False: "neg"}
    return [
        row
        for pair in pairs(language)
        for row in ((pair.plain, name[pair.praise]), (pair.negated, name[not pair.praise]))
    ]


class Fake:
    """Gives each sentence of a language the label that ``is_positive`` returns for its pair."""

    def __init__(self, language: Language, is_positive: Any) -> None:
        self.positive = {}
        for pair in pairs(language):
            self.positive[pair.plain] = is_positive(pair, False)
            self.positive[pair.negated] = is_positive(pair, True)

    def __call__(self, texts: list[str]) -> np.ndarray:
        probability = np.array([0.9 if self.positive[text] else 0.1 for text in texts], np.float32)
        return np.stack([1 - probability, probability], axis=1)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_that_ignores_negation_gets_half_and_no_pair(language: Language) -> None:
    fake = Fake(language, lambda pair, negated: pair.praise)
    found = negation_slice(language, pairs(language), LABELS, fake)
    assert (found.accuracy, found.whole.both) == (0.5, 0.0)
    assert (found.whole.plain, found.whole.negated) == (1.0, 0.0)
    low, high = found.accuracy_interval
    assert 0.43 < low < 0.5 < high < 0.57


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_perfect_model_gets_everything(language: Language) -> None:
    fake = Fake(language, lambda pair, negated: pair.praise != negated)
    found = negation_slice(language, pairs(language), LABELS, fake)
    assert found.accuracy == 1.0
    for group in (found.whole, *found.turned, *found.kinds):
        assert (group.plain, group.negated, group.both) == (1.0, 1.0, 1.0)
    assert sum(group.pairs for group in found.kinds) == found.whole.pairs == len(pairs(language))
    assert all(answer.label == answer.predicted for answer in found.answers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_model_that_reads_every_negation_as_blame_gains_nothing(language: Language) -> None:
    fake = Fake(language, lambda pair, negated: pair.praise and not negated)
    found = negation_slice(language, pairs(language), LABELS, fake)
    assert found.whole.negated == 0.5
    assert {group.name: group.both for group in found.turned} == {
        "praise negated": 1.0,
        "blame negated": 0.0,
    }


def test_the_order_of_the_labels_decides_which_is_positive() -> None:
    fake = Fake("en", lambda pair, negated: pair.praise != negated)
    assert negation_slice("en", pairs("en"), ("positive", "negative"), fake).accuracy == 0.0
    with pytest.raises(ValueError, match="two opposite sentiments"):
        negation_slice("en", pairs("en"), ("0", "1"), fake)


def split(texts: list[str]) -> Split:
    rows = Texts(np.arange(len(texts)), str, pa.array(texts, pa.large_string()))
    return Split(rows, np.zeros(len(texts), np.int64))


def languages(folder: Path, options: TextOptions, texts: list[str]) -> list[str]:
    """Returns the languages in which a model that learned such texts is measured."""
    path = folder / "v.txt"
    learn_vocabulary(
        [[text for text, _ in all_texts("en") + all_texts("zh")], texts], options, path
    )
    return measured_languages(path, options, texts)


def measured_languages(path: Path, options: TextOptions, texts: list[str]) -> list[str]:
    class Network:
        def predict(self, batches: Any, **_: Any) -> np.ndarray:
            return np.full((len(batches.inputs), 1), 0.5, np.float32)

    found = measure_negation(("neg", "pos"), Network(), GraphTokenizer(options, path), split(texts))
    return [one.language for one in found]


def test_the_languages_of_the_rows_are_measured(tmp_path: Path) -> None:
    options = TextOptions(vocabulary=2000, length=20)
    english, chinese, russian = ["a fine film"] * 8, ["很好的电影"] * 8, ["хороший фильм"] * 8
    assert languages(tmp_path, options, english) == ["en"]
    assert languages(tmp_path, options, chinese) == ["zh"]
    assert languages(tmp_path, options, english + chinese) == ["en", "zh"]
    assert languages(tmp_path, options, russian) == []
    # A single row in another language is not enough.
    assert languages(tmp_path, options, chinese * 12 + english[:1]) == ["zh"]


def test_a_script_alone_does_not_decide_the_language(tmp_path: Path) -> None:
    french = ["un film très long et une histoire sans intérêt"] * 4
    learn_vocabulary([french], TextOptions(), tmp_path / "french.txt")
    assert measured_languages(tmp_path / "french.txt", TextOptions(), french) == []
    # A character tokenizer of a Chinese model knows every Latin letter, but its rows are Chinese.
    characters = TextOptions(tokens="char", length=40)
    assert languages(tmp_path, characters, ["很好的电影，演员演技非常好 ok"] * 4) == ["zh"]


def test_models_of_other_tasks_are_not_measured(tmp_path: Path) -> None:
    rows = split([text for text, _ in all_texts("en")])
    path = tmp_path / "v.txt"
    learn_vocabulary([rows.inputs.take(np.arange(len(rows)))], TextOptions(), path)
    tokenizer = GraphTokenizer(TextOptions(), path)
    for labels in (("neg", "neutral", "pos"), ("0", "1"), ("ham", "spam")):
        assert measure_negation(labels, None, tokenizer, rows) == ()
    assert measure_negation(("neg", "pos"), None, None, rows) == ()


def test_an_evaluation_has_a_slice_for_each_language(tmp_path: Path) -> None:
    rows = write_csv(tmp_path / "r.csv", all_texts("en") + all_texts("zh"), ("text", "label"))
    trained = modelwright.train(
        data={"source": str(rows), "test": 0.2},
        model={"recipe": "textcnn", "filters": 4, "context": 0, "length": 16},
        train={"epochs": 1, "batch_size": 64, "precision": "float32"},
        out=tmp_path / "run",
    )
    report = modelwright.evaluate(trained.run)
    written = json.loads((report.folder / "evaluation.json").read_text())
    assert [one["language"] for one in written["slices"]] == ["en", "zh"]
    for one, found in zip(written["slices"], report.slices, strict=True):
        assert one == found.to_dict()
        assert one["rows"] == 256 and len(one["kinds"]) == 8
        assert one["accuracy"] == (one["plain_accuracy"] + one["negated_accuracy"]) / 2
    with (report.folder / "negation.csv").open(encoding="utf-8") as file:
        answers = list(csv.DictReader(file))
    assert len(answers) == 512
    right = [row["label"] == row["predicted"] for row in answers if row["language"] == "zh"]
    assert np.mean(right) == written["slices"][1]["accuracy"]
    page = report.render()
    assert re.search(r"negation, Chinese: [\d.]+ % of 256 sentences right", page)
    assert re.search(r"一点也不 +16 ", page)


def test_image_models_and_tiny_vocabularies_have_no_slice(image_run: Path, text_run: Path) -> None:
    for run in (image_run, text_run):
        report = modelwright.evaluate(run)
        assert report.to_dict()["slices"] == []
        assert "negation" not in report.render()
        assert not (report.folder / "negation.csv").exists()
