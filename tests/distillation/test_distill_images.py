"""Students that learn a teacher's answers to labeled rows: images, and texts without others."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

import modelwright
from modelwright.core.errors import ConfigError, DataError, RunError
from modelwright.core.metrics import compute_metrics
from modelwright.core.types import Split
from modelwright.distillation.distill import Distilling
from modelwright.distillation.report import DistillReport, Measured, TeacherFigures
from modelwright.runs.run import load_run
from modelwright.training.session import Session
from modelwright.training.soft_labels import SoftLabels, read_soft_labels
from modelwright.training.teacher_loss import TeacherLoss
from sample_data import sentences, write_csv

STUDENT = {"recipe": "cnn-tutorial", "filters": [4], "units": 8}
STEPS = {"epochs": 2, "batch_size": 16, "precision": "float32", "tensorboard": False}
Cli = Callable[..., tuple[int, str, str]]


def constant(images: Any) -> Any:
    """Returns probabilities by the mean color: more red, more of the last class."""
    classes = 3
    mean = images.reshape(len(images), -1, 3).mean(axis=1)
    powers = np.exp(mean[:, :classes] / 255)
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def taught(image_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A student of an image run."""
    return modelwright.distill(
        image_run, {"model": STUDENT, "train": STEPS}, out=tmp_path_factory.mktemp("taught") / "run"
    )


def test_a_run_of_images_teaches_with_its_own_data(taught: Any, image_run: Path) -> None:
    names = [one.name for one in taught.measured]
    assert names == ["teacher", "student", "the same from labels alone"]
    teacher, student, _ = taught.measured
    assert teacher.parameters == load_run(image_run).network().count_params()
    assert student.parameters == load_run(taught.run).network().count_params()
    assert all(one.size > 0 and one.latency_ms > 0 for one in taught.measured)
    record = load_run(taught.run).extras
    assert record["extra_loss"] == "teacher"
    assert record["teacher"]["source"] == str(image_run.resolve())
    shown = " ".join(taught.render().split())
    assert "the teacher answers each augmented batch" in shown
    assert f"calibrated on validation rows first ({record['teacher']['calibration']:.2f})" in shown
    assert f"next modelwright export {taught.run}" in shown
    assert "then modelwright quantize models/run" in shown
    found = json.loads(json.dumps(taught.to_dict()))
    assert found["measured"][1].keys() >= {"parameters", "bytes", "latency_ms", "seeds"}
    assert found["unlabeled"] == 0


def test_the_teachers_loss_is_the_softened_cross_entropy(image_run: Path) -> None:
    run = load_run(image_run)
    loss = TeacherLoss(image_run, run.labels[::-1], weight=0.75, temperature=2.0, calibration=0.5)
    shape = run.shape or ()
    images = np.random.default_rng(0).integers(0, 256, (5, *shape), np.uint8)
    theirs = np.asarray(run.network()(images))[:, ::-1]
    given = np.random.default_rng(1).dirichlet(np.ones(theirs.shape[1]), 5).astype(np.float32)

    softened = np.maximum(given, 1e-7) ** 0.5
    softened /= softened.sum(axis=1, keepdims=True)
    expected = -(theirs * np.log(softened)).sum(axis=1).mean() * 0.75 * 4
    found = loss(
        None, keras.ops.convert_to_tensor(images), None, keras.ops.convert_to_tensor(given)
    )
    assert float(found) == pytest.approx(expected, rel=1e-4)
    assert loss.label_share == 0.25
    assert float(loss(None, None, None, given)) == 0
    with pytest.raises(RunError, match="has other weights"):
        TeacherLoss(image_run, run.labels, weight=0.5, temperature=1.0, fingerprint="0")


@pytest.mark.slow
def test_a_cut_training_of_images_goes_on_with_the_recorded_teacher(
    taught: Any, image_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = Session.finish_epoch

    def killed(self: Session, network: Any, values: dict[str, float]) -> Any:
        end(self, network, values)
        raise MemoryError

    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(Session, "finish_epoch", killed)
        modelwright.distill(image_run, {"model": STUDENT, "train": STEPS}, out=tmp_path / "cut")
    report = modelwright.resume(tmp_path / "cut")
    weights = [load_run(one.run).network().get_weights() for one in (taught, report)]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_function_of_images_teaches_by_soft_labels(
    colors: Path, tmp_path: Path, cli: Cli
) -> None:
    code, out, err = cli(
        "distill", f"{__name__}:constant", "--data", colors, "--recipe", "cnn-tutorial",
        *(part for key in ("filters=[4]", "units=4") for part in ("--set", f"model.{key}")),
        "--set", "train.epochs=1", "--weight", "0.4", "--no-baseline", "-q", "--json",
        "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    assert "count 0.4 and the labels 0.6" in json.loads(out)["how"]
    known = read_soft_labels(tmp_path / "run")
    assert known.labeled is not None
    assert (known.weight, len(known.digests)) == (0.4, 0)
    assert len(known.labeled.digests) == load_run(tmp_path / "run").data["rows"]["train"]


def test_labeled_rows_learn_a_share_of_the_answers() -> None:
    digests = np.array([[1, 1], [2, 2]], np.uint64)
    own = SoftLabels("t", digests, np.array([[0.9, 0.1], [0.2, 0.8]], np.float32))
    nothing = np.zeros((0, 2))
    labels = SoftLabels("t", nothing.astype(np.uint64), nothing, own, 0.5)
    split = Split(None, np.array([1, 0]), digests[::-1])  # type: ignore[arg-type]
    one_hot = np.array([[0, 1], [1, 0]], np.float32)
    np.testing.assert_allclose(labels.mix(split, one_hot), [[0.1, 0.9], [0.95, 0.05]])
    np.testing.assert_allclose(labels.mix(split, one_hot[:, 1:]), [[0.9], [0.05]])
    assert labels.fingerprint != SoftLabels("t", labels.digests, nothing, own, 0.6).fingerprint
    other = Split(None, np.array([1]), np.array([[3, 3]], np.uint64))  # type: ignore[arg-type]
    with pytest.raises(RunError, match="1 of 1 training rows have no answer of the teacher t"):
        labels.mix(other, one_hot[:1])


@pytest.mark.slow
def test_texts_without_others_learn_the_answers_to_labeled_rows(
    text_run: Path, tmp_path: Path
) -> None:
    student = {"recipe": "textcnn", "filters": 4, "embedding": 4, "length": 12, "context": 0}
    report = modelwright.distill(
        text_run,
        {"model": student, "train": {**STEPS, "epochs": 1}},
        options=Distilling(cache=tmp_path / "cache", seeds=2),
        out=tmp_path / "run",
    )
    assert (report.unlabeled, report.shares) == (0, {})
    assert [len(one.seeds) for one in report.measured] == [1, 2, 2]
    assert "means of 2 seeds" in report.render()
    assert load_run(report.run).extras["soft_labels"]["teacher"] == str(text_run)


def test_means_of_seeds_have_an_interval_over_the_seeds() -> None:
    labels = np.array([0, 0, 1, 1])
    right = np.eye(2, dtype=np.float32)[labels]
    wrong = np.eye(2, dtype=np.float32)[[0, 0, 1, 0]]
    seeds = tuple(compute_metrics(one, labels) for one in (right, wrong))
    both = Measured("student", seeds[0], seeds)
    assert both.accuracy == 0.875
    assert both.interval[0] < 0.75
    assert both.to_dict()["seeds"] == [1.0, 0.75]


def test_the_next_commands_work_for_a_name_with_a_space() -> None:
    metrics = compute_metrics(np.eye(2, dtype=np.float32), np.arange(2))
    teacher = TeacherFigures("t", "function", "probabilities", "its own", False, metrics)
    export = "modelwright export 'runs/a b' models/'a b'"
    report = DistillReport(
        Path("runs/a b"), "finished", teacher, 0, {}, 0, None, (), (), (), export
    )
    assert "then modelwright quantize 'models/a b'" in " ".join(report.render().split())


def test_what_has_no_effect_or_does_not_fit_is_refused(
    text_run: Path, image_run: Path, reviews: Path, colors: Path, tmp_path: Path
) -> None:
    def distill(teacher: Any, model: Any, data: Path | None = None, **options: Any) -> None:
        more = options.pop("unlabeled", ())
        table = {"source": str(data), **options.pop("table", {})} if data else {}
        modelwright.distill(
            teacher,
            {"model": model, "data": table},
            unlabeled=more,
            options=Distilling(cache=tmp_path / "cache", **options),
            out=tmp_path / "run",
        )

    solved = {"recipe": "text-fast", "vocabulary": 60, "length": 16, "buckets": 512}
    with pytest.raises(ConfigError, match=r"'text-fast' is solved.*--unlabeled.*bilstm"):
        distill(text_run, solved)
    with pytest.raises(ConfigError, match=r"'weight' was given 1.0; expected a number from 0"):
        distill(image_run, STUDENT, weight=1.0)
    with pytest.raises(ConfigError, match=r"'seeds' was given 0; expected an integer from 1"):
        distill(image_run, STUDENT, seeds=0)
    with pytest.raises(ConfigError, match=r"classifies texts; expected one that classifies images"):
        distill(text_run, STUDENT, colors)
    size = {"image_size": 24}
    with pytest.raises(ConfigError, match=r"takes images of the shape.*data\.image_size=\d+"):
        distill(image_run, STUDENT, colors, table=size)
    with pytest.raises((ConfigError, DataError), match="images"):
        texts = write_csv(tmp_path / "more.csv", sentences(9), ("text", "label"))
        distill(image_run, STUDENT, colors, unlabeled=str(texts))
    with pytest.raises(ConfigError, match=r"temperature was given, but it softens"):
        distill(constant, STUDENT, colors, temperature=2.0)
    assert not (tmp_path / "run").exists()


def test_a_servable_of_images_teaches(image_servable: Path, colors: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(image_servable.parent, tmp_path / "colors"))
    report = modelwright.distill(
        folder,
        {"model": STUDENT, "data": {"source": str(colors)}, "train": {**STEPS, "epochs": 1}},
        options=Distilling(baseline=False),
        out=tmp_path / "run",
    )
    assert report.teacher.kind == "servable"
    assert load_run(report.run).extras["teacher"]["source"] == str(folder / "1")
