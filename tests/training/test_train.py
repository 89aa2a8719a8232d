"""Training on small data from end to end, and resuming an interrupted training."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import modelwright
from modelwright.core.errors import ConfigError, DataError, RunError
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.lock import lock_run
from modelwright.runs.run import CHECKPOINT, load_run
from modelwright.training.extras import Extras
from modelwright.training.observers import Epoch, Observer, Step
from modelwright.training.train import resume, train
from sample_data import weights, write_csv, write_images

TABLES = {
    "model": {"recipe": "textcnn", "filters": 8, "embedding": 8, "length": 12, "context": 0},
    "train": {"batch_size": 8, "learning_rate": 0.003, "epochs": 4, "schedule": "cosine"},
}


def history(path: Path) -> list[dict[str, str]]:
    with (path / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_folder_holds_its_record_history_and_plots(text_run: Path) -> None:
    record = json.loads((text_run / "run.json").read_text())
    assert record["status"] == "finished"
    assert record["labels"] == ["neg", "pos"]
    assert set(record["versions"]) >= {"python", "modelwright", "tensorflow", "keras"}
    assert record["data"]["rows"].keys() == {"train", "val", "test"}
    assert record["metrics"]["val_accuracy"] > 0.9
    assert set(record["files"]) == {"config.toml", "vocabulary.txt", "weights.weights.h5"}
    rows = history(text_run)
    assert {"epoch", "loss", "accuracy", "val_loss", "val_accuracy"} <= set(rows[0])
    assert len(rows) == record["metrics"]["epochs"]
    assert (text_run / "plots" / "history.png").stat().st_size > 1000
    assert any((text_run / "tensorboard").rglob("events.*"))
    assert not (text_run / CHECKPOINT).exists()


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(
    colors: Path, tmp_path: Path
) -> None:
    found = []
    model = {"recipe": "cnn", "filters": [4, 8], "units": 8, "dropout": 0.2}
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        modelwright.train(
            data={"source": str(colors)},
            model=model,
            train={"batch_size": 16, "epochs": 1, "seed": seed},
            out=tmp_path / name,
        )
        found.append(weights(tmp_path / name))
    for name, value in found[0].items():
        np.testing.assert_array_equal(value, found[1][name])
    assert any((value != found[2][name]).any() for name, value in found[0].items())


def test_a_training_killed_in_an_epoch_resumes_to_the_same_bits(
    reviews: Path, tmp_path: Path
) -> None:
    whole = modelwright.train(data={"source": str(reviews)}, **TABLES, out=tmp_path / "whole")
    killed = tmp_path / "killed"
    code = (
        "import os, signal, modelwright\n"
        "def kill(activity, done, total):\n"
        "    if activity.startswith('epoch 3/') and done >= total // 2 + 5:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        f"modelwright.train(data={{'source': {str(reviews)!r}}}, **{TABLES!r},"
        f" out={str(killed)!r}, progress=kill)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    assert json.loads((killed / "run.json").read_text())["status"] == "running"
    with pytest.raises(RunError, match=r"did not finish; resume it with: modelwright train"):
        load_run(killed)
    with np.load(killed / CHECKPOINT) as checkpoint:
        before = float(checkpoint["seconds"])
    resumed = modelwright.resume(killed)
    assert resumed.epochs == whole.epochs == 4
    assert resumed.seconds > before
    for name, value in weights(whole.run).items():
        np.testing.assert_array_equal(value, weights(killed)[name])
    assert (killed / "history.csv").read_text() == (whole.run / "history.csv").read_text()
    with pytest.raises(RunError, match="finished already"):
        modelwright.resume(killed)


class _Death(Observer):
    """Ends the training at a step, without the run being told."""

    def on_step(self, step: Step) -> None:
        """Dies."""
        raise SystemExit


@pytest.mark.parametrize("kind", [pytest.param("text", marks=pytest.mark.slow), "image"])
def test_a_training_killed_before_its_first_epoch_resumes_to_the_same_bits(
    kind: str, reviews: Path, colors: Path, tmp_path: Path
) -> None:
    table = {"recipe": "bilstm", "units": [4], "embedding": 4, "length": 12}
    if kind == "image":
        table = {"recipe": "cnn-tutorial", "filters": [4], "units": 4}
    options = {
        "data": {"source": str(reviews if kind == "text" else colors)},
        "model": table,
        "train": {"epochs": 1, "precision": "float32", "tensorboard": False},
    }
    config = resolve_config(options=options)
    whole = train(config, out=tmp_path / "whole", baselines=False)
    with pytest.raises(SystemExit):
        train(
            config, out=tmp_path / "killed", baselines=False,
            extras=Extras(observers=(_Death(),)),
        )  # fmt: skip
    assert not (tmp_path / "killed" / CHECKPOINT).exists()
    resumed = resume(tmp_path / "killed", baselines=False)
    first, second = weights(whole.run), weights(resumed.run)
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_ctrl_c_keeps_the_best_weights_and_a_checkpoint(reviews: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    code = (
        "import sys; sys.argv = ['modelwright', 'train', '--data', "
        f"{str(reviews)!r}, '--recipe', 'textcnn', '--epochs', '500', '--out', {str(out)!r},"
        "'--set', 'model.context=0', '--set', 'model.length=8', '--set', 'train.patience=0',"
        "'--set', 'train.min_steps=0', '--set', 'train.learning_rate=1e-5', '--json']\n"
        "from modelwright.cli.main import main\nmain()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + 240
    while not (out / CHECKPOINT).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    try:
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, errors.decode()[-2000:]
    report = json.loads(output)
    assert report["status"] == "stopped"
    assert 1 <= report["epochs"] < 500
    assert load_run(out).finished
    assert (out / CHECKPOINT).exists()


def test_early_stopping_keeps_the_best_epoch(reviews: Path, tmp_path: Path) -> None:
    model = {"recipe": "bilstm", "units": [8], "embedding": 8, "length": 12, "dropout": 0.2}
    train = {"epochs": 30, "patience": 2, "batch_size": 8, "learning_rate": 0.5}
    report = modelwright.train(
        data={"source": str(reviews)}, model=model, train=train, out=tmp_path / "run"
    )
    rows = history(tmp_path / "run")
    losses = [float(row["val_loss"]) for row in rows]
    assert report.best_epoch == int(np.argmin(losses)) + 1
    assert report.epochs == min(30, report.best_epoch + 2)


def test_class_weights_and_label_smoothing_work_together(colors: Path, tmp_path: Path) -> None:
    report = modelwright.train(
        data={"source": str(colors)},
        model={"recipe": "cnn", "filters": [4, 8], "units": 8, "dropout": 0.1},
        train={
            "epochs": 2,
            "batch_size": 16,
            "class_weight": "balanced",
            "label_smoothing": 0.1,
            "warmup": 0.2,
        },
        out=tmp_path / "run",
    )
    assert report.epochs == 2
    assert report.parameters > 0


def test_streamed_images_give_the_same_model_as_those_in_memory(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "images", 40, side=64)
    model = {"recipe": "cnn", "filters": [4], "units": 4}
    train = {"epochs": 1, "batch_size": 16, "precision": "float32"}
    notes = {}
    for name, mib in (("memory", 16), ("files", 1)):
        data = {"source": str(folder), "memory_mib": mib}
        report = modelwright.train(data=data, model=model, train=train, out=tmp_path / name)
        notes[name] = " ".join(report.notes)
    assert "memory_mib" in notes["files"]
    assert "memory_mib" not in notes["memory"]
    for name, value in weights(tmp_path / "memory").items():
        np.testing.assert_array_equal(value, weights(tmp_path / "files")[name])


def test_settings_that_do_not_fit_are_refused_before_training(
    colors: Path, reviews: Path, text_run: Path, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="recipe 'bilstm' is for texts, but .* holds images"):
        modelwright.train(data={"source": str(colors)}, model={"recipe": "bilstm"})
    with pytest.raises(RunError, match="exists and is not empty; choose another with --out"):
        modelwright.train(data={"source": str(reviews)}, model={"recipe": "bilstm"}, out=text_run)
    with pytest.raises(DataError, match=r"missing\.csv"):
        modelwright.train(data={"source": str(tmp_path / "missing.csv")}, model={"recipe": "cnn"})


def test_a_run_with_changed_data_is_not_resumed(reviews: Path, tmp_path: Path) -> None:
    copy = tmp_path / "rows.csv"
    copy.write_bytes(reviews.read_bytes())
    report = modelwright.train(
        data={"source": str(copy)},
        model={"recipe": "text-fast", "vocabulary": 200, "length": 12},
        train={"epochs": 1},
        out=tmp_path / "run",
    )
    record = json.loads((report.run / "run.json").read_text())
    (report.run / "run.json").write_text(json.dumps({**record, "status": "running", "files": {}}))
    copy.write_text(copy.read_text() + "another wonderful row,pos\n")
    with pytest.raises(DataError, match=r"changed since .* was trained on it: its fingerprint was"):
        modelwright.resume(report.run)


@pytest.mark.slow
@pytest.mark.usefixtures("export_in_process")
def test_a_network_for_texts_of_any_length_trains_and_exports(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = []
    for _ in range(60):
        words = ["good" if random.random() < 0.5 else "bad", *(["so"] * random.integers(1, 40))]
        rows.append((" ".join([*words, str(random.integers(1000000.0))]), words[0]))
    write_csv(tmp_path / "rows.csv", rows, ("text", "label"))
    report = modelwright.train(
        data={"source": str(tmp_path / "rows.csv")},
        model={"recipe": "bilstm", "units": [4], "embedding": 4, "length": 64},
        train={"batch_size": 8, "epochs": 1, "tensorboard": False},
        out=tmp_path / "run",
    )
    assert report.status == "finished"
    modelwright.export(tmp_path / "run", tmp_path / "models")


@pytest.mark.slow
@pytest.mark.usefixtures("convert_in_process")
def test_the_fast_network_trains_evaluates_and_exports_with_augmentation(
    colors: Path, tmp_path: Path
) -> None:
    from modelwright.servable.manifest import read_manifest

    report = modelwright.train(
        data={"source": str(colors)},
        model={"recipe": "cifar-fast", "widths": [8, 8]},
        train={"batch_size": 16, "tensorboard": False},
        out=tmp_path / "run",
    )
    assert report.epochs == 10
    plain = modelwright.evaluate(tmp_path / "run")
    averaged = modelwright.evaluate(tmp_path / "run", tta=True)
    assert averaged.folder.name == "test-tta" != plain.folder.name
    assert averaged.metrics.accuracy > 0.6
    exported = modelwright.export(tmp_path / "run", tmp_path / "models", tta=True)
    manifest = read_manifest(exported.servable)
    assert manifest.tta
    assert manifest.metrics["test"]["accuracy"] == averaged.metrics.accuracy


class StopAfterOneEpoch(Observer):
    """Ends a training as a user would, after its first epoch."""

    def on_epoch(self, epoch: Epoch) -> str | None:
        return "enough"


@pytest.mark.slow
def test_a_stopped_training_with_every_augmentation_resumes_to_the_same_bits(
    colors: Path, tmp_path: Path
) -> None:
    augmentation = {
        "augment": "flip+crop", "rotation": 0.1, "zoom": 0.2, "brightness": 0.1, "contrast": 0.2,
        "cutout": 0.3, "mixup": 0.4,
    }  # fmt: skip
    config = resolve_config(
        options={
            "data": {"source": str(colors)},
            "model": {"recipe": "cnn", "filters": [4, 8], "units": 8, **augmentation},
            "train": {"epochs": 2, "batch_size": 16, "label_smoothing": 0.1,
                      "class_weight": "balanced", "min_steps": 40},
        }
    )  # fmt: skip
    train(config, out=tmp_path / "whole")
    stopped = train(config, out=tmp_path / "part", extras=Extras(observers=(StopAfterOneEpoch(),)))
    assert (stopped.status, stopped.epochs) == ("stopped", 1)
    with lock_run(stopped.run), pytest.raises(RunError, match="trained by another process"):
        modelwright.resume(stopped.run)
    assert modelwright.resume(stopped.run).status == "finished"
    resumed = weights(stopped.run)
    for name, value in weights(tmp_path / "whole").items():
        np.testing.assert_array_equal(value, resumed[name])
    assert history(stopped.run) == history(tmp_path / "whole")
