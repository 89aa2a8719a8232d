"""Locks on open files."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.file_lock import try_lock

if sys.platform == "win32":
    pytest.skip("Windows has no such locks", allow_module_level=True)

import fcntl


def test_one_holder_at_a_time_until_the_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as first, path.open("ab") as second:
        assert try_lock(first)
        assert not try_lock(second)
        assert not try_lock(second, shared=True)
        first.close()
        assert try_lock(second)


def test_shared_locks_keep_only_the_other_kind_out(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("ab") as first, path.open("ab") as second, path.open("ab") as third:
        assert try_lock(first, shared=True)
        assert try_lock(second, shared=True)
        assert not try_lock(third)


def test_a_file_system_without_locks_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with (tmp_path / "lock").open("ab") as file:
        assert try_lock(file)
