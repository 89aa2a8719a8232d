"""Files for LiteRT: made, measured, chosen, and moved into the servable whole or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import modelwright
from modelwright import Limits, Measuring
from modelwright.core.errors import (
    ConfigError,
    DataError,
    MissingDependencyError,
    ParityError,
    ServableError,
)
from modelwright.exporting import conversion, heldout
from modelwright.quantization import quantize as module
from modelwright.quantization.selection import Variant, choose, compared
from modelwright.servable import examples, manifest
from modelwright.servable.cost import Cost
from modelwright.servable.engines import open_engine

COST = Cost(
    cold_seconds=1.0,
    load_seconds=0.5,
    latency_ms={"p50": 2.0, "p95": 3.0, "p99": 4.0},
    network_ms=1.0,
    rows_per_second=100.0,
    peak_mib=50.0,
)


BRIEF = Measuring(rows=8, seconds=0.02)


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where ``quantized`` leaves each file that it had converted."""
    return tmp_path_factory.mktemp("converted")


@pytest.fixture(scope="module")
def quantized(
    picture_servable: Path, converted: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("models") / "colours" / "1"
    shutil.copytree(picture_servable, folder)
    convert_really = conversion.convert

    def keeping(of: Path, kinds: Sequence[str], into: Path, **given: Any) -> dict[str, str]:
        reasons = convert_really(of, kinds, into, **given)
        if "values" not in given:
            for kind in kinds:
                shutil.copy(into / kind, converted)
        return reasons

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conversion, "convert", keeping)
        report = modelwright.quantize(folder, finetune=1, measuring=Measuring(seconds=0.05))
    assert report.written == (report.recommended,)
    return folder


@pytest.fixture
def at_hand(quantized: Path, converted: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``quantized``, whose files are there already and answer without a process for each."""

    def there(_: Path, kinds: Sequence[str], into: Path, **__: Any) -> dict[str, str]:
        for kind in kinds:
            shutil.copy(converted / kind, into)
        return {}

    def answer(folder: Path, engine: str, path: Path, **_: Any) -> tuple[np.ndarray, Cost]:
        about = manifest.read(folder)
        rows = examples.read(path, about.task).inputs
        return open_engine(engine, folder, about).probabilities(rows), COST

    monkeypatch.setattr(conversion, "convert", there)
    monkeypatch.setattr(module, "measure", answer)
    return quantized


def test_the_table_tells_what_each_file_costs(quantized: Path) -> None:
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


def test_what_was_written_is_verified_and_answers(quantized: Path) -> None:
    about = manifest.read(quantized)
    (name,) = (name for name in about.engines if name.startswith("litert"))
    report = modelwright.verify(quantized)
    assert report.engines[name]["passed"]
    assert report.engines[name]["rows"] == min(32, about.engines[name]["rows"])
    pixels = modelwright.load(quantized, engine="litert")
    assert pixels.predict([_red()])[0].label == "red"
    assert not list(quantized.parent.glob(".*")), "nothing temporary is left"


def _red() -> bytes:
    import io

    from PIL import Image

    file = io.BytesIO()
    Image.new("RGB", (16, 16), (220, 30, 30)).save(file, "PNG")
    return file.getvalue()


def test_twice_is_as_once_and_another_choice_replaces_it(at_hand: Path, tmp_path: Path) -> None:
    folder = tmp_path / "1"
    shutil.copytree(at_hand, folder)
    for _ in range(2):
        files = manifest.read(folder).files
        report = modelwright.quantize(folder, methods=["int8", "float16"], measuring=BRIEF)
        assert report.written == ("litert-int8", "litert-float16")
        assert report.rows == 8
        there = {path.name for path in (folder / "litert").glob("*.tflite")}
        assert there == {"int8.tflite", "float16.tflite"}
    again = manifest.read(folder).files
    changing = {"litert/table.json", "litert/table.png"}  # they hold times
    assert {k: v for k, v in files.items() if k not in changing} == {
        k: v for k, v in again.items() if k not in changing
    }


def test_a_file_beyond_the_limits_is_refused_and_nothing_changes(at_hand: Path) -> None:
    before = manifest.read(at_hand)
    with pytest.raises(ParityError, match=r"litert-float32 has .* MiB, more than the 0.001 of"):
        modelwright.quantize(
            at_hand, methods=["float32"], limits=Limits(mib=0.001), measuring=BRIEF
        )
    assert manifest.read(at_hand) == before


def test_where_none_fits_nothing_changes_but_the_table_is_shown(at_hand: Path) -> None:
    before = manifest.read(at_hand)
    report = modelwright.quantize(at_hand, limits=Limits(mib=1e-6), measuring=BRIEF)
    assert (report.recommended, report.written) == (None, ())
    assert "more than the 1e-06 of --max-size" in report.render()
    assert manifest.read(at_hand) == before


@pytest.mark.parametrize("moved", [manifest.MANIFEST, "litert"])
def test_what_was_there_comes_back_where_moving_fails(
    at_hand: Path, monkeypatch: pytest.MonkeyPatch, moved: str
) -> None:
    before = manifest.read(at_hand)
    rename, replace = Path.rename, Path.replace

    def failing(how: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def move(self: Path, target: Path) -> Path:
            if Path(target) == at_hand.resolve() / moved and self.parent.name == "1":
                raise OSError(28, "No space left on device")
            return how(self, target)

        return move

    monkeypatch.setattr(Path, "rename", failing(rename))
    monkeypatch.setattr(Path, "replace", failing(replace))
    with pytest.raises(ServableError, match="No space left on device; it is as it was"):
        modelwright.quantize(at_hand, methods=["float16"], measuring=BRIEF)
    monkeypatch.undo()
    assert manifest.read(at_hand) == before
    assert not list(at_hand.parent.glob(".*"))


def test_a_function_that_lies_elsewhere_is_not_called(
    quantized: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(quantized, folder)
    record = json.loads((folder / manifest.MANIFEST).read_text("utf-8"))
    record["config"]["model"] = {"builder": "custom", "options": {"function": "subprocess:call"}}
    (folder / manifest.MANIFEST).write_text(json.dumps(record), "utf-8")
    with pytest.raises(ConfigError, match="'subprocess:call', which is not in the current"):
        modelwright.quantize(folder, measuring=BRIEF)
    (tmp_path / "subprocess.py").touch()
    monkeypatch.chdir(tmp_path)
    about = manifest.read(folder)
    with pytest.raises(ConfigError, match="not in the current"):  # the standard library's is meant
        heldout.settings(about, folder)
    (tmp_path / "nets.py").touch()
    own = {**about.config, "model": {"builder": "custom", "options": {"function": "nets:build"}}}
    assert heldout.settings(replace(about, config=own), folder).model.builder == "custom"
    record["config"]["model"] = {"builder": "cnn", "colour": "red"}
    (folder / manifest.MANIFEST).write_text(json.dumps(record), "utf-8")
    with pytest.raises(ServableError, match="settings in the manifest of .* are not of this"):
        modelwright.quantize(folder, measuring=BRIEF)


def test_from_inside_its_folder(at_hand: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = manifest.read(at_hand)
    monkeypatch.chdir(at_hand)
    modelwright.quantize(".", limits=Limits(mib=1e-6), measuring=BRIEF)
    assert manifest.read(at_hand) == before


def test_a_conversion_that_fails_touches_nothing(
    at_hand: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = manifest.read(at_hand)
    crashed = "its process crashed (SIGSEGV)"
    monkeypatch.setattr(
        conversion, "convert", lambda _, kinds, *__, **___: dict.fromkeys(kinds, crashed)
    )
    with pytest.raises(ServableError, match="litert-int8 is not available: its process crashed"):
        modelwright.quantize(at_hand, methods=["int8"], measuring=BRIEF)
    assert manifest.read(at_hand) == before


def test_a_recurrent_network_has_no_whole_numbers_but_the_rest(
    text_servable: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(text_servable, folder)
    report = modelwright.quantize(folder, methods=["dynamic"], measuring=BRIEF)
    assert set(report.variants) >= {"litert-float32", "litert-dynamic"}
    assert modelwright.load(folder, engine="litert").predict(["很好"])[0].label == "pos"
    modelwright.verify(folder)


def test_words_that_mean_nothing_here(quantized: Path) -> None:
    with pytest.raises(ConfigError, match="--method was given 'int4'.* Expected one of float32"):
        modelwright.quantize(quantized, methods=["int4"])
    with pytest.raises(ConfigError, match="--split was given 'dev'"):
        modelwright.quantize(quantized, measuring=Measuring(split="dev"))


def test_data_that_is_gone_is_one_line(
    quantized: Path, tmp_path: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    folder = tmp_path / "1"
    shutil.copytree(quantized, folder)
    record = json.loads((folder / manifest.MANIFEST).read_text("utf-8"))
    record["config"]["data"]["source"] = str(tmp_path / "gone")
    (folder / manifest.MANIFEST).write_text(json.dumps(record), "utf-8")
    code, _, errors = cli("quantize", str(folder), "--quiet")
    assert code == DataError.exit_code
    assert "gone" in errors and len(errors.strip().splitlines()) == 1


def test_benchmark_times_every_engine(
    quantized: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    code, said, _ = cli("benchmark", str(quantized), "--rounds", "1", "--seconds", "0.1", "--json")
    assert code == 0
    report = json.loads(said)
    assert set(report["engines"]) == set(manifest.read(quantized).engines)
    for cost in report["engines"].values():
        assert cost["rows_per_second"] > 0 and cost["peak_mib"] > 10
    code, said, _ = cli("benchmark", str(quantized), "--engine", "onnx", "--rounds", "1", "--quiet")
    assert code == 0 and "onnx" in said and "savedmodel" not in said
    code, _, errors = cli("benchmark", str(quantized), "--engine", "onxx")
    assert code == ConfigError.exit_code and "Did you mean 'onnx'" in errors


def variants(labels: np.ndarray, **answers: np.ndarray) -> dict[str, Variant]:
    sizes = {"savedmodel": 5000, "litert_float32": 4000, "litert_int8": 1000}
    rename = {name: name.replace("_", "-") for name in answers}
    return compared(
        {rename[name]: np.eye(2, dtype=np.float32)[given] for name, given in answers.items()},
        {rename[name]: COST for name in answers},
        {rename[name]: sizes[name] for name in answers},
        labels,
        base="savedmodel",
        whole="litert-float32",
    )


def test_changes_and_flips_are_those_of_the_rows() -> None:
    labels = np.array([0, 0, 1, 1] * 25)
    worse = labels.copy()
    worse[:2] = 1
    found = variants(labels, savedmodel=labels, litert_float32=labels, litert_int8=worse)
    one = found["litert-int8"]
    assert (one.accuracy, one.change, one.flips, one.times_smaller) == (0.98, -0.02, 0.02, 4)
    # Bonett and Price: (1 - 3) / 102, and a variance of (1 + 3) / 102 less its square.
    center, spread = -2 / 102, 1.96 * np.sqrt((4 / 102 - (2 / 102) ** 2) / 102)
    assert one.interval == pytest.approx((center - spread, center + spread), abs=1e-5)
    assert found["savedmodel"].times_smaller is None
    assert choose(found, Limits())[0] == "litert-float32"
    assert choose(found, Limits(drop=2))[0] == "litert-int8"
    best, reason = choose(found, Limits(drop=2, latency_ms=1))
    assert best is None and "takes 2.000 ms, more than the 1 of --max-latency" in reason
    problem = Limits(drop=1).problem(one)
    assert problem == "loses 2.00 points of accuracy, more than the 1 of --max-drop"
    assert "litert-float32 would do" in Limits(drop=1).advice("litert-int8", found)
    alone = {name: found[name] for name in ("savedmodel", "litert-int8")}
    assert "--finetune 2 trains on with rounded weights" in Limits(drop=1).advice(
        "litert-int8", alone
    )


def test_rounded_kernels_are_whole_numbers_with_a_scale_a_channel() -> None:
    import tensorflow as tf

    from modelwright.quantization.aware_training import rounded

    kernel = tf.constant(np.random.default_rng(0).normal(size=(3, 3, 2, 4)).astype(np.float32))
    with tf.GradientTape() as tape:
        tape.watch(kernel)
        found = rounded(kernel)
        total = tf.reduce_sum(found * 2)
    scale = np.abs(kernel).max(axis=(0, 1, 2)) / 127
    whole = np.asarray(found) / scale
    np.testing.assert_allclose(whole, np.round(whole), atol=1e-4)
    assert np.abs(found - kernel).max() <= scale.max() / 2 + 1e-7
    np.testing.assert_array_equal(tape.gradient(total, kernel), np.full_like(kernel, 2))
    bias = tf.constant([0.1, 0.2])
    assert rounded(bias) is bias


def test_without_litert_it_says_how_to_get_it(
    quantized: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "installed", lambda _: False)
    with pytest.raises(MissingDependencyError, match=r"pip install 'modelwright\[edge\]'"):
        modelwright.quantize(quantized)
