"""The access log: a full disk, a moved file, and lines that are torn or lost."""

from __future__ import annotations

import errno
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from server_process import until

from modelwright.core.errors import ConfigError
from modelwright.serve.config import ServeConfig
from modelwright.serve.service.access_log import AccessLog


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


class Disk:
    """Stands for ``os.write``, and is full or takes a few bytes only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.most = 2**30
        self._write = os.write
        monkeypatch.setattr(os, "write", self.write)

    def write(self, file: int, content: bytes) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._write(file, content[: self.most])


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(logging.getLogger("modelwright.serve"), "propagate", True)
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_full_disk_loses_lines_that_do_not_fit_and_says_so_once(
    tmp_path: Path, disk: Disk, said: Any
) -> None:
    path = tmp_path / "log"
    log = AccessLog(str(path), waiting=3)
    disk.full = True
    for number in range(5):
        log.add({"n": number})
        until(lambda: said(), step=0.01)
    assert len(said()) == 1 and "No space left on device; up to 3 lines wait" in said()[0]
    disk.full = False
    until(lambda: len(said()) == 2, step=0.01)
    assert "is written again; 2 lines were lost" in said()[1]
    log.add({"n": 9})
    log.close()
    assert [line.get("n", line.get("lost")) for line in lines(path)] == [2, 0, 1, 2, 9]
    assert "lost" in lines(path)[0] and len(said()) == 2


def test_lines_that_were_never_written_are_counted_at_the_end(
    tmp_path: Path, disk: Disk, said: Any
) -> None:
    log = AccessLog(str(tmp_path / "log"), waiting=2)
    disk.full = True
    for number in range(5):
        log.add({"n": number})
    log.close()
    assert said()[-1].startswith("5 lines of the access log")


def test_a_line_that_was_written_in_part_is_written_whole(tmp_path: Path, disk: Disk) -> None:
    path = tmp_path / "log"
    log = AccessLog(str(path))
    disk.most = 100  # a line has 48 bytes
    for number in range(3):
        log.add({"n": number})
    log.close()
    whole = [line for line in path.read_text().splitlines() if line.endswith("}")]
    assert [json.loads(line)["n"] for line in whole] == [0, 1, 2]


def test_a_moved_or_deleted_file_is_opened_again_under_its_name(tmp_path: Path) -> None:
    path, moved = tmp_path / "log", tmp_path / "log.1"
    log = AccessLog(str(path))
    log.add({"n": 1})
    until(lambda: path.read_bytes(), step=0.01)
    path.rename(moved)
    log.reopen()
    until(path.exists, step=0.01)  # also without a request
    log.add({"n": 2})
    until(lambda: path.read_bytes(), step=0.01)
    path.unlink()
    log.add({"n": 3})
    log.close()
    assert [lines(moved)[0]["n"], lines(path)[0]["n"]] == [1, 3]


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--access-log .*/no/log cannot be opened: No such file"):
        AccessLog(str(tmp_path / "no" / "log"))
    configs = [ServeConfig("", access_log=name) for name in (None, "-", "file")]
    assert [config.reopens_log for config in configs] == [False, False, True]
