"""The benchmark times every engine of a servable, or those that are named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from modelwright.core.errors import ConfigError
from modelwright.servable.manifest import read_manifest


def test_benchmark_times_every_engine(
    with_litert: dict[str, Path], cli: Callable[..., tuple[int, str, str]]
) -> None:
    folder = with_litert["image"]
    code, output, _ = cli("benchmark", folder, "--rounds", "1", "--seconds", "0.1", "--json")
    assert code == 0
    report = json.loads(output)
    assert set(report["engines"]) == set(read_manifest(folder).engines)
    for cost in report["engines"].values():
        assert cost["rows_per_second"] > 0 and cost["peak_mib"] > 10
        assert 0 < cost["latency_ms"]["p50"] <= cost["latency_ms"]["p99"]


def test_benchmark_times_only_the_named_engine(
    image_servable: Path, cli: Callable[..., tuple[int, str, str]]
) -> None:
    options = ("--engine", "onnx", "--rounds", "1", "--seconds", "0.1", "--quiet")
    code, output, _ = cli("benchmark", image_servable, *options)
    assert code == 0 and "onnx" in output and "savedmodel" not in output.replace("\n", " ")
    code, _, errors = cli("benchmark", image_servable, "--engine", "onxx")
    assert code == ConfigError.exit_code and "Did you mean 'onnx'" in errors
