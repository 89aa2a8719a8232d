from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from modelwright.core.errors import WriteError
from modelwright.core.files import (
    atomic_folder,
    changed_files,
    check_room,
    explained_refusals,
    sha256_tree,
    write_atomic,
    write_with_library,
)


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


@pytest.mark.parametrize(
    ("number", "says"),
    [
        (errno.ENOSPC, r"No space left on device\. Free space there, or"),
        (errno.EDQUOT, r"Disk quota exceeded\. Delete files of yours"),
        (errno.EROFS, r"Read-only file system\. Choose a folder that is not"),
        (errno.EACCES, r"Permission denied\. Change its permissions"),
        (errno.EFBIG, r"File too large\. Raise the limit"),
    ],
)
def test_a_refused_write_names_the_file_and_says_what_to_do(
    tmp_path: Path, number: int, says: str
) -> None:
    path = tmp_path / "run.json"

    def refuse(_: object) -> None:
        raise OSError(number, os.strerror(number))  # as a write does, without the file

    def hdf5(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise RuntimeError(f"Can't decrement id (file write failed: errno = {number}, error)")

    for write in (
        lambda: write_atomic(path, refuse),
        lambda: write_with_library(path, hdf5),
    ):
        with (
            pytest.raises(WriteError, match=rf"{path} cannot be written: {says}.* More\.$"),
            explained_refusals(tmp_path, lambda: "More."),
        ):
            write()
    assert list(tmp_path.iterdir()) == []


def test_another_error_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), explained_refusals(tmp_path):
        (tmp_path / "none").read_text()
    with pytest.raises(ValueError, match="shape"), explained_refusals(tmp_path):
        write_with_library(tmp_path / "w", lambda _: (_ for _ in ()).throw(ValueError("shape")))


def test_room_is_checked_before_a_library_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_room(tmp_path / "weights", 10)

    def refuse(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    with pytest.raises(OSError, match=f"No space left on device: '{tmp_path}/weights'"):
        check_room(tmp_path / "weights", 10)
    assert list(tmp_path.iterdir()) == []
