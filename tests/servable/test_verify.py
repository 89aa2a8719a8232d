"""Verify repeats the check of the export, with whatever is installed here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import modelwright
from modelwright.core.errors import ParityError
from modelwright.servable import verify as verify_module
from modelwright.servable.engines.registry import is_installed
from modelwright.servable.manifest import EXAMPLES, read_manifest, write_manifest


def only_onnx(name: str) -> bool:
    return name == "onnx"


def test_every_engine_answers_the_recorded_examples_again(with_litert: dict[str, Path]) -> None:
    report = modelwright.verify(with_litert["text"].parent)
    assert report.servable == with_litert["text"]
    assert set(report.engines) == {"savedmodel", "onnx", "litert-float32"}
    assert all(figures["passed"] and figures["rows"] > 10 for figures in report.engines.values())
    assert report.skipped == ()
    assert "right checksum" in report.render()


def test_an_engine_that_is_not_installed_is_skipped_and_named(
    with_litert: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify_module, "is_installed", only_onnx)
    report = modelwright.verify(with_litert["text"])
    assert list(report.engines) == ["onnx"]
    assert report.skipped == ("savedmodel", "litert-float32")
    assert "not installed here: only its file was checked" in report.render()
    assert not is_installed("tensorrt-fp16")


def test_answers_that_differ_from_the_recorded_ones_fail(
    text_servable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(text_servable, tmp_path / "1"))
    records = [json.loads(line) for line in (folder / EXAMPLES).read_text().splitlines()]
    records[3]["probabilities"].reverse()
    (folder / EXAMPLES).write_text("".join(json.dumps(record) + "\n" for record in records))
    write_manifest(read_manifest(text_servable), folder)
    monkeypatch.setattr(verify_module, "is_installed", only_onnx)
    with pytest.raises(ParityError, match="no longer gives its recorded answers: 1 of"):
        modelwright.verify(folder)
