"""The writer under another backend: what its child process reports becomes the error here."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from modelwright.core.errors import ModelwrightError, ParityError, ServableError
from modelwright.exporting import writer
from modelwright.runs.run import load_run
from modelwright.servable.examples import Examples, read_examples
from modelwright.servable.manifest import EXAMPLES, read_manifest


@pytest.fixture
def inputs(text_servable: Path, text_run: Path) -> tuple[object, ...]:
    """The run, no network, and the manifest and examples to write."""
    manifest = read_manifest(text_servable)
    examples = read_examples(text_servable / EXAMPLES, manifest.task)
    return load_run(text_run), None, manifest, examples


@pytest.mark.parametrize(
    ("code", "output", "kind", "message"),
    [
        (ParityError.exit_code, "a\nengine 'onnx' does not agree", ParityError, "^engine 'onnx' d"),
        (ServableError.exit_code, "it does not run", ServableError, "^it does not run"),
        (74, "No space left on device\n", OSError, "^No space left on device"),
        (-11, "", ServableError, r"cannot be written under\s+TensorFlow .exit -11.: no message"),
        (1, "ValueError: x", ServableError, "trained under TensorFlow, cannot be written.*x"),
    ],
)
def test_a_failure_of_the_child_process_is_the_same_error_here(
    inputs: tuple[object, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    output: str,
    kind: type[Exception],
    message: str,
) -> None:
    run, network, manifest, examples = inputs

    def child(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        folder = Path(command[-1])
        assert (folder / "modelwright.json").exists() and (folder / EXAMPLES).exists()
        return subprocess.CompletedProcess(command, code, "", output)

    monkeypatch.setattr(writer, "keras_backend", lambda: "jax")
    monkeypatch.setattr(writer.subprocess, "run", child)
    with pytest.raises(kind, match=message):
        writer.write_version(run, network, tmp_path, manifest, examples)  # type: ignore[arg-type]


def test_main_writes_the_exit_code_and_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = writer.main([str(tmp_path / "no-run"), str(tmp_path), str(tmp_path)])
    errors = capsys.readouterr().err
    assert code in {kind.exit_code for kind in ModelwrightError.__subclasses__()}
    assert "no-run" in errors and len(errors.splitlines()) == 1


def test_a_reason_is_short() -> None:
    assert writer.write_reason(OSError(28, "No space left on device")) == "No space left on device"
    assert writer.write_reason(ValueError("first\nsecond")) == "first"


def test_answers_that_differ_from_the_examples_are_a_parity_error(
    image_servable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = read_manifest(image_servable)
    recorded = read_examples(image_servable / EXAMPLES, manifest.task)
    wrong = Examples(recorded.inputs[:3], np.roll(recorded.expected[:3], 1, axis=1))

    def replay_recorded(folder, manifest, engine, path):  # type: ignore[no-untyped-def]
        from modelwright.servable.examples import compare_answers

        expected = read_examples(path, manifest.task).expected
        return compare_answers(expected, recorded.expected[: len(expected)], 1e-4)

    monkeypatch.setattr(writer, "replay", replay_recorded)
    assert writer._check_parity(image_servable, manifest, recorded)["onnx"]["passed"]
    with pytest.raises(ParityError, match="'savedmodel' does not agree .* 3 of 3 labels changed"):
        writer._check_parity(image_servable, manifest, wrong)
    assert not list(image_servable.parent.glob("*.examples")), "nothing temporary is left"
