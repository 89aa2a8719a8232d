"""What travels to workers on other machines. Starts no Ray."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from modelwright.core.errors import ConfigError
from modelwright.scoring.predict_file import predict_file
from modelwright.scoring.questions import CONTENT, PATH, ask_texts, image_batch
from modelwright.scoring.ray_answerer import (
    RemoteAnswerer,
    from_stream,
    send_servable,
    to_stream,
    with_contents,
)
from modelwright.scoring.ray_pool import RayWorkers
from modelwright.scoring.worker import LocalAnswerer, Setup
from sample_data import write_images


def test_only_the_rows_of_a_slice_travel() -> None:
    whole = pa.record_batch([pa.array(["a long text " * 100] * 1000)], ["text"])
    part = whole.slice(10, 2)
    assert len(to_stream(part)) < 10_000
    assert from_stream(to_stream(part)).equals(part)


def test_images_travel_as_bytes_and_a_missing_file_keeps_its_path(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"image")
    paths: list[bytes | None] = [os.fsencode(tmp_path / name) for name in ("a.png", "b.png")]
    given = image_batch([*paths, None, None], [None, None, b"other", None])
    sent = with_contents(given)
    assert sent.column(CONTENT).to_pylist() == [b"image", None, b"other", None]
    assert sent.column(PATH).to_pylist() == [None, paths[1], None, None]
    texts = ask_texts(pa.array(["a"]))
    assert with_contents(texts) is texts


def test_a_machine_without_the_servable_gets_its_files(
    text_servable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects: list[Any] = []
    ray = SimpleNamespace(put=lambda value: objects.append(value) or 0, get=objects.__getitem__)
    monkeypatch.setitem(sys.modules, "ray", ray)
    setup = Setup(Path(shutil.copytree(text_servable, tmp_path / "1")), "onnx", None, Path())
    sent = send_servable(ray, setup)
    questions = ask_texts(pa.array(["很好 的 酒店", "bad"]))
    expected = LocalAnswerer(setup).ask(questions)
    setup.servable.rename(tmp_path / "elsewhere")
    answers = from_stream(RemoteAnswerer(sent).ask(to_stream(questions)))
    assert answers.equals(expected)


@pytest.mark.parametrize("kind", ["folder", "lines"])
def test_images_that_other_machines_lack_are_refused(
    kind: str, image_servable: Path, tmp_path: Path
) -> None:
    source = write_images(tmp_path / "images", 3, side=8)
    if kind == "lines":
        source = tmp_path / "images.jsonl"
        source.write_text('{"image": "images/a.png"}\n')
    output = tmp_path / ("out.jsonl" if kind == "lines" else "out.csv")
    with pytest.raises(ConfigError, match=r"other machines do not have; .* leave out --runner ray"):
        predict_file(image_servable, source, output, workers=RayWorkers(1))
    assert not list(tmp_path.glob("out*"))


def test_a_negative_number_of_workers_is_refused(text_servable: Path, tmp_path: Path) -> None:
    table = tmp_path / "in.csv"
    table.write_text("text\ngood\n")
    with pytest.raises(ConfigError, match="workers was given -1"):
        predict_file(text_servable, table, tmp_path / "out.csv", workers=RayWorkers(-1))
