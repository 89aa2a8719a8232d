"""A distillation, from a teacher to a student's run that needs it no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelwright
from modelwright.core.errors import ConfigError, DataError
from modelwright.distillation.distill import Distilling
from modelwright.runs.run import load_run
from modelwright.training.soft_labels import read_soft_labels
from sample_data import write_csv

STUDENT = {"recipe": "text-fast", "vocabulary": 60, "length": 16, "buckets": 512}
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def few(tmp_path: Path) -> Path:
    """Six labeled rows a class, each with a word of its own, and test rows with other words."""
    known = {"pos": ("fine", "great"), "neg": ("dull", "bad")}
    rows = [
        (f"{words[0]} film {n}", name, "train") for name, words in known.items() for n in "abcdef"
    ]
    rows += [(f"{words[1]} {n}", name, "test") for name, words in known.items() for n in "uvwxyz"]
    return write_csv(tmp_path / "few.csv", rows, ("text", "label", "split"))


@pytest.fixture
def more(tmp_path: Path) -> Path:
    """Texts with the words of the test rows, one test row, and one training row."""
    texts = [(f"{word} film {n}",) for n in range(40) for word in ("great", "bad")]
    return write_csv(tmp_path / "more.csv", [*texts, ("great u",), ("fine film a",)], ("text",))


def knows_all_words(texts: list[str]) -> Any:
    """Returns vectors in which good and bad words are far apart."""
    good = [any(word in text for word in ("fine", "great")) for text in texts]
    return np.stack([[2.0 * one - 1, 0.5, 0.1] for one in good])


def settings(few: Path, **data: Any) -> dict[str, Any]:
    return {
        "data": {"source": str(few), "val": 0, **data},
        "model": STUDENT,
        "train": {"epochs": 12, "batch_size": 8, "tensorboard": False},
    }


def test_the_student_learns_words_that_no_label_names(
    few: Path, more: Path, tmp_path: Path
) -> None:
    report = modelwright.distill(
        knows_all_words,
        settings(few),
        unlabeled=str(more),
        options=Distilling(cache=tmp_path / "cache"),
        out=tmp_path / "run",
    )
    accuracy = {one.name: one.metrics.accuracy for one in report.measured}
    assert accuracy["teacher"] == accuracy["student"] == 1.0
    assert accuracy["the same from labels alone"] < 0.8
    assert report.unlabeled == 80
    assert any("1 unlabeled texts are also labeled training rows" in one for one in report.notes)
    assert any("also validation or test rows" in one for one in report.notes)
    assert report.teacher.out_of_fold
    assert report.shares == {"neg": 0.5, "pos": 0.5}
    run = load_run(report.run)
    assert run.extras["soft_labels"]["sha256"] == read_soft_labels(run.path).fingerprint
    assert modelwright.evaluate(report.run).metrics.accuracy == 1.0


def test_a_run_teaches_from_the_command_line_with_its_own_data(
    text_run: Path, reviews: Path, tmp_path: Path, cli: Cli
) -> None:
    more = write_csv(tmp_path / "more.csv", [(f"a fine film {n}",) for n in range(9)], ("text",))
    code, out, err = cli(
        "distill", text_run, "--unlabeled", more, "--recipe", "text-fast",
        "--set", "model.vocabulary=60", "--set", "model.buckets=512", "--set", "train.epochs=1",
        "--cache", tmp_path / "cache", "--out", tmp_path / "run", "--no-baseline", "-q",
    )  # fmt: skip
    assert code == 0, err
    assert "the data is that of the teacher" in " ".join(out.split())
    assert "texts it labeled" in out


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teacher": "nowhere"}, "the teacher nowhere does not exist; expected a run folder"),
        ({"teacher": "no_such:function"}, "teacher 'no_such:function': there is no module"),
        ({"unlabeled": ()}, "no unlabeled texts given"),
        ({"weights": "balanced"}, "'train.class_weight' was given 'balanced'"),
        ({"teacher": lambda texts: 1 / 0}, "failed on 26 texts with ZeroDivisionError at test_d"),
        ({"teacher": lambda texts: [[1, 0, 0]] * len(texts)}, "probabilities of 3 classes"),
    ],
)
def test_what_cannot_teach_is_refused_before_anything_is_trained(
    change: dict[str, Any], message: str, few: Path, tmp_path: Path
) -> None:
    more = write_csv(tmp_path / "two.csv", [("great film",), ("bad film",)], ("text",))
    chosen = settings(few)
    if "weights" in change:
        chosen["train"]["class_weight"] = change["weights"]
    with pytest.raises(ConfigError, match=message):
        modelwright.distill(
            change.get("teacher", knows_all_words),
            chosen,
            unlabeled=change.get("unlabeled", str(more)),
            options=Distilling(cache=tmp_path / "cache"),
            out=tmp_path / "run",
        )
    assert not (tmp_path / "run").exists()


def test_images_other_classes_and_known_texts_are_refused(
    image_run: Path, text_run: Path, colors: Path, few: Path, tmp_path: Path
) -> None:
    def distill(teacher: Any, data: Path, unlabeled: Path) -> None:
        modelwright.distill(teacher, settings(data), unlabeled=str(unlabeled), out=tmp_path / "run")

    more = write_csv(tmp_path / "more.csv", [("great film",)], ("text",))
    with pytest.raises(ConfigError, match="classifies images; expected one that classifies texts"):
        distill(image_run, few, more)
    others = write_csv(
        tmp_path / "others.csv",
        [(f"{n}", "good" if n % 2 else "bad") for n in range(40)],
        ("text", "label"),
    )
    with pytest.raises(ConfigError, match="has the classes neg, pos, but the data has bad, good"):
        distill(text_run, others, more)
    known = write_csv(tmp_path / "known.csv", [("fine film a",)], ("text",))
    with pytest.raises(DataError, match="all 1 unlabeled texts are also labeled training rows"):
        distill(knows_all_words, few, known)
    with pytest.raises((ConfigError, DataError), match="images"):
        distill(knows_all_words, colors, more)
