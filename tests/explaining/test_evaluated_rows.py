"""The rows are held-out ones of the model, or those of a file, and the source is named."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelwright.core.errors import DataError
from modelwright.explaining.evaluated_rows import rows_of_file, rows_of_run, rows_of_servable
from modelwright.runs.rows import reload_data
from modelwright.runs.run import load_run
from modelwright.servable.manifest import read_manifest
from sample_data import COLORS, sentences, write_csv, write_images


def test_a_run_gives_its_test_rows_evenly_spaced(text_run: Path) -> None:
    run = load_run(text_run)
    found = rows_of_run(run, 7)
    test = reload_data(run.config.data, run.data, run.path).splits["test"]
    known = [test.inputs.raw(at) for at in range(len(test))]
    assert len(found.inputs) == 7 and found.inputs[0] == known[0] and found.inputs[-1] == known[-1]
    assert f"of {len(test)} test rows of" in found.source and not found.notes
    assert len(rows_of_run(run, 10_000).inputs) == len(test)


def test_images_of_a_run_are_files(image_run: Path) -> None:
    found = rows_of_run(load_run(image_run), 3)
    assert all(Image.open(io.BytesIO(row)).size == (16, 16) for row in found.inputs)


def test_a_servable_gives_its_recorded_examples(text_servable: Path) -> None:
    folder = text_servable / "1" if (text_servable / "1").is_dir() else text_servable
    manifest = read_manifest(folder)
    found = rows_of_servable(folder, manifest, 5)
    assert len(found.inputs) == 5 and all(isinstance(row, str) for row in found.inputs)
    assert "recorded examples in examples" in found.source


def test_a_file_needs_no_labels(tmp_path: Path) -> None:
    texts = [text for text, _ in sentences(30)]
    path = tmp_path / "new.csv"
    path.write_text("text\n" + "\n".join(texts) + "\n", "utf-8")
    found = rows_of_file(str(path), "text", 4)
    assert found.inputs[0] == texts[0] and found.inputs[-1] == texts[-1]
    assert found.source == f"of 30 rows of {path}"


def test_labels_of_a_file_are_not_read_and_bad_rows_are_counted(tmp_path: Path) -> None:
    rows = [*sentences(10), ("", "pos"), ("one more", "no such label")]
    path = write_csv(tmp_path / "labeled.csv", rows, ("text", "label"))
    found = rows_of_file(str(path), "text", 100)
    assert len(found.inputs) == 11 and found.inputs[-1] == "one more"
    assert any("1 rows of" in note and "cannot be used" in note for note in found.notes)


def test_a_folder_of_images(tmp_path: Path) -> None:
    found = rows_of_file(str(write_images(tmp_path / "images", 4)), "image", 6)
    pixels = [np.asarray(Image.open(io.BytesIO(row))) for row in found.inputs]
    assert len(pixels) == 6 and pixels[0].shape == (16, 16, 3)
    assert np.abs(pixels[0].mean(axis=(0, 1)) - COLORS["blue"]).max() < 20


def test_rows_of_the_other_kind_and_no_rows(tmp_path: Path) -> None:
    texts = write_csv(tmp_path / "a.csv", sentences(4), ("text", "label"))
    with pytest.raises(DataError, match=r"a\.csv holds texts, but the model takes images; give"):
        rows_of_file(str(texts), "image", 5)
    empty = write_csv(tmp_path / "b.csv", [("", "pos"), (" ", "neg")], ("text", "label"))
    with pytest.raises(DataError, match=r"b\.csv has no usable row.*other rows with --data"):
        rows_of_file(str(empty), "text", 5)
