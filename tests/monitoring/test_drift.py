"""``modelwright drift``, from a servable or a run and files to the report."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import modelwright
from modelwright.core.errors import DRIFTED, ConfigError, DataError, ServableError
from modelwright.monitoring.reference import REFERENCE, read_reference
from modelwright.servable.manifest import read_manifest, write_manifest
from sample_data import sentences, write_csv

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def same(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other rows of the kind that the text model was trained on."""
    folder = tmp_path_factory.mktemp("same")
    return write_csv(folder / "same.csv", sentences(300)[240:], ("评论", "情感"))


def write_texts(path: Path, texts: Sequence[str], labels: Sequence[str] = ()) -> Path:
    """Writes a table of texts, with labels if there are any."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "label") if labels else ("text",))
        rows = zip(texts, labels, strict=True) if labels else ((text,) for text in texts)
        writer.writerows(rows)
    return path


def write_gray(folder: Path, count: int, side: int = 24) -> Path:
    """Writes a folder of dark gray images."""
    folder.mkdir()
    random = np.random.default_rng(0)
    for number in range(count):
        pixels = random.integers(0, 40, (side, side), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def without_reference(servable: Path, into: Path, **changes: object) -> Path:
    """Returns a copy as an earlier version of modelwright wrote it."""
    shutil.copytree(servable, into)
    manifest = read_manifest(into)
    (into / REFERENCE).unlink()
    write_manifest(replace(manifest, **changes), into)  # type: ignore[arg-type]
    return into


def test_an_export_records_the_reference(text_servable: Path, image_servable: Path) -> None:
    for servable, split in ((text_servable, "test"), (image_servable, "test")):
        assert REFERENCE in read_manifest(servable).files
        reference = read_reference(servable)
        assert reference is not None
        assert reference.split == split
        assert reference.rows == reference.confusion.sum() == reference.class_counts.sum()
        assert reference.features is not None
        assert (servable / REFERENCE).stat().st_size < 100_000
    text = (text_servable / REFERENCE).read_text("utf-8")
    rows = [str(one) for one, _ in sentences(240)]
    assert not any(row in text for row in rows)


def test_rows_of_the_same_kind_are_silent(text_servable: Path, same: Path) -> None:
    report = modelwright.drift(text_servable, same)
    assert not report.drifted
    assert {test.name for test in report.comparison.tests} == {
        "classes", "confidence", "unknown", "length", "words", "features",
    }  # fmt: skip
    assert report.labeled is not None
    assert report.labeled.metrics.rows == report.rows == 60
    assert "no test found a difference" in report.render()


def test_texts_in_another_language_alarm(text_servable: Path, tmp_path: Path) -> None:
    french = [f"Le train numéro {n} arrive très tard à la gare de Lyon" for n in range(60)]
    report = modelwright.drift(text_servable, write_texts(tmp_path / "fr.csv", french))
    found = {test.name: test for test in report.comparison.tests if test.drifted}
    assert {"unknown", "words"} <= set(found)
    assert found["unknown"].words.startswith("more of the tokens are unknown: 9")
    assert report.labeled is None


def test_dark_images_alarm(image_servable: Path, tmp_path: Path) -> None:
    report = modelwright.drift(image_servable, write_gray(tmp_path / "dark", 60, side=50))
    found = {test.name: test.words for test in report.comparison.tests if test.drifted}
    assert found["brightness"].startswith("the images are darker")
    assert found["size"].startswith("the image files are larger")
    assert "features" in found


def test_json_and_exit_codes(cli: Cli, text_servable: Path, same: Path, tmp_path: Path) -> None:
    code, out, _ = cli("drift", text_servable, "--data", same, "--json", "--fail")
    found = json.loads(out)
    assert code == 0
    assert found["drifted"] is False
    assert set(found["tests"][0]) >= {"name", "statistic", "threshold", "drifted", "words"}
    assert {"accuracy", "macro_f1", "macro_f1_interval"} <= set(found["labeled"])
    other = write_texts(tmp_path / "other.csv", ["какой-то другой язык"] * 40)
    assert cli("drift", text_servable, "--data", other)[0] == 0
    code, out, _ = cli("drift", text_servable, "--data", other, "--fail", "--json")
    assert code == DRIFTED == 9
    assert json.loads(out)["drifted"] is True


def test_a_run_is_compared_as_its_servable_is(
    text_run: Path, text_servable: Path, same: Path
) -> None:
    run, servable = modelwright.drift(text_run, same), modelwright.drift(text_servable, same)
    assert run.reference_source == "measured now on the data of the run"
    for one, other in zip(run.comparison.tests, servable.comparison.tests, strict=True):
        assert one.name == other.name
        assert one.result.statistic == pytest.approx(other.result.statistic, abs=0.02)
    with pytest.raises(ConfigError, match="is a run, which Keras answers; got engine 'onnx'"):
        modelwright.drift(text_run, same, engine="onnx")


def test_a_servable_without_a_reference_measures_it(
    text_servable: Path, same: Path, tmp_path: Path
) -> None:
    old = without_reference(text_servable, tmp_path / "old" / "1")
    report = modelwright.drift(old, same)
    assert report.reference_source == "measured now, since the servable has no reference.json"
    recorded = modelwright.drift(text_servable, same)
    for one, other in zip(report.comparison.tests, recorded.comparison.tests, strict=True):
        assert one.name == other.name
        assert one.result.statistic == pytest.approx(other.result.statistic, abs=1e-4)


def test_a_servable_whose_data_is_gone_says_what_is_missing(
    text_servable: Path, same: Path, tmp_path: Path
) -> None:
    config = read_manifest(text_servable).config
    gone = {**config, "data": {**config["data"], "source": "gone.csv"}}
    old = without_reference(text_servable, tmp_path / "old" / "1", config=gone)
    with pytest.raises(DataError, match="has no reference.json.*gone.csv.*--data-root"):
        modelwright.drift(old, same)


def test_a_changed_reference_is_refused(text_servable: Path, same: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(text_servable, tmp_path / "copy" / "1"))
    (copy / REFERENCE).write_text("{}", "utf-8")
    with pytest.raises(ServableError, match="reference.json has changed"):
        modelwright.drift(copy, same)


def test_the_reference_of_another_model_is_refused(
    text_servable: Path, same: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(text_servable, tmp_path / "copy" / "1"))
    record = json.loads((copy / REFERENCE).read_text("utf-8"))
    (copy / REFERENCE).write_text(json.dumps({**record, "labels": ["bad", "good"]}), "utf-8")
    write_manifest(read_manifest(text_servable), copy)
    with pytest.raises(ServableError, match="is of another model: its text labels are bad, good"):
        modelwright.drift(copy, same)


def test_rows_without_a_label_are_compared_too(text_servable: Path, tmp_path: Path) -> None:
    rows = sentences(300)[240:]
    labels = [str(label) if at % 3 else "" for at, (_, label) in enumerate(rows)]
    table = write_texts(tmp_path / "some.csv", [str(text) for text, _ in rows], labels)
    report = modelwright.drift(text_servable, table)
    assert report.rows == 60
    assert report.labeled is not None
    assert report.labeled.metrics.rows == 40
    assert "20 of the rows have no label" in report.notes


def test_labels_of_another_set_are_left_out(text_servable: Path, tmp_path: Path) -> None:
    texts = [str(text) for text, _ in sentences(300)[240:]]
    table = write_texts(tmp_path / "other.csv", texts, ["hotel"] * 60)
    report = modelwright.drift(text_servable, table)
    assert report.labeled is None
    said = "leaves out 60 rows with a label that the model does not have: 'hotel'"
    assert any(said in note for note in report.notes)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: write_texts(folder / "x.csv", ["good", "bad", "odd"]),
         r"has 3 usable rows; expected at least 20, and 200 or more"),
        (lambda folder: write_texts(folder / "x.csv", []), "x.csv"),
        (lambda folder: write_texts(folder / "x.csv", ["", " "] * 30), "no usable row"),
        (lambda folder: folder / "absent.csv", "absent.csv"),
        (lambda folder: write_gray(folder / "images", 30), "images"),
    ],
    ids=["3 rows", "empty", "empty texts", "absent", "images"],
)  # fmt: skip
def test_data_that_cannot_be_compared_is_an_error(
    cli: Cli, text_servable: Path, tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    code, out, err = cli("drift", text_servable, "--data", make(tmp_path))
    assert code == DataError.exit_code, err
    assert out == ""
    assert err.startswith("error: ")
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(err)


def test_texts_for_an_image_model_are_an_error(image_servable: Path, same: Path) -> None:
    with pytest.raises(DataError, match="images"):
        modelwright.drift(image_servable, same)


@pytest.mark.parametrize("rows", [0, 19])
def test_a_number_of_rows_that_shows_nothing_is_refused_as_such(rows: int) -> None:
    with pytest.raises(ConfigError, match="rows was given .*; expected 20 or more"):
        modelwright.drift("models/none", "none.csv", rows=rows)


def test_a_servable_needs_no_tensorflow(text_servable: Path, same: Path) -> None:
    code = (
        "import sys; sys.modules['tensorflow'] = sys.modules['scipy'] = sys.modules['onnx'] = None;"
        " import modelwright; print(modelwright.drift(*sys.argv[1:]).drifted)"
    )
    command = [sys.executable, "-c", code, str(text_servable), str(same)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "False", done.stderr


def test_a_table_in_another_encoding_and_with_unusual_columns(
    text_servable: Path, tmp_path: Path, cli: Cli
) -> None:
    lines = [f"{text},{label},{text} 二" for text, label in sentences(60)]
    path = tmp_path / "new.csv"
    path.write_bytes("\n".join(["甲,乙,丙", *lines]).encode("gb18030"))
    command = ["drift", str(text_servable), "--data", str(path), "--json"]
    code, _, err = cli(*command, "--text-column", "甲")
    assert code == 3
    assert "--encoding gb18030" in err
    command += ["--encoding", "gb18030"]
    code, out, _ = cli(*command, "--text-column", "甲", "--label-column", "乙")
    assert code == 0
    assert json.loads(out)["labeled"]["rows"] == 60
    for option in ("--text-column", "--label-column"):
        usual = ["--text-column", "甲"] if option == "--label-column" else []
        code, _, err = cli(*command, *usual, option, "丁")
        assert code == 3, option
        assert "'丁'" in err
