"""Export writes the next version of a servable, or nothing at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

import modelwright
from modelwright.core.errors import ConfigError, ParityError, ServableError
from modelwright.exporting import export as export_module
from modelwright.exporting import writer
from modelwright.runs.exports import read_exports
from modelwright.runs.run import load_run
from modelwright.servable.manifest import read_manifest
from modelwright.servable.warmup import WARMUP
from run_folders import make_run, write_evaluation


def test_a_servable_holds_all_its_files(text_servable: Path, text_run: Path) -> None:
    manifest = read_manifest(text_servable)
    assert (manifest.name, manifest.version, manifest.task) == ("sentiment", 1, "text")
    assert manifest.labels == ("neg", "pos")
    assert manifest.data["fingerprint"] == load_run(text_run).data["fingerprint"]
    assert manifest.engines["savedmodel"]["passed"]
    assert {"saved_model.pb", "assets/vocabulary.txt", "examples.jsonl", WARMUP} <= set(
        manifest.files
    )
    assert not list(text_servable.parent.glob(".*")), "nothing temporary is left"


@pytest.mark.parametrize(
    ("fixture", "name", "ready", "shape"),
    [
        ("text_servable", "input_text", "ids", (None, 12)),
        ("image_servable", "image_bytes", "pixels", (None, 16, 16, 3)),
    ],
)
def test_the_signatures_are_as_documented(
    request: pytest.FixtureRequest,
    fixture: str,
    name: str,
    ready: str,
    shape: tuple[int | None, ...],
) -> None:
    model = tf.saved_model.load(str(request.getfixturevalue(fixture)))
    default = model.signatures["serving_default"]
    assert {
        k: (v.dtype, tuple(v.shape)) for k, v in default.structured_input_signature[1].items()
    } == {name: (tf.string, (None,))}
    outputs = {k: (v.dtype, len(v.shape)) for k, v in default.structured_outputs.items()}
    assert outputs == {
        "probabilities": (tf.float32, 2),
        "label": (tf.string, 1),
        "score": (tf.float32, 1),
    }
    (spec,) = model.signatures[ready].structured_input_signature[1].values()
    assert tuple(spec.shape) == shape


def test_each_weight_is_written_once(text_servable: Path, text_run: Path) -> None:
    written = tf.train.list_variables(str(text_servable / "variables" / "variables"))
    numbers = sum(int(np.prod(shape)) for _, shape in written if shape)
    weights = [weight for weight in load_run(text_run).network().variables if weight.shape]
    assert numbers == sum(int(np.prod(weight.shape)) for weight in weights)


def test_raw_text_gets_label_and_score(text_servable: Path) -> None:
    model = tf.saved_model.load(str(text_servable))
    answer = model.signatures["serving_default"](input_text=tf.constant(["酒店很好", "awful", ""]))
    probabilities = answer["probabilities"].numpy()
    assert [label.decode() for label in answer["label"].numpy()[:2]] == ["pos", "neg"]
    np.testing.assert_allclose(answer["score"], probabilities.max(axis=1))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)


def test_tensorflow_serving_reads_the_warm_up_requests(text_servable: Path) -> None:
    from tensorflow_serving.apis import prediction_log_pb2

    records = list(tf.data.TFRecordDataset(str(text_servable / WARMUP)).as_numpy_iterator())
    logs = [prediction_log_pb2.PredictionLog.FromString(record) for record in records]
    assert len(logs) == 2
    request = logs[1].predict_log.request
    assert request.model_spec.name == "sentiment"
    assert request.model_spec.signature_name == "serving_default"
    texts = tf.make_ndarray(request.inputs["input_text"])
    assert len(texts) == 8
    assert texts[0].decode()


@pytest.fixture
def without_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports write the SavedModel alone, which takes two child processes less."""
    monkeypatch.setattr(writer, "convert_servable", lambda *_: {"onnx": "no such operator"})


@pytest.mark.usefixtures("export_in_process", "without_onnx")
def test_an_engine_that_cannot_be_converted_is_missing_with_the_reason(
    image_run: Path, tmp_path: Path
) -> None:
    report = modelwright.export(image_run, tmp_path / "m")
    assert report.missing == {"onnx": "no such operator"}
    assert "onnx is missing" in report.render()
    manifest = read_manifest(report.servable)
    assert set(manifest.engines) == {"savedmodel"}
    assert manifest.missing == report.missing
    with pytest.raises(ConfigError, match="has no engine 'onnx'"):
        modelwright.load(report.servable, engine="onnx")


@pytest.mark.usefixtures("export_in_process", "without_onnx")
def test_the_next_version_is_written_and_an_existing_one_is_not_overwritten(
    image_run: Path, tmp_path: Path
) -> None:
    target = tmp_path / "m"
    (target / "7").mkdir(parents=True)
    assert modelwright.export(image_run, target).servable == target / "8"
    assert read_exports(image_run)[-1].servable == str((target / "8").resolve())
    before = read_manifest(target / "8")
    with pytest.raises(ServableError, match="version 8 of .* exists and is never overwritten"):
        modelwright.export(image_run, target, version=8)
    assert read_manifest(target / "8") == before
    with pytest.raises(ServableError, match="--version was given -1; expected an integer of at"):
        modelwright.export(image_run, target, version=-1)
    (tmp_path / "file").touch()
    with pytest.raises(ServableError, match="file is a file; expected a folder for the model"):
        modelwright.export(image_run, tmp_path / "file")


@pytest.mark.slow
@pytest.mark.usefixtures("export_in_process", "without_onnx")
def test_of_two_exports_at_once_the_second_takes_the_next_number(
    image_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "m"
    write = export_module.write_version
    taken: list[int] = []

    def write_and_lose(*args: Any) -> dict[str, Any]:
        parity = write(*args)
        if not taken:  # another export finishes between the last file and the new name
            (target / "1").mkdir()
            (target / "1" / "saved_model.pb").write_bytes(b"theirs")
        taken.append(args[3].version)
        return parity

    monkeypatch.setattr(export_module, "write_version", write_and_lose)
    report = modelwright.export(image_run, target)
    assert (report.version, report.servable, taken) == (2, target / "2", [1, 2])
    assert read_manifest(target / "2").version == 2
    assert [path.name for path in (target / "1").iterdir()] == ["saved_model.pb"]
    assert sorted(path.name for path in target.iterdir()) == ["1", "2"]
    taken.clear()
    (target / "1" / "saved_model.pb").unlink()
    (target / "1").rmdir()
    with pytest.raises(ServableError, match="version 1 of .* exists and is never overwritten"):
        modelwright.export(image_run, target, version=1)
    assert not list(target.glob(".*"))


def test_a_version_is_a_signed_64_bit_integer(tmp_path: Path) -> None:
    with pytest.raises(
        ServableError, match=f"--version was given {2**63} for .* at most {2**63 - 1}"
    ):
        export_module._version_number(tmp_path, 2**63)
    assert export_module._version_number(tmp_path, 2**63 - 1) == 2**63 - 1
    (tmp_path / str(2**63 - 1)).mkdir()
    with pytest.raises(ServableError, match=f"{2**63} is next for .*Give a smaller --version"):
        export_module._version_number(tmp_path, None)


@pytest.mark.usefixtures("export_in_process", "without_onnx")
def test_an_engine_that_disagrees_is_refused_and_nothing_is_left(
    image_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = writer.write_saved_model

    def altered(path: Path, network: object, *args: object, **kwargs: object) -> None:
        for variable in network.trainable_variables[-1:]:  # type: ignore[attr-defined]
            variable.assign(-5 * variable)
        write(path, network, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(writer, "write_saved_model", altered)
    with pytest.raises(ParityError, match="does not agree with the model it was made from"):
        modelwright.export(image_run, tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []


DISK_FULL = """
import resource, sys
import modelwright
from modelwright.core.errors import ServableError
from modelwright.exporting import export as module

examples = module._examples
def limited(*args):
    found = examples(*args)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    return found
module._examples = limited
try:
    modelwright.export(sys.argv[1], sys.argv[2])
except ServableError as error:
    sys.exit(str(error))
"""


@pytest.mark.slow
def test_a_full_disk_leaves_nothing_and_one_line(image_run: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(image_run), str(tmp_path / "m")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "nothing was exported. Make room" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "m").iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("export_in_process")
def test_jpegs_of_another_size_pass_within_the_stated_tolerance(
    colors: Path, tmp_path: Path
) -> None:
    from PIL import Image

    for path in colors.rglob("*.png"):
        target = tmp_path / "jpegs" / path.parent.name / f"{path.stem}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.open(path).resize((23, 31)).save(target, quality=90)
    report = modelwright.train(
        data={"source": str(tmp_path / "jpegs"), "image_size": 16},
        model={"recipe": "cnn", "filters": [4, 8], "units": 8},
        train={"epochs": 2, "batch_size": 16},
        out=tmp_path / "run",
    )
    exported = modelwright.export(report.run, tmp_path / "m")
    manifest = read_manifest(exported.servable)
    assert (manifest.tolerance, manifest.tolerance_of("onnx")) == (0.05, 1e-4)
    assert exported.parity["savedmodel"]["labels_changed"] == 0


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("a", "a is a run; expected the folder of one model"),
        ("models", "models is a folder of models; expected"),
        ("models/m/1", "1 is one version of a model; expected"),
    ],
)
def test_a_servable_is_not_written_into_something_else(
    tmp_path: Path, place: str, message: str
) -> None:
    make_run(tmp_path / "a")
    (tmp_path / "models" / "m" / "1").mkdir(parents=True)
    (tmp_path / "models" / "m" / "1" / "modelwright.json").touch()
    with pytest.raises(ServableError, match=message):
        modelwright.export(tmp_path / "a", tmp_path / place)


def test_the_figures_of_earlier_weights_are_not_those_of_the_servable(tmp_path: Path) -> None:
    from modelwright.exporting.export import _manifest, _unmeasured

    run = make_run(tmp_path / "a")
    manifest = _manifest(run, "m", 1, 0.1, tta=False)
    assert "test" not in manifest.metrics
    assert f"modelwright evaluate {run.path}" in _unmeasured(run, manifest)[0]
    write_evaluation(run, [True] * 10, majority_accuracy=1.0)
    manifest = _manifest(run, "m", 1, 0.1, tta=False)
    assert manifest.metrics["test"]["accuracy"] == 1 and not _unmeasured(run, manifest)
    (run.path / "weights.weights.h5").write_bytes(b"trained further")
    assert "test" not in _manifest(run, "m", 1, 0.1, tta=False).metrics


def test_an_export_ends_with_the_command_of_the_report() -> None:
    folder = Path("models/my model/1")
    report = export_module.ExportReport(folder, "my model", 1, {}, {}, 2**20, 1.0)
    last = report.render().splitlines()[-1]
    assert last.split(maxsplit=1) == ["next", "modelwright report 'models/my model/1'"]
