from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import modelwright
from modelwright.core.errors import ParityError, ServableError
from modelwright.exporting import graph
from modelwright.runs import run as runs
from modelwright.servable import manifest
from modelwright.servable.warmup import WARMUP


def test_the_servable_holds_all_that_it_should(text_servable: Path, text_run: Path) -> None:
    about = manifest.read(text_servable)
    assert (about.name, about.version, about.task) == ("sentiment", 1, "text")
    assert about.labels == ("neg", "pos")
    assert about.data["fingerprint"] == runs.load(text_run).data["fingerprint"]
    assert about.engines["savedmodel"]["passed"]
    assert {"saved_model.pb", "assets/vocabulary.txt", "examples.jsonl", WARMUP} <= set(about.files)
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
    weights = [weight for weight in runs.load(text_run).network().variables if weight.shape]
    assert numbers == sum(int(np.prod(weight.shape)) for weight in weights)


def test_raw_text_gets_label_and_score(text_servable: Path) -> None:
    model = tf.saved_model.load(str(text_servable))
    answer = model.signatures["serving_default"](input_text=tf.constant(["酒店很好", "awful", ""]))
    chances = answer["probabilities"].numpy()
    assert [label.decode() for label in answer["label"].numpy()[:2]] == ["pos", "neg"]
    np.testing.assert_allclose(answer["score"], chances.max(axis=1))
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-6)


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


def test_the_next_version_and_one_that_exists(image_run: Path, tmp_path: Path) -> None:
    target = tmp_path / "m"
    (target / "7").mkdir(parents=True)
    assert modelwright.export(image_run, target).servable == target / "8"
    before = manifest.read(target / "8")
    with pytest.raises(ServableError, match="version 8 of .* exists and is never overwritten"):
        modelwright.export(image_run, target, version=8)
    assert manifest.read(target / "8") == before


def test_an_engine_that_disagrees_is_refused_and_nothing_is_left(
    image_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = graph.write

    def altered(path: Path, network: object, *args: object, **kwargs: object) -> None:
        for variable in network.trainable_variables[-1:]:  # type: ignore[attr-defined]
            variable.assign(-5 * variable)
        write(path, network, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(graph, "write", altered)
    with pytest.raises(ParityError, match="does not agree with the model it was made from"):
        modelwright.export(image_run, tmp_path / "m")
    assert list((tmp_path / "m").iterdir()) == []


DISK_FULL = """
import resource, sys
import modelwright
from modelwright.core.errors import ServableError
from modelwright.bundle import export as module

answers = module._answers
def limited(*args):
    found = answers(*args)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    return found
module._answers = limited
try:
    modelwright.export(sys.argv[1], sys.argv[2])
except ServableError as error:
    sys.exit(str(error))
"""


def test_a_full_disk_leaves_nothing_and_one_line(text_run: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DISK_FULL, str(text_run), str(tmp_path / "m")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "nothing was exported. Make room" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "m").iterdir()) == []


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
    assert manifest.read(exported.servable).tolerance == 0.05
    assert exported.parity["savedmodel"]["labels_changed"] == 0


@pytest.fixture
def copy(text_servable: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(text_servable, tmp_path / "sentiment" / "1"))


def test_verify_repeats_the_check(copy: Path) -> None:
    report = modelwright.verify(copy.parent)
    assert report.servable == copy
    assert report.engines["savedmodel"]["rows"] > 10
    assert "right checksum" in report.render()


@pytest.mark.parametrize("name", ["saved_model.pb", "examples.jsonl", "assets/vocabulary.txt"])
def test_a_changed_missing_or_added_file_is_named(copy: Path, name: str) -> None:
    (copy / name).write_bytes((copy / name).read_bytes() + b"\n")
    with pytest.raises(ServableError, match=f"not as it was exported: {name} has changed"):
        modelwright.verify(copy)
    (copy / name).unlink()
    with pytest.raises(ServableError, match=f"{name} is missing"):
        modelwright.load(copy)
    (copy / "stray").touch()
    with pytest.raises(ServableError, match="stray was added"):
        modelwright.load(copy)


def test_answers_that_are_not_the_recorded_ones_fail(copy: Path) -> None:
    path = copy / "examples.jsonl"
    records = [json.loads(line) for line in path.read_text().splitlines()]
    records[3]["probabilities"].reverse()
    path.write_text("\n".join(json.dumps(record) for record in records) + "\n")
    manifest.write(manifest.from_record(json.loads((copy / manifest.MANIFEST).read_text())), copy)
    with pytest.raises(ParityError, match="no longer gives its recorded answers: 1 of"):
        modelwright.verify(copy)


def test_what_is_no_servable(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(ServableError, match="nowhere does not exist; expected a model folder"):
        modelwright.load(tmp_path / "nowhere")
    with pytest.raises(ServableError, match="holds no version"):
        modelwright.load(tmp_path / "sentiment" / "1" / "assets")
    record = json.loads((copy / manifest.MANIFEST).read_text())
    for change, says in (
        ({"format": 9}, "has servable format 9; this version reads 1"),
        ({"task": "sound"}, "cannot be read: ValueError task 'sound'"),
        ({"files": {"../../x": ""}}, "points outside the folder"),
    ):
        (copy / manifest.MANIFEST).write_text(json.dumps({**record, **change}))
        with pytest.raises(ServableError, match=says):
            modelwright.load(copy)
    (copy / manifest.MANIFEST).write_text("[1]")
    with pytest.raises(ServableError, match="cannot be read"):
        modelwright.load(copy)
