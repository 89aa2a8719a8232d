"""A training whose run folder cannot be written."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import modelwright
from modelwright.core.errors import WriteError
from modelwright.runs import run as runs
from modelwright.runs.run import CHECKPOINT

Command = Callable[..., tuple[int, str, str]]
SETTINGS: dict[str, Any] = {
    "model": {"recipe": "bilstm", "units": [4], "embedding": 4, "length": 4},
    "train": {"epochs": 1, "tensorboard": False},
}


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def train(data: Path, out: Path) -> None:
    modelwright.train(data={"source": str(data), "limit": 20}, out=out, **SETTINGS)


def test_before_the_first_epoch_nothing_stays(
    reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelwright.training import train as training

    out = tmp_path / "run"
    monkeypatch.setattr(training, "Session", full)
    with pytest.raises(WriteError, match=rf"^{out} cannot be written: No space.* on another disk"):
        train(reviews, out)
    assert not out.exists()
    monkeypatch.setattr(runs, "write_json", full)
    with pytest.raises(WriteError, match="cannot be written: No space"):
        train(reviews, out)
    assert not out.exists()


def test_after_an_epoch_the_command_that_continues_is_named(
    reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelwright.training import train as training

    out = tmp_path / "run"

    def stop(*_: object, **__: object) -> None:
        (out / CHECKPOINT).touch()
        full()

    monkeypatch.setattr(training, "Session", lambda *_, **__: None)
    monkeypatch.setattr(training, "_finish", stop)
    with pytest.raises(WriteError, match=rf"continue with: modelwright train --resume {out}\.$"):
        train(reviews, out)
    assert out.exists()


def test_a_command_ends_with_a_code_of_its_own(
    tmp_path: Path, cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path))

    monkeypatch.setattr(modelwright, "list_recipes", refuse, raising=False)
    code, _, err = cli("recipes")
    assert (code, err.count("\n")) == (8, 1)
    assert err.startswith(f"error: {tmp_path} cannot be written: Permission denied. Change its")


def test_a_refused_log_for_tensorboard_is_an_error_of_the_system(tmp_path: Path) -> None:
    import tensorflow as tf

    from modelwright.training.observers import TensorBoardLog

    class Writer:
        def close(self) -> None:
            raise tf.errors.ResourceExhaustedError(None, None, "events; No space left on device")

    log = TensorBoardLog(tmp_path)
    log._writers["train"] = Writer()
    with pytest.raises(OSError, match="No space left") as caught:
        log.on_end()
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(tmp_path))
