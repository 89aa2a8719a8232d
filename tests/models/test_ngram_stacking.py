"""A solved n-gram network that starts from the weights of another one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest

import modelwright
from modelwright.core.errors import ConfigError
from modelwright.core.types import FloatArray, IntArray
from modelwright.models import ngram_stacking
from modelwright.models.score_stacking import Stack
from modelwright.runs.run import load_run
from sample_data import sentences, write_csv

MODEL = {"recipe": "text-fast", "vocabulary": 200, "length": 12, "buckets": 1024}


@pytest.fixture(scope="module")
def source(reviews: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("source") / "run"
    return modelwright.train(str(reviews), model=MODEL, out=out).run


def network_scores(run: Path, texts: list[str]) -> FloatArray:
    loaded = load_run(run)
    tokenizer = loaded.tokenizer()
    assert tokenizer is not None
    network = loaded.network()
    inner = keras.Model(network.inputs, network.get_layer("scores").output)
    found: FloatArray = inner.predict(tokenizer.encode(texts), verbose=0)
    return found


def test_few_rows_learn_from_the_model_before(source: Path, tmp_path: Path) -> None:
    few = write_csv(tmp_path / "few.csv", sentences(12), ("text", "label"))
    report = modelwright.train(
        str(few), data={"test": 0}, start_from=source, freeze=(), out=tmp_path / "run"
    )
    names = {"strength", "ratio_share", "source_weight", "own_weight"}
    assert report.solution["choice"].keys() == names
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


def test_a_source_that_is_always_wrong_loses_its_say(source: Path, tmp_path: Path) -> None:
    other = {"pos": "neg", "neg": "pos"}
    turned = [(text, other[label]) for text, label in sentences(80, seed=1)]
    rows = write_csv(tmp_path / "turned.csv", turned, ("text", "label"))
    report = modelwright.train(str(rows), start_from=source, out=tmp_path / "run")
    assert report.solution["choice"]["source_weight"] < 0.1
    assert report.solution["cross_validated_accuracy"] > 0.9


def test_the_estimate_for_labels_without_sense_is_that_of_guessing(
    source: Path, tmp_path: Path
) -> None:
    labels = np.random.default_rng(0).permutation(["pos", "neg"] * 100)
    drawn = [(text, str(label)) for (text, _), label in zip(sentences(200), labels, strict=True)]
    rows = write_csv(tmp_path / "drawn.csv", drawn, ("text", "label"))
    report = modelwright.train(str(rows), data={"test": 0}, start_from=source, out=tmp_path / "run")
    assert abs(report.solution["cross_validated_accuracy"] - 0.5) < 0.1


def test_the_network_is_the_weighed_sum_of_both(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [text for text, _ in sentences(30)]
    rows = write_csv(tmp_path / "rows.csv", sentences(30), ("text", "label"))
    monkeypatch.setattr(ngram_stacking, "_STRENGTHS", (10.0,))
    monkeypatch.setattr(ngram_stacking, "RATIO_SHARES", (0.1,))

    def scores(name: str, *weights: float) -> FloatArray:
        stack = Stack(weights[0], weights[1], np.array(weights[2:]))
        monkeypatch.setattr(ngram_stacking, "fit_stack", lambda *_: stack)
        out = tmp_path / name
        modelwright.train(str(rows), data={"test": 0}, start_from=source, out=out)
        return network_scores(out, texts)

    theirs, own = scores("theirs", 1.0, 0.0, 0.0), scores("own", 0.0, 1.0, 0.0)
    assert np.isclose(theirs, network_scores(source, texts)).mean() > 0.9
    both = scores("both", 0.5, 2.0, 0.25)
    np.testing.assert_allclose(both, theirs / 2 + own * 2 + 0.25, atol=1e-4)


def test_a_row_that_weighs_two_is_chosen_by_like_two_rows() -> None:
    draw = np.random.default_rng(0)
    scores = draw.normal(size=(12, 2)).astype(np.float32)
    labels, times = np.arange(12) % 2, np.where(np.arange(12) % 2, 1, 3)

    def loss(rows: IntArray, weights: FloatArray) -> FloatArray:
        data: Any = SimpleNamespace(labels=labels)
        unused: Any = None
        bias = np.zeros(1, np.float32)
        problem = ngram_stacking._Problem(data, unused, 0.0, unused, unused, bias, weights)
        return problem.stacked_loss(scores[rows], rows)

    weighed = loss(np.arange(12), times.astype(np.float32))
    repeated = loss(np.repeat(np.arange(12), times), np.ones(12, np.float32))
    assert weighed.sum() == pytest.approx(repeated.sum(), rel=1e-4)
    plain = loss(np.arange(12), np.ones(12, np.float32))
    assert abs(plain.sum() - weighed.sum()) > 1


def test_other_classes_leave_a_solved_network_nothing_to_start_from(
    source: Path, reviews: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.csv"
    other.write_text(reviews.read_text("utf-8").replace(",neg", ",zzz"), "utf-8")
    with pytest.raises(ConfigError, match=r"nothing to start from.*data\.labels\.OLD=NEW.*update"):
        modelwright.train(str(other), start_from=source, out=tmp_path / "run")
    with pytest.raises(ConfigError, match=r"'freeze' was given, but the solver"):
        modelwright.train(str(reviews), start_from=source, freeze="features", out=tmp_path / "run")


THINGS = {"fruit": ["apple", "plum", "pear"], "car": ["wheel", "road"], "pet": ["dog", "cat"]}


def things(count: int, *names: str, seed: int = 0) -> list[tuple[str, str]]:
    """Returns so many (text, label) rows of each of some classes."""
    draw = np.random.default_rng(seed)
    return [
        (f"a {draw.choice(THINGS[name])} {number} of {draw.choice(THINGS[name])}", name)
        for name in names
        for number in range(count)
    ]


@pytest.mark.slow
def test_a_class_with_one_row_is_still_known_from_the_source(tmp_path: Path) -> None:
    several = write_csv(tmp_path / "source.csv", things(40, *THINGS), ("text", "label"))
    source = modelwright.train(str(several), model=MODEL, out=tmp_path / "source").run
    train = [*things(15, "fruit", "car", seed=1), *things(1, "pet", seed=1)]
    asked = things(20, "pet", seed=2)
    rows = tmp_path / "rows.csv"
    lines = [f"{text},{label},train" for text, label in train]
    lines += [f"{text},{label},test" for text, label in asked]
    rows.write_text("\n".join(["text,label,split", *lines]), "utf-8")
    report = modelwright.train(str(rows), start_from=source, out=tmp_path / "run")
    found = network_scores(report.run, [text for text, _ in asked])
    labels = load_run(report.run).labels
    assert (found.argmax(axis=1) == labels.index("pet")).mean() > 0.9
