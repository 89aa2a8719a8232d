"""A distillation, from a teacher to a student's run that needs it no more."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelwright
from distillation.small_encoder import sentence_transformers, write_encoder
from modelwright.core.errors import ConfigError, DataError
from modelwright.distillation.distill import Distilling
from modelwright.distillation.encoder import EncoderOptions
from modelwright.distillation.report import DistillReport
from modelwright.distillation.teacher import open_teacher
from modelwright.runs.run import load_run
from modelwright.training.soft_labels import read_soft_labels
from sample_data import write_csv, write_images
from serve.small_servables import write_image_servable, write_text_servable

STUDENT = {"recipe": "text-fast", "vocabulary": 60, "length": 16, "buckets": 512}
Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six labeled rows a class, each with a word of its own, and test rows with other words."""
    known = {"pos": ("fine", "great"), "neg": ("dull", "bad")}
    rows = [
        (f"{words[0]} film {n}", name, "train") for name, words in known.items() for n in "abcdef"
    ]
    rows += [(f"{words[1]} {n}", name, "test") for name, words in known.items() for n in "uvwxyz"]
    return write_csv(tmp_path_factory.mktemp("few") / "few.csv", rows, ("text", "label", "split"))


@pytest.fixture(scope="module")
def more(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts with the words of the test rows, one test row, and one training row."""
    texts = [(f"{word} film {n}",) for n in range(40) for word in ("great", "bad")]
    file = tmp_path_factory.mktemp("more") / "more.csv"
    return write_csv(file, [*texts, ("great u",), ("fine film a",)], ("text",))


@pytest.fixture(scope="module")
def report(few: Path, more: Path, tmp_path_factory: pytest.TempPathFactory) -> DistillReport:
    """The report of a student that a function taught."""
    folder = tmp_path_factory.mktemp("student")
    return modelwright.distill(
        knows_all_words,
        settings(few),
        unlabeled=str(more),
        options=Distilling(cache=folder / "cache"),
        out=folder / "run",
    )


@pytest.fixture
def servable(tmp_path: Path) -> Path:
    """A servable with the classes neg and pos."""
    return write_text_servable(tmp_path / "sentiment" / "1")


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


def test_the_student_learns_words_that_no_label_names(report: DistillReport) -> None:
    level = logging.getLogger("tensorflow").level
    assert level != logging.ERROR  # only distilling silences it
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
    report: DistillReport, tmp_path: Path, cli: Cli
) -> None:
    more = write_csv(tmp_path / "more.csv", [(f"a great film {n}",) for n in range(9)], ("text",))
    code, out, err = cli(
        "distill", report.run, "--recipe", "text-fast", "--unlabeled", more, "--no-baseline", "-q",
        "--set", "model.fit=steps", "--set", "model.vocabulary=20", "--set", "model.buckets=64",
        "--set", "train.epochs=1", "--cache", tmp_path / "cache", "--out", tmp_path / "small",
    )  # fmt: skip
    assert code == 0, err
    assert "the data is that of the teacher" in " ".join(out.split())
    assert "texts it labeled" in out
    assert load_run(tmp_path / "small").config.model.options["fit"] == "steps"


def test_a_servable_teaches(servable: Path, few: Path, tmp_path: Path) -> None:
    texts = [(f"{word} {n}",) for n in range(9) for word in ("wonderful", "boring", "dreadful")]
    report = modelwright.distill(
        servable.parent,
        settings(few),
        unlabeled=str(write_csv(tmp_path / "more.csv", texts, ("text",))),
        options=Distilling(cache=tmp_path / "cache", baseline=False),
        out=tmp_path / "run",
    )
    assert (report.teacher.kind, report.teacher.out_of_fold) == ("servable", False)
    assert report.shares == {"neg": pytest.approx(2 / 3), "pos": pytest.approx(1 / 3)}
    assert read_soft_labels(report.run).probabilities.shape == (27, 2)


def test_a_sentence_encoder_teaches_from_the_command_line(
    report: DistillReport, few: Path, more: Path, tmp_path: Path, cli: Cli
) -> None:
    mean = sentence_transformers({"pooling_mode_mean_tokens": True}, "Normalize")
    sizes = [f"model.{key}={STUDENT[key]}" for key in ("vocabulary", "length", "buckets")]
    teach = (
        "distill", write_encoder(tmp_path / "tiny", settings=mean), "--data", few,
        "--unlabeled", more, "--recipe", "text-fast", "--prefix", "film: ", "--no-baseline", "-q",
        *(part for size in (*sizes, "data.val=0") for part in ("--set", size)),
        "--cache", tmp_path / "cache", "--out",
    )  # fmt: skip
    code, out, err = cli(*teach, tmp_path / "small", "--json")
    assert code == 0, err
    taught = json.loads(out)
    assert (taught["teacher"]["kind"], taught["teacher"]["output"]) == ("encoder", "vectors")
    assert taught["teacher"]["encoder"] == {
        "file": "model.onnx",
        "output": "last_hidden_state",
        "pooling": "mean",
        "normalized": True,
        "length": 512,
        "prefix": "film: ",
    }
    assert {one["accuracy"] for one in taught["measured"]} == {1.0}
    code, _, err = cli(*teach, tmp_path / "other", "--output", "probabilities")
    assert code == 2
    assert "is a sentence encoder, which gives vectors" in " ".join(err.split())
    teacher = replace(report.teacher, encoder=taught["teacher"]["encoder"])
    shown = " ".join(replace(report, teacher=teacher).render().split())
    assert "mean of last_hidden_state, length 1, at most 512 tokens, prefix 'film: '" in shown


def test_runs_and_servables_come_first_and_a_prefix_is_for_encoders(
    report: DistillReport, servable: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(report.run, tmp_path / "run")
    for place, kind in ((run, "run"), (servable.parent, "servable")):
        assert open_teacher(write_encoder(place)).kind == kind
    with pytest.raises(ConfigError, match=r"--prefix was given 'x', but the teacher .* is a serv"):
        open_teacher(servable, EncoderOptions(prefix="x"))
    with pytest.raises(ConfigError, match=r"--pooling was given 'cls', .* is a function; expected"):
        open_teacher(knows_all_words, EncoderOptions(pooling="cls"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teacher": "nowhere"}, "the teacher nowhere does not exist; expected a run folder"),
        ({"teacher": "."}, "neither a run nor a servable nor a sentence encoder; expected a run"),
        ({"teacher": "no_such:function"}, "teacher 'no_such:function': there is no module"),
        ({"unlabeled": ()}, "no unlabeled texts given"),
        ({"weights": "balanced"}, "'train.class_weight' was given 'balanced'"),
        ({"teacher": ":vectors"}, "':vectors' names none; expected package.module:function"),
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
    servable: Path, few: Path, tmp_path: Path
) -> None:
    def distill(teacher: Any, data: Path, unlabeled: Path) -> None:
        modelwright.distill(teacher, settings(data), unlabeled=str(unlabeled), out=tmp_path / "run")

    more = write_csv(tmp_path / "more.csv", [("great film",)], ("text",))
    with pytest.raises(ConfigError, match="classifies images; expected one that classifies texts"):
        distill(write_image_servable(tmp_path / "colors" / "1"), few, more)
    others = write_csv(
        tmp_path / "others.csv",
        [(f"{n}", "good" if n % 2 else "bad") for n in range(40)],
        ("text", "label"),
    )
    with pytest.raises(ConfigError, match="has the classes neg, pos, but the data has bad, good"):
        distill(servable, others, more)
    known = write_csv(tmp_path / "known.csv", [("fine film a",)], ("text",))
    with pytest.raises(DataError, match="all 1 unlabeled texts are also labeled training rows"):
        distill(knows_all_words, few, known)
    with pytest.raises((ConfigError, DataError), match="images"):
        distill(knows_all_words, write_images(tmp_path / "images", 2), more)
