from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import modelwright
from modelwright.core.config import ModelConfig
from modelwright.core.errors import ConfigError
from modelwright.models import ngrams
from modelwright.models.adaptation import AdaptationData
from modelwright.models.builders import adapt_network, build_network
from modelwright.models.ngrams import NO_BUCKET, Buckets, log_count_ratios
from modelwright.models.options import MOST_BUCKETS
from modelwright.runs.run import load_run
from modelwright.training.batches import TokenIds
from modelwright.training.observers import Epoch
from modelwright.training.session import Session
from sample_data import write_csv

OPTIONS = {"vocabulary": 12, "length": 6, "buckets": 4096, "min_count": 1}
CONFIG = ModelConfig(builder="ngrams", options=OPTIONS)
# Three texts: "good film", "not good film film", "not <unknown> film".
TEXTS = np.array([[2, 3, 0, 0, 0, 0], [4, 2, 3, 3, 0, 0], [4, 1, 3, 0, 0, 0]], np.int32)
LABELS = np.array([1, 0, 0])


def grams(row: list[int], vocabulary: int = 12, buckets: int = 4096) -> set[int]:
    """Returns the buckets of a row's 1- to 3-grams, computed with unbounded integers."""
    hashed, found = buckets - vocabulary, set()
    factor = 251 if hashed % 251 else 241
    for start in range(len(row)):
        code = 0
        for width, token in enumerate(row[start : start + 3], 1):
            if token <= 1:
                break
            code = token if width == 1 else (code * factor**3 + token) % hashed
            found.add(code if width == 1 else vocabulary + code)
    return found


def buckets_of(ids: np.ndarray, longest: int = 3) -> list[set[int]]:
    found = keras.ops.convert_to_numpy(Buckets(12, 4096, longest)(ids))
    for row in found:
        kept = row[row != NO_BUCKET]
        assert len(set(kept)) == len(kept), "each n-gram counts once"
    return [set(row[row != NO_BUCKET].tolist()) for row in found]


def adapted(config: ModelConfig, ids: np.ndarray, labels: np.ndarray, classes: int) -> Any:
    network = build_network(config, ids.shape[1:], classes)
    adapt_network(config, network, AdaptationData(TokenIds(ids), labels))  # type: ignore[arg-type]
    return network


def test_the_ngrams_of_three_texts_by_hand() -> None:
    first, second, third = buckets_of(TEXTS)
    assert [first, second, third] == [grams(list(row)) for row in TEXTS]
    # good, film, good film
    assert len(first) == 3
    # not, good, film, not good, good film, film film, not good film, good film film
    assert len(second) == 8
    assert first < second
    # An unknown token parts what stands on its sides.
    assert third == {3, 4}


def test_padding_and_the_position_of_a_text_change_nothing() -> None:
    [alone] = buckets_of(np.array([[4, 2, 3]], np.int32))
    [padded] = buckets_of(np.array([[4, 2, 3, 0, 0, 0, 0]], np.int32))
    [behind] = buckets_of(np.array([[1, 4, 2, 3]], np.int32))
    assert alone == padded == behind
    network = adapted(CONFIG, TEXTS, LABELS, 2)
    network.get_layer("scores").weight.assign(np.full((4096, 1), 0.01, np.float32))
    any_length = build_network(CONFIG, (None,), 2)
    any_length.set_weights(network.get_weights())
    for rows in (TEXTS[:1, :2], TEXTS[:1, :3], np.pad(TEXTS[:1], ((0, 0), (0, 30)))):
        np.testing.assert_allclose(
            any_length.predict(rows, verbose=0), network.predict(TEXTS[:1], verbose=0), rtol=1e-6
        )


def test_texts_shorter_than_the_longest_ngram() -> None:
    assert buckets_of(np.array([[5]], np.int32), longest=5) == [{5}]
    assert buckets_of(np.array([[0, 0]], np.int32), longest=5) == [set()]


def test_the_largest_codes_do_not_overflow() -> None:
    vocabulary = 1_000_000
    ids = np.random.default_rng(0).integers(2, vocabulary, (50, 40)).astype(np.int32)
    found = np.asarray(Buckets(vocabulary, MOST_BUCKETS, 3)(ids))
    for row, tokens in zip(found, ids.tolist(), strict=True):
        assert set(row[row != NO_BUCKET].tolist()) == grams(tokens, vocabulary, MOST_BUCKETS)


def test_ngrams_spread_evenly_over_the_buckets() -> None:
    ids = np.stack(np.meshgrid(np.arange(2, 302), np.arange(2, 302)), axis=-1).reshape(-1, 2)
    found = np.asarray(Buckets(1000, 101_000, 2)(ids.astype(np.int32)))
    used = len(np.unique(found[found >= 1000]))
    by_chance = 100_000 * (1 - np.exp(-90_000 / 100_000))
    assert used > 0.97 * by_chance


def test_ratios_by_hand() -> None:
    network = adapted(CONFIG, TEXTS, LABELS, 2)
    given = network.get_layer("scores").ratio.numpy()[:, 0]
    # Documents a class: 3 n-grams in "good film"; 8 and 2 in the two others. One is added to
    # the count of each of the 4096 buckets.
    inside, outside = 3 + 4096, 10 + 4096
    assert given[2] == pytest.approx(np.log((2 / inside) / (2 / outside)), abs=1e-5)
    assert given[3] == pytest.approx(np.log((2 / inside) / (3 / outside)), abs=1e-5)
    assert given[4] == pytest.approx(np.log((1 / inside) / (3 / outside)), abs=1e-5)
    assert np.count_nonzero(given) == 8
    assert given[NO_BUCKET] == 0


def test_each_class_of_several_against_the_rest() -> None:
    counts = np.array([[3, 0, 1], [0, 2, 0]], np.float32)
    given = log_count_ratios(counts, 1.0, 0, 3)
    # First class: counts 3 and 0 inside, 1 and 2 outside, one added to each.
    assert given[0, 0] == pytest.approx(np.log((4 / 5) / (2 / 5)))
    assert given[1, 1] == pytest.approx(np.log((3 / 4) / (1 / 6)))
    assert log_count_ratios(counts, 1.0, 3, 3)[1].tolist() == [0, 0, 0]
    two = log_count_ratios(counts[:, :2], 0.5, 0, 1)
    assert two[0, 0] == pytest.approx(np.log((0.5 / 3) / (3.5 / 4)))


@pytest.mark.parametrize(
    ("key", "value"), [("longest", 1), ("min_count", 2), ("smoothing", 3.0), ("buckets", 2048)]
)
def test_each_option_changes_the_ratios(key: str, value: float) -> None:
    changed = ModelConfig(builder="ngrams", options={**OPTIONS, key: value})
    values = [
        np.sort(np.unique(adapted(config, TEXTS, LABELS, 2).get_layer("scores").ratio.numpy()))
        for config in (CONFIG, changed)
    ]
    assert len(values[0]) != len(values[1]) or not np.allclose(values[0], values[1])


def test_a_score_by_hand() -> None:
    network = adapted(CONFIG, TEXTS, LABELS, 2)
    scores = network.get_layer("scores")
    scores.weight.assign(np.arange(4096, dtype=np.float32)[:, None] / 1e5)
    scores.bias.assign([0.25])
    found = grams([4, 2, 3, 3])
    given = scores.ratio.numpy()[:, 0]
    total = 100 * sum(given[b] * b / 1e5 for b in found) / np.sqrt(len(found)) + 0.25
    answer = network.predict(TEXTS[1:2], verbose=0)
    assert answer[0, 0] == pytest.approx(1 / (1 + np.exp(-total)), rel=1e-4)


def test_too_few_buckets_are_rejected() -> None:
    config = ModelConfig(builder="ngrams", options={"vocabulary": 5000, "buckets": 4096})
    with pytest.raises(ConfigError, match=r"model.buckets was given 4096 .* expected more buckets"):
        build_network(config, (6,), 2)


def negations(count: int, seed: int = 0) -> list[tuple[str, str]]:
    """Returns rows in which each word is equally frequent in both classes."""
    random = np.random.default_rng(seed)
    names = ["film", "plot", "actor", "scene", "score"]
    rows = []
    for number in range(count):
        negated, bad = bool(number % 2), bool(number // 2 % 2)
        word, other = ("bad", "good") if bad else ("good", "bad")
        # Both words and one "not" in every text: only what the "not" stands before decides.
        said = f"not {word} {random.choice(names)} {other}"
        if negated:
            said = f"{word} {random.choice(names)} not {other}"
        label = "pos" if (word == "bad") != negated else "neg"
        rows.append((f"{random.choice(names)} {number} {said} {random.choice(names)}", label))
    return rows


@pytest.fixture(scope="module")
def negated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("negations")
    return write_csv(folder / "negations.csv", negations(240), ("text", "label"))


def train(source: Path, out: Path, **model: Any) -> Any:
    small: dict[str, Any] = {"vocabulary": 500, "length": 16, "buckets": 4096, "min_count": 2}
    small |= {"fit": "steps", **model}
    return modelwright.train(
        data={"source": str(source), "test": 0.2, "val": 0.4},
        model={"recipe": "text-fast", **small},
        train={"epochs": 5, "batch_size": 16, "patience": 0, "monitor": "val_accuracy"},
        out=out,
    )


@pytest.fixture(scope="module")
def trained(negated: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return train(negated, tmp_path_factory.mktemp("runs") / "negations")


def test_negation_is_learned_but_not_from_single_words(
    negated: Path, trained: Any, tmp_path: Path
) -> None:
    assert trained.val_accuracy == 1.0
    assert train(negated, tmp_path / "words", longest=1).val_accuracy < 0.75


def test_more_than_two_classes(tmp_path: Path) -> None:
    words = {"red": "rose", "green": "grass", "blue": "sea"}
    rows = [(f"{number} the {words[c]} is {c}", c) for number in range(60) for c in words]
    report = train(write_csv(tmp_path / "c.csv", rows, ("text", "label")), tmp_path / "run")
    network = load_run(report.run).network()
    assert network.output_shape == (None, 3)
    assert report.val_accuracy == 1.0


def test_resuming_does_not_count_again_and_gives_the_same_bits(
    negated: Path, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = []
    count, end = ngrams.adapt, Session.finish_epoch

    def counting(*given: Any) -> None:
        counted.append(1)
        count(*given)

    def killed(self: Session, network: Any, values: dict[str, float]) -> Epoch:
        finished = end(self, network, values)
        if finished.number == 2:
            raise MemoryError
        return finished

    monkeypatch.setattr(ngrams, "adapt", counting)
    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(Session, "finish_epoch", killed)
        train(negated, tmp_path / "cut")
    report = modelwright.resume(tmp_path / "cut")
    assert len(counted) == 1
    weights = [load_run(one.run).network().get_weights() for one in (trained, report)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.usefixtures("export_in_process")
def test_the_servable_predicts_like_the_network(trained: Any, tmp_path: Path) -> None:
    exported = modelwright.export(trained.run, tmp_path / "model")
    assert exported.parity["savedmodel"]["labels_changed"] == 0
    assert exported.parity["onnx"]["labels_changed"] == 0
    answers = modelwright.load(exported.servable).predict(
        ["not good film bad", "good film not bad"]
    )
    assert [answer.label for answer in answers] == ["neg", "pos"]


@pytest.mark.parametrize("classes", [2, 3])
def test_answers_without_a_graph_are_those_of_the_network(classes: int) -> None:
    random = np.random.default_rng(0)
    ids = random.integers(1, 12, (50, 6)).astype(np.int32)
    ids[np.arange(6) >= random.integers(0, 7, 50)[:, None]] = 0
    network = adapted(CONFIG, ids, np.arange(50) % classes, classes)
    scores = network.get_layer("scores")
    scores.weight.assign(random.normal(0, 0.01, scores.weight.shape))
    scores.bias.assign(np.arange(scores.columns) + 0.5)
    steps: list[Any] = []
    found = network.answer(TokenIds(ids), lambda *step: steps.append(step))
    expected = keras.ops.convert_to_numpy(network(ids))
    assert found.shape == (50, classes)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[:, -scores.columns :], expected, atol=1e-6)
    assert len(np.unique(expected.round(3))) > 20
    assert steps == [("evaluating", 50, 50)]
