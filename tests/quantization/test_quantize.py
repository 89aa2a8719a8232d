"""Quantize writes, measures and selects files; a failure leaves the servable unchanged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from variants import cost

import modelwright
from modelwright import Measuring, QuantizationLimits
from modelwright.core.errors import (
    ConfigError,
    DataError,
    MissingDependencyError,
    ParityError,
    ServableError,
)
from modelwright.exporting.conversion import ConversionTarget
from modelwright.quantization import candidates
from modelwright.quantization.methods import is_quantized
from modelwright.quantization.training_rows import recorded_config
from modelwright.servable import verify as verify_module
from modelwright.servable.cost import Cost
from modelwright.servable.engines import kinds
from modelwright.servable.engines.registry import open_engine
from modelwright.servable.examples import read_examples
from modelwright.servable.manifest import MANIFEST, read_manifest

BRIEF = Measuring(rows=8, seconds=0.02)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with a copy of each file that ``quantized`` converted."""
    return tmp_path_factory.mktemp("converted")


@pytest.fixture(scope="module")
def quantized(
    image_servable: Path, converted: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("models") / "colours" / "1"
    shutil.copytree(image_servable, folder)
    convert = candidates.convert_servable

    def convert_and_copy(
        servable: Path, targets: Sequence[ConversionTarget], into: Path, **options: Any
    ) -> dict[str, str]:
        reasons = convert(servable, targets, into, **options)
        for target in targets:
            shutil.copy(into / target.name, converted)
        return reasons

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "convert_servable", convert_and_copy)
        report = modelwright.quantize(folder, finetune=1, measuring=Measuring(seconds=0.05))
    assert report.written == (report.recommended,)
    return folder


@pytest.fixture
def in_process(quantized: Path, converted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``quantized``; converting copies its files, and measuring runs in this process."""

    def copy_files(
        servable: Path, targets: Sequence[ConversionTarget], into: Path, **_: Any
    ) -> dict[str, str]:
        for target in targets:
            shutil.copy(converted / target.name, into)
        return {}

    monkeypatch.setattr(candidates, "convert_servable", copy_files)
    monkeypatch.setattr(candidates, "measure_cost", measure_in_process)
    return quantized


def measure_in_process(folder: Path, engine: str, path: Path, **_: Any) -> tuple[np.ndarray, Cost]:
    """Returns an engine's answers, computed in this process, with figures that are made up."""
    manifest = read_manifest(folder)
    rows = read_examples(path, manifest.task).inputs
    return open_engine(engine, folder, manifest).probabilities(rows), cost()


def test_the_table_has_the_figures_of_each_file(quantized: Path) -> None:
    table = json.loads((quantized / "litert" / "table.json").read_text("utf-8"))
    methods = [f"litert-{method}" for method in ("float32", "float16", "dynamic", "int8")]
    methods.append("litert-int8-finetuned")
    assert list(table["variants"]) == ["savedmodel", "onnx", *methods]
    assert table["missing"] == {}
    for name, one in table["variants"].items():
        assert one["bytes"] > 0
        assert 0 < one["cost"]["latency_ms"]["p50"] <= one["cost"]["latency_ms"]["p99"]
        assert one["cost"]["cold_seconds"] > one["cost"]["load_seconds"] > 0
        assert 0 <= one["flips"] <= 1
        if name in ("onnx", "litert-float32"):
            assert (one["flips"], one["change"]) == (0, 0)
    sizes = [table["variants"][name]["bytes"] for name in methods]
    assert sizes[0] > sizes[1]
    assert (quantized / "litert" / "table.png").stat().st_size > 1000


def test_a_written_file_is_verified_and_answers(
    quantized: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(quantized)
    (name,) = filter(is_quantized, manifest.engines)
    monkeypatch.setattr(verify_module, "is_installed", is_quantized)
    report = modelwright.verify(quantized)
    assert report.engines[name]["passed"]
    assert report.engines[name]["rows"] == min(32, manifest.engines[name]["rows"])
    pixels = modelwright.load(quantized, engine="litert")
    assert pixels.predict([_red()])[0].label == "red"
    assert not list(quantized.parent.glob(".*")), "nothing temporary is left"


def _red() -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (16, 16), (220, 30, 30)).save(file, "PNG")
    return file.getvalue()


def test_repeating_changes_nothing_and_other_methods_replace_the_files(
    in_process: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(in_process, folder)
    for _ in range(2):
        files = read_manifest(folder).files
        report = modelwright.quantize(folder, methods=["int8", "float16"], measuring=BRIEF)
        assert report.written == ("litert-int8", "litert-float16")
        assert report.rows == 8
        there = {path.name for path in (folder / "litert").glob("*.tflite")}
        assert there == {"int8.tflite", "float16.tflite"}
    again = read_manifest(folder).files
    changing = {"litert/table.json", "litert/table.png"}  # they contain times
    assert {k: v for k, v in files.items() if k not in changing} == {
        k: v for k, v in again.items() if k not in changing
    }


def test_a_file_that_exceeds_the_limits_is_refused_and_nothing_changes(in_process: Path) -> None:
    before = read_manifest(in_process)
    with pytest.raises(ParityError, match=r"litert-float32 has .* MiB, more than the 0.001 of"):
        modelwright.quantize(
            in_process, methods=["float32"], limits=QuantizationLimits(mib=0.001), measuring=BRIEF
        )
    assert read_manifest(in_process) == before


def test_where_no_file_fits_nothing_changes_but_the_table_is_shown(in_process: Path) -> None:
    before = read_manifest(in_process)
    report = modelwright.quantize(in_process, limits=QuantizationLimits(mib=1e-6), measuring=BRIEF)
    assert (report.recommended, report.written) == (None, ())
    assert "more than the 1e-06 of --max-size" in report.render()
    assert read_manifest(in_process) == before


@pytest.mark.parametrize("moved", [MANIFEST, "litert"])
def test_the_old_files_come_back_where_a_rename_fails(
    in_process: Path, monkeypatch: pytest.MonkeyPatch, moved: str
) -> None:
    before = read_manifest(in_process)
    rename, replace = Path.rename, Path.replace

    def failing(rename_or_replace: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def move(self: Path, target: Path) -> Path:
            if Path(target) == in_process.resolve() / moved and self.parent.name == "1":
                raise OSError(28, "No space left on device")
            return rename_or_replace(self, target)

        return move

    monkeypatch.setattr(Path, "rename", failing(rename))
    monkeypatch.setattr(Path, "replace", failing(replace))
    with pytest.raises(ServableError, match="No space left on device; it is as it was"):
        modelwright.quantize(in_process, methods=["float16"], measuring=BRIEF)
    monkeypatch.undo()
    assert read_manifest(in_process) == before
    assert not list(in_process.parent.glob(".*"))


def test_a_function_outside_the_current_folder_is_not_called(
    quantized: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(quantized, folder)
    record = json.loads((folder / MANIFEST).read_text("utf-8"))
    record["config"]["model"] = {"builder": "custom", "options": {"function": "subprocess:call"}}
    (folder / MANIFEST).write_text(json.dumps(record), "utf-8")
    with pytest.raises(ConfigError, match="'subprocess:call', which is not in the current"):
        modelwright.quantize(folder, measuring=BRIEF)
    (tmp_path / "subprocess.py").touch()
    monkeypatch.chdir(tmp_path)
    manifest = read_manifest(folder)
    with pytest.raises(ConfigError, match="not in the current"):  # it is the standard library's
        recorded_config(manifest, folder)
    (tmp_path / "nets.py").touch()
    own = {**manifest.config, "model": {"builder": "custom", "options": {"function": "nets:build"}}}
    assert recorded_config(replace(manifest, config=own), folder).model.builder == "custom"
    record["config"]["model"] = {"builder": "cnn", "colour": "red"}
    (folder / MANIFEST).write_text(json.dumps(record), "utf-8")
    with pytest.raises(ServableError, match="settings in the manifest of .* are not of this"):
        modelwright.quantize(folder, measuring=BRIEF)


def test_the_current_folder_can_be_quantized(
    in_process: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_manifest(in_process)
    monkeypatch.chdir(in_process)
    modelwright.quantize(".", limits=QuantizationLimits(mib=1e-6), measuring=BRIEF)
    assert read_manifest(in_process) == before


def test_where_a_conversion_fails_nothing_changes(
    in_process: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_manifest(in_process)
    crashed = "its process crashed (SIGSEGV)"
    monkeypatch.setattr(
        candidates,
        "convert_servable",
        lambda _, targets, *__, **___: {target.name: crashed for target in targets},
    )
    with pytest.raises(ServableError, match="litert-int8 is not available: its process crashed"):
        modelwright.quantize(in_process, methods=["int8"], measuring=BRIEF)
    assert read_manifest(in_process) == before


@pytest.mark.usefixtures("export_in_process")
def test_a_recurrent_network_can_be_quantized(
    text_servable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(text_servable, folder)
    monkeypatch.setattr(candidates, "measure_cost", measure_in_process)
    report = modelwright.quantize(folder, methods=["dynamic"], measuring=BRIEF)
    assert set(report.variants) >= {"litert-float32", "litert-dynamic"}
    assert modelwright.load(folder, engine="litert").predict(["很好"])[0].label == "pos"
    monkeypatch.setattr(verify_module, "is_installed", is_quantized)
    assert list(modelwright.verify(folder).engines) == ["litert-dynamic"]


def test_unknown_methods_and_splits_are_refused(quantized: Path) -> None:
    with pytest.raises(ConfigError, match="--method was given 'int4'.* Expected one of float32"):
        modelwright.quantize(quantized, methods=["int4"])
    with pytest.raises(ConfigError, match="--split was given 'dev'"):
        modelwright.quantize(quantized, measuring=Measuring(split="dev"))


def test_missing_data_is_one_line(
    quantized: Path, tmp_path: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(quantized, folder)
    record = json.loads((folder / MANIFEST).read_text("utf-8"))
    record["config"]["data"]["source"] = str(tmp_path / "gone")
    (folder / MANIFEST).write_text(json.dumps(record), "utf-8")
    code, _, errors = cli("quantize", str(folder), "--quiet")
    assert code == DataError.exit_code
    assert "gone" in errors and len(errors.strip().splitlines()) == 1


def test_without_litert_the_error_says_how_to_install_it(
    quantized: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinds, "find_spec", lambda _: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modelwright\[edge\]'"):
        modelwright.quantize(quantized)
