"""Conversion: a child process writes the files, and its crash is a reason, not a crash here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright.core.errors import ConfigError
from modelwright.exporting.conversion import ConversionTarget, convert_network, convert_servable
from modelwright.servable.engines.litert import LITERT
from modelwright.servable.engines.onnx import ONNX
from modelwright.servable.manifest import read_manifest

FLOAT16 = {"quantize_weights": True, "float16": True}
INTEGERS = {"quantize_weights": True, "integers_only": True}


def litert(name: str, **settings: bool) -> ConversionTarget:
    return ConversionTarget(name, LITERT.name, settings)


def test_one_failing_target_does_not_stop_the_others(image_servable: Path, tmp_path: Path) -> None:
    targets = [litert("integers", **INTEGERS), litert("half", **FLOAT16)]
    reasons = convert_servable(image_servable, targets, tmp_path)
    assert reasons == {"integers": "integer arithmetic needs sample rows; none were given."}
    assert (tmp_path / "half").exists() and not (tmp_path / "integers").exists()


def test_a_converter_that_crashes_is_a_reason_and_not_a_crash(
    image_servable: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import os\nos.kill(os.getpid(), 11)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    targets = [ConversionTarget("onnx", ONNX.name), litert("dynamic", quantize_weights=True)]
    reasons = convert_servable(image_servable, targets, tmp_path)
    assert reasons == dict.fromkeys(("onnx", "dynamic"), "its process crashed (SIGSEGV)")


def test_a_target_may_have_its_own_variables(image_servable: Path, tmp_path: Path) -> None:
    from ai_edge_litert.interpreter import Interpreter

    from modelwright.servable.restore import restore_network

    manifest = read_manifest(image_servable)
    network = restore_network(image_servable, manifest)
    zeros = {str(at): np.zeros(one.shape) for at, one in enumerate(network.variables)}
    np.savez(tmp_path / "zeros.npz", **zeros)
    target = ConversionTarget("zeros", LITERT.name, {}, str(tmp_path / "zeros.npz"))
    content = convert_network(image_servable, manifest, target)
    interpreter = Interpreter(model_content=content)
    interpreter.allocate_tensors()
    (spec,), (output,) = interpreter.get_input_details(), interpreter.get_output_details()
    interpreter.set_tensor(spec["index"], np.full(spec["shape"], 200, spec["dtype"]))
    interpreter.invoke()
    np.testing.assert_allclose(interpreter.get_tensor(output["index"]), 1 / 3, atol=1e-6)


def test_an_engine_without_a_converter_is_refused(image_servable: Path) -> None:
    target = ConversionTarget("x", "savedmodel")
    with pytest.raises(ConfigError, match="no converter writes files of the engine 'savedmodel'"):
        convert_network(image_servable, read_manifest(image_servable), target)
