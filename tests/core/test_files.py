from __future__ import annotations

import errno
from pathlib import Path

import pytest

from modelwright.core.files import atomic_folder, changed_files, sha256_tree, write_atomic


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    def fail(file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        write_atomic(path, fail)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_appears_complete_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "1"
    with pytest.raises(RuntimeError), atomic_folder(target) as folder:
        (folder / "a").write_text("x")
        assert not target.exists()
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with atomic_folder(target) as folder:
        (folder / "a").write_text("x")
    assert (target / "a").read_text() == "x"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_never_overwritten(tmp_path: Path) -> None:
    target = tmp_path / "1"
    target.mkdir()
    (target / "kept").write_text("x")
    with pytest.raises(OSError), atomic_folder(target) as folder:
        (folder / "a").write_text("y")
    assert [p.name for p in target.iterdir()] == ["kept"]


def test_changes_are_found(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a", "b", "sub/c"):
        (tmp_path / name).write_text(name)
    expected = sha256_tree(tmp_path)
    assert changed_files(tmp_path, expected) == []
    (tmp_path / "a").write_text("other")
    (tmp_path / "b").unlink()
    assert changed_files(tmp_path, expected) == ["a has changed", "b is missing"]
    assert changed_files(tmp_path, {"../x": ""}) == ["../x points outside the folder"]
