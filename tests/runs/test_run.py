from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from modelwright.core.errors import RunError
from modelwright.runs.run import load_run


@pytest.fixture
def copy(text_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(text_run, tmp_path / "run"))


def test_a_run_is_loaded(text_run: Path) -> None:
    run = load_run(text_run)
    assert run.task == "text"
    assert run.input_shape == (12,)
    assert run.network().count_params() == run.metrics["parameters"]


def append_byte(copy: Path, name: str) -> None:
    (copy / name).write_bytes((copy / name).read_bytes() + b" ")


@pytest.mark.parametrize("name", ["config.toml", "vocabulary.txt", "weights.weights.h5"])
def test_a_changed_or_missing_file_is_named(copy: Path, name: str) -> None:
    append_byte(copy, name)
    with pytest.raises(RunError, match=f"not as it was written: {name} has changed"):
        load_run(copy)
    (copy / name).unlink()
    with pytest.raises(RunError, match=f"{name} is missing"):
        load_run(copy)


def test_folders_that_are_not_runs_are_refused(tmp_path: Path, copy: Path) -> None:
    with pytest.raises(RunError, match="nowhere does not exist"):
        load_run(tmp_path / "nowhere")
    with pytest.raises(RunError, match="is a folder of runs; expected a run folder"):
        load_run(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=r"is not a run: run\.json is missing"):
        load_run(tmp_path / "empty")
    (copy / "run.json").write_text("{")
    with pytest.raises(RunError, match="cannot be read"):
        load_run(copy)


def test_a_run_of_a_newer_format_is_refused(copy: Path) -> None:
    record = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**record, "format": 99}))
    with pytest.raises(RunError, match="has format 99; this version reads 1"):
        load_run(copy)
