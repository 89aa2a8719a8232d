"""Training on a pretrained backbone: features once, a solved layer, then perhaps steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from PIL import Image

from modelwright.backbones.availability import why_missing
from modelwright.core.errors import ConfigError, DataError
from modelwright.data.load import load_data
from modelwright.exporting.export import export
from modelwright.models import pretrained
from modelwright.models.options import PretrainedOptions
from modelwright.models.pretrained import backbone_of
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.details import show_run
from modelwright.runs.run import load_run
from modelwright.servable.manifest import read_manifest
from modelwright.training import optimizers
from modelwright.training import pretrained as training_pretrained
from modelwright.training.extras import Extras
from modelwright.training.observers import Epoch, Observer
from modelwright.training.train import resume, train
from modelwright.training.train_report import TrainReport
from tiny_backbone import RECORD, build_tiny, use_tiny_backbone


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Path | None]:
    return use_tiny_backbone(monkeypatch, tmp_path / "cache")


@pytest.fixture(scope="module")
def solved(
    colors: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, TrainReport, list[Path | None]]:
    """A folder with a finished run and its cache, the report, and the folders of the weights."""
    out = tmp_path_factory.mktemp("solved")
    with pytest.MonkeyPatch.context() as patch:
        named = use_tiny_backbone(patch, out / "cache")
        return out, fitted(colors, out / "run", model={"folder": str(out)}), named


def small(source: Path, **tables: dict[str, Any]) -> Any:
    model = {"recipe": "pretrained", "side": 32, **tables.pop("model", {})}
    train_table = {"tensorboard": False, **tables.pop("train", {})}
    data = {"source": str(source), **tables.pop("data", {})}
    return resolve_config(options={"data": data, "model": model, "train": train_table})


def fitted(source: Path, out: Path, **tables: Any) -> TrainReport:
    extras, progress = tables.pop("extras", None), tables.pop("progress", None)
    return train(small(source, **tables), out=out, extras=extras, progress=progress)


def weights(run: Path) -> list[Any]:
    return list(load_run(run, unfinished=True).network().get_weights())


class Stop(Observer):
    """Stops after an epoch."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_epoch(self, epoch: Epoch) -> str | None:
        return "enough" if epoch.number == self.after else None


def test_all_rows_train_and_the_run_says_what_was_solved_and_from_what(
    solved: tuple[Path, TrainReport, list[Path | None]],
) -> None:
    out, report, named = solved
    assert (report.epochs, report.status, report.val_accuracy) == (1, "finished", None)
    assert report.cross_validated_accuracy is not None
    assert report.cross_validated_accuracy > 0.9
    assert "tiny, none" in report.render()
    assert named == [out]
    record = json.loads((out / "run" / "run.json").read_text())
    assert record["backbone"] == RECORD
    assert record["solution"]["choice"]
    assert record["solution"]["cross_validated_accuracy"] == report.cross_validated_accuracy
    assert record["data"]["rows"].keys() == {"train", "test"}
    shown = show_run(out / "run")
    assert "cross-validated accuracy" in shown.render()
    assert shown.to_dict()["backbone"]["sha256"] == "a" * 64


def test_the_measured_training_accuracy_is_that_of_the_network(
    colors: Path, tmp_path: Path, folders: list[Path | None]
) -> None:
    report = fitted(colors, tmp_path / "run", model={"augment": "flip"}, data={"val": 0.2})
    run = load_run(tmp_path / "run")
    for name, expected in (("train", report.train_accuracy), ("val", report.val_accuracy)):
        split = load_data(run.config.data).splits[name]
        pixels = split.inputs.take(np.arange(len(split)))
        answers = np.asarray(run.network()(pixels, training=False))
        found = answers.argmax(axis=1) if answers.shape[1] > 1 else answers[:, 0] > 0.5
        assert (found == split.labels).mean() == pytest.approx(expected)


def test_features_are_computed_once_for_an_image(
    colors: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    solved: tuple[Path, TrainReport, list[Path | None]],
) -> None:  # fmt: skip
    use_tiny_backbone(monkeypatch, solved[0] / "cache")

    def fail(*_: Any) -> None:
        raise AssertionError("the features are known")

    monkeypatch.setattr("modelwright.backbones.features._batches", fail)
    report = fitted(colors, tmp_path / "second")
    assert report.status == "finished"
    assert all(map(np.array_equal, weights(solved[0] / "run"), weights(tmp_path / "second")))


def test_a_stopped_training_goes_on_from_the_stored_features(
    colors: Path, tmp_path: Path, folders: list[Path | None], monkeypatch: pytest.MonkeyPatch,
    solved: tuple[Path, TrainReport, list[Path | None]],
) -> None:  # fmt: skip
    monkeypatch.setattr("modelwright.backbones.features._STORED", 16)
    monkeypatch.setattr("modelwright.backbones.features._BATCH", 16)
    monkeypatch.setattr("modelwright.backbones.features._USUAL_PIXELS", 32 * 32)

    def interrupt(step: str, done: int, total: int) -> None:
        if step == "computing features" and done == 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fitted(colors, tmp_path / "run", progress=interrupt)
    seen: list[int] = []
    resume(
        tmp_path / "run",
        progress=lambda step, done, _: seen.append(done) if step == "computing features" else None,
    )
    assert seen[0] == 32  # sixteen were stored, and the first batch is done
    for whole, found in zip(weights(solved[0] / "run"), weights(tmp_path / "run"), strict=True):
        np.testing.assert_allclose(found, whole, rtol=1e-4, atol=1e-5)


FINETUNED = {"model": {"finetune": 2, "augment": "flip"}, "train": {"epochs": 2}}


def test_finetuning_moves_the_last_blocks_only(
    colors: Path, tmp_path: Path, folders: list[Path | None]
) -> None:
    report = fitted(colors, tmp_path / "run", **FINETUNED)
    assert (report.epochs, report.best_epoch) == (3, 3)  # the solved layer is the first
    assert "no validation rows are held out, so all 2 epochs" in " ".join(report.notes)
    keras.utils.set_random_seed(7)
    before = build_tiny("tiny", 32)
    after = backbone_of(load_run(tmp_path / "run").network())
    moved = {
        layer.name
        for layer in after.layers
        if layer.weights
        and not all(map(np.array_equal, layer.get_weights(),
                        before.get_layer(layer.name).get_weights()))
    }  # fmt: skip
    assert moved == {"head_conv", "block1_conv"}


@pytest.mark.slow
def test_finetuning_resumes_to_the_bit(
    colors: Path, tmp_path: Path, folders: list[Path | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fitted(colors, tmp_path / "whole", **FINETUNED)
    stopped = fitted(colors, tmp_path / "run", **FINETUNED, extras=Extras(observers=(Stop(2),)))
    assert (stopped.status, stopped.epochs) == ("stopped", 2)
    # Neither the weights of the backbone nor its features are needed any more.
    monkeypatch.setattr(training_pretrained, "load_backbone", None)
    assert resume(tmp_path / "run").epochs == 3
    assert all(map(np.array_equal, weights(tmp_path / "run"), weights(tmp_path / "whole")))


def test_earlier_blocks_learn_at_lower_rates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "build_feature_extractor", build_tiny)
    options = PretrainedOptions(side=32, finetune=3, block_rate=0.5)
    network = pretrained.build(options, (8, 8, 3), 2)
    rates = pretrained.learning_rates(options, network)
    assert {path.split("/")[0]: rate for path, rate in rates.items()} == {
        "head_conv": 0.5,
        "block1_conv": 0.25,
        "block0_conv": 0.125,
    }
    optimizer = keras.optimizers.SGD(1.0)
    optimizers.scale_rates(optimizer, rates)
    before = [keras.ops.convert_to_numpy(v) for v in network.trainable_variables]
    optimizer.apply([keras.ops.ones(v.shape) for v in before], network.trainable_variables)
    for variable, old in zip(network.trainable_variables, before, strict=True):
        assert np.allclose(
            old - keras.ops.convert_to_numpy(variable), rates.get(variable.path, 1.0)
        )


def test_files_of_every_kind_train_together(tmp_path: Path, folders: list[Path | None]) -> None:
    random = np.random.default_rng(0)
    source = tmp_path / "photos"
    shapes = {"RGB": (4000, 5000, 3), "CMYK": (200, 170, 4), "L": (180, 190), "RGBA": (40, 50, 4)}
    for label, shade in (("dark", 40), ("light", 200)):
        (source / label).mkdir(parents=True)
        for mode, shape in shapes.items():
            if mode == "RGB" and label == "light":  # one photo of 20 megapixels is enough
                shape = (210, 220, 3)
            value = 255 - shade if mode == "CMYK" else shade
            pixels = np.full(shape, value, np.uint8)
            pixels[:20] = random.integers(0, 256, pixels[:20].shape)
            file = source / label / f"{mode}{'.png' if mode == 'RGBA' else '.jpg'}"
            Image.fromarray(pixels, mode).save(file)
    report = fitted(source, tmp_path / "run", data={"test": 0})
    run = load_run(tmp_path / "run")
    assert (report.status, run.shape) == ("finished", (160, 160, 3))
    assert run.data["rows"] == {"train": 8}


@pytest.mark.parametrize(
    ("rows", "classes", "shape"),
    [
        pytest.param(2, 2, (12, 12, 3), id="one image a class"),
        pytest.param(30, 3, (12, 12), id="gray"),
        pytest.param(90, 30, (12, 12, 3), id="30 classes with 3 images each"),
        pytest.param(900, 300, (12, 12, 3), id="300 classes", marks=pytest.mark.slow),
    ],
)
def test_unusual_sets_train(
    rows: int, classes: int, shape: tuple[int, ...], tmp_path: Path, folders: list[Path | None]
) -> None:
    x = np.random.default_rng(0).integers(0, 256, (rows, *shape), np.uint8)
    y = np.arange(rows) % classes
    source = tmp_path / "images.npz"
    np.savez(source, x_train=x, y_train=y, x_test=x[:classes], y_test=y[:classes])
    report = fitted(source, tmp_path / "run")
    run = load_run(tmp_path / "run")
    assert (report.status, len(run.labels)) == ("finished", classes)
    assert (report.cross_validated_accuracy is None) == (rows == classes)
    assert run.shape == (*shape[:2], 3 if len(shape) == 3 else 1)


def test_one_class_is_refused(tmp_path: Path, folders: list[Path | None]) -> None:
    np.savez(tmp_path / "one.npz", x_train=np.zeros((9, 8, 8, 3), np.uint8), y_train=[0] * 9)
    with pytest.raises(DataError, match="class"):
        fitted(tmp_path / "one.npz", tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"backbone": "resnet"}, "'resnet' is not a backbone"),
        ({"rotation": 0.1}, r"'model\.rotation' was given 0\.1, which has no effect"),
        ({"block_rate": 0.5}, r"'model\.block_rate' was given 0\.5, which has no effect"),
        ({"folder": "nowhere"}, "nowhere was named for the weights of efficientnet-lite0"),
    ],
)
def test_what_cannot_be_trained_is_said_before_and_leaves_no_run(
    model: dict[str, Any], message: str, colors: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(pretrained, "build_feature_extractor", build_tiny)
    with pytest.raises((ConfigError, DataError), match=message):
        fitted(colors, tmp_path / "run", model=model)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"finetune": 99}, r"'model\.finetune' was given 99, but .* has 4 blocks"),
        ({"augment": "crop"}, r"without model\.finetune .* expected none or flip"),
    ],
)
def test_a_network_that_cannot_be_built_is_refused(
    options: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretrained, "build_feature_extractor", build_tiny)
    with pytest.raises(ConfigError, match=message):
        pretrained.build(PretrainedOptions(**options), (8, 8, 3), 2)


@pytest.mark.slow
def test_published_weights_train_export_and_answer_in_every_engine(
    real_data: Path, tmp_path: Path
) -> None:
    if why_missing("efficientnet-lite0") is not None:
        pytest.skip("the weights of efficientnet-lite0 are not on this machine")
    with np.load(real_data / "cifar10.npz") as stored:
        x, y = stored["x_train"][:400], stored["y_train"].ravel()[:400]
    source = str(tmp_path / "images.npz")
    np.savez(source, x_train=x, y_train=y)
    config = resolve_config(
        options={
            "data": {"source": str(tmp_path / "images.npz")},
            "model": {"recipe": "pretrained"},
        }
    )
    report = train(config, out=tmp_path / "run")
    assert report.cross_validated_accuracy is not None
    assert report.cross_validated_accuracy > 0.7
    exported = export(tmp_path / "run", tmp_path / "model")
    assert exported.missing == {}
    assert all(figures["labels_changed"] == 0 for figures in exported.parity.values())
    assert read_manifest(exported.servable).backbone["license"]
