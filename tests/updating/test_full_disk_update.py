"""An update whose disk is full at any of its steps: nothing is half written, and it goes on."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import small_strategies
import tensorflow as tf
from hand_made import base_model

from modelwright.core.errors import WriteError
from modelwright.core.files import sha256_tree
from modelwright.exporting.writer import refused_write, write_reason
from modelwright.servable.manifest import version_folders
from modelwright.updating import update as updates
from modelwright.updating.job import Job
from modelwright.updating.work_folder import open_work

Cli = Callable[..., tuple[int, str, str]]
STEPS = (
    "modelwright.updating.candidates.write_arrays",
    "modelwright.updating.compose.check_room",
    "modelwright.updating.write_version.write_memory",
    "modelwright.exporting.export.write_version",
)
"""A function that writes at each step of an update."""


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def full_for_tensorflow(*_: object, **__: object) -> None:
    raise tf.errors.ResourceExhaustedError(
        None, None, "{{function_node __wrapped__SaveV2}} /m/.2/variables; No space left on device"
    )


def test_the_error_says_how_to_go_on_if_there_is_something_to_go_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = base_model(tmp_path / "m")
    monkeypatch.setattr(updates, "find_base", lambda _: base)
    monkeypatch.setattr(Job, "run", full)
    message = rf"^{base.memory} cannot be written: No space left on device\. Free space there"
    with pytest.raises(WriteError, match=message) as found:
        updates.update(base.home, "new.csv")
    assert "--resume" not in str(found.value)
    assert not base.memory.exists()

    def stopped(*_: object) -> None:
        open_work(base.memory, {"data": "abc"}, resume=False)
        full()

    monkeypatch.setattr(Job, "run", stopped)
    with pytest.raises(WriteError, match=rf"{message}.*The model is as it was; .* --resume goes"):
        updates.update(base.home, "new.csv")
    monkeypatch.setattr(Job, "read", full)
    with pytest.raises(WriteError, match=rf"{message}, or choose a folder on another disk\.$"):
        updates.update(base.home, "new.csv", dry_run=True)


def test_tensorflow_reports_a_full_disk_in_words() -> None:
    with pytest.raises(tf.errors.OpError) as found:
        full_for_tensorflow()
    refused = refused_write(found.value)
    assert refused is not None
    assert refused.errno == errno.ENOSPC
    assert write_reason(found.value) == "No space left on device"
    assert refused_write(tf.errors.InvalidArgumentError(None, None, "a shape")) is None
    assert refused_write(OSError("the child said so")) is None


@pytest.mark.slow
@pytest.mark.usefixtures("strategies", "export_in_process")
def test_a_full_disk_at_any_step_leaves_the_old_version_and_the_update_goes_on(
    model: Path, new_reviews: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sha256_tree(model / "1")
    command = ["update", model, "--data", new_reviews, "--strategy", "fitted"]
    command += ["--max-drop", 20, "--max-class-drop", 20]
    learned = small_strategies.FITTED.learned
    for number, step in enumerate(STEPS):
        with monkeypatch.context() as patch:
            patch.setattr(step, full_for_tensorflow if "export" in step else full)
            code, _, err = cli(*command, *(["--resume"] if number else []))
        last = err.strip().splitlines()[-1]
        assert (code, last.startswith("error: ")) == (8, True), err
        assert str(model / "2" if "export" in step else model / ".memory") in last
        assert "cannot be written: No space left on device" in last
        assert "the same command with --resume goes on" in last
        assert sorted(one.name for one in model.iterdir()) == [".memory", "1"], step
        assert sha256_tree(model / "1") == before
        left = {one.name for one in (model / ".memory").iterdir()}
        assert left <= {"lock", "work", "updates"}, step
        assert not list((model / ".memory").glob("updates/*")), step
    code, out, err = cli(*command, "--resume", "--json")
    assert (code, json.loads(out)["version"]) == (0, 2), err
    assert small_strategies.FITTED.learned == learned + 2  # anew only where its file was missing
    assert sorted(version_folders(model)) == [1, 2]
    assert not (model / ".memory" / "work").exists()
