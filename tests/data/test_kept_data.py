"""Rows that are kept between trainings: the same while the files are, read again after a change."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from modelwright.core.config import DataConfig
from modelwright.core.kept import kept_between_trainings
from modelwright.data import kept_data
from modelwright.data.load import load_data
from modelwright.data.source_state import source_state
from sample_data import sentences, write_csv, write_images


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keeps rows, also those of files that were written just now."""
    monkeypatch.setattr(kept_data, "_SETTLED", 0)
    with kept_between_trainings(100):
        yield


def write_table(folder: Path) -> DataConfig:
    return DataConfig(source=str(write_csv(folder / "a.csv", sentences(60), ("text", "label"))))


def write_folder(folder: Path) -> DataConfig:
    return DataConfig(source=str(write_images(folder / "images", 8, side=8)))


def write_image_table(folder: Path) -> DataConfig:
    write_images(folder, 8, side=8)
    files = sorted(folder.glob("*/*.png"))
    rows = [(str(path.relative_to(folder)), path.parent.name) for path in files]
    return DataConfig(source=str(write_csv(folder / "a.csv", rows, ("image", "label"))))


def write_array(folder: Path) -> DataConfig:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 8, 8, 1), np.uint8)
    np.savez(folder / "a.npz", x_train=pixels, y_train=np.arange(40) % 2)
    return DataConfig(source=str(folder / "a.npz"))


SOURCES = [write_table, write_folder, write_image_table, write_array]


@pytest.mark.parametrize("write", SOURCES)
def test_unchanged_rows_are_not_read_again(
    write: Callable[[Path], DataConfig], tmp_path: Path
) -> None:
    config = write(tmp_path)
    time.sleep(0.02)
    first = load_data(config)
    assert load_data(config) is first
    assert load_data(config.model_copy(update={"limit": 10})) is not first
    assert load_data(config) is first


@pytest.mark.parametrize("write", SOURCES)
def test_a_changed_file_is_noticed(write: Callable[[Path], DataConfig], tmp_path: Path) -> None:
    config = write(tmp_path)
    time.sleep(0.02)
    first = load_data(config)
    source = Path(config.source if isinstance(config.source, str) else config.source[0])
    image = sorted(tmp_path.rglob("*.png"))[0] if sorted(tmp_path.rglob("*.png")) else None
    changed = image or source
    if image:  # another image, of the same size and, as far as a user can set it, the same time
        old, other = image.stat(), sorted(tmp_path.rglob("*.png"))[-1]
        image.write_bytes(other.read_bytes())
        os.utime(image, ns=(old.st_atime_ns, old.st_mtime_ns))
    elif source.suffix == ".csv":
        old = source.stat()
        source.write_bytes(source.read_bytes().replace(b"dreadful", b"terrible"))
        os.utime(source, ns=(old.st_atime_ns, old.st_mtime_ns))
        assert source.stat().st_size == old.st_size
    else:
        np.savez(source, x_train=np.zeros((40, 8, 8, 1), np.uint8), y_train=np.arange(40) % 2)
    assert changed.exists()
    time.sleep(0.02)
    again = load_data(config)
    assert again is not first
    assert again.fingerprint != first.fingerprint
    assert load_data(config) is again


def test_a_new_file_and_a_missing_one_are_noticed(tmp_path: Path) -> None:
    config = write_folder(tmp_path)
    time.sleep(0.02)
    first = load_data(config)
    extra = tmp_path / "images" / "red" / "new.png"
    extra.write_bytes((tmp_path / "images" / "blue" / "000.png").read_bytes())
    time.sleep(0.02)
    second = load_data(config)
    assert sum(second.counts().values()) == sum(first.counts().values()) + 1
    extra.unlink()
    time.sleep(0.02)
    assert load_data(config).fingerprint == first.fingerprint


def test_an_image_that_comes_later_is_read(tmp_path: Path) -> None:
    config = write_image_table(tmp_path)
    late = sorted(tmp_path.rglob("*.png"))[0]
    content = late.read_bytes()
    late.unlink()
    time.sleep(0.02)
    first = load_data(config)
    assert len(first.rejected) == 1
    late.write_bytes(content)
    assert not load_data(config).rejected


def test_the_lists_of_a_config_are_part_of_its_state(tmp_path: Path) -> None:
    config = write_table(tmp_path)
    dropped = write_csv(tmp_path / "drop.csv", [("a.csv row 3", "x")], ("origin", "why"))
    more = write_csv(tmp_path / "more.csv", [("a new text", "")], ("text", "other"))
    for changes, path in (({"drop": str(dropped)}, dropped), ({"unlabelled": str(more)}, more)):
        changed = config.model_copy(update=changes)
        before = source_state(changed)
        assert before is not None
        path.write_text(path.read_text("utf-8") + "a.csv row 4,y\n", "utf-8")
        assert source_state(changed) != before


def test_files_that_changed_just_now_are_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_data, "_SETTLED", 60_000_000_000)
    config = write_table(tmp_path)
    assert load_data(config) is not load_data(config)


def test_what_other_packages_read_is_not_kept(tmp_path: Path) -> None:
    assert source_state(DataConfig(source=str(tmp_path / "a.unknown"))) is None
    assert source_state(DataConfig(source=str(tmp_path / "missing.csv"))) is None


def test_links_are_followed_once(tmp_path: Path) -> None:
    config = write_folder(tmp_path)
    (tmp_path / "images" / "red" / "around").symlink_to(tmp_path / "images")
    outside = tmp_path / "outside.png"
    outside.write_bytes((tmp_path / "images" / "red" / "000.png").read_bytes())
    (tmp_path / "images" / "red" / "link.png").symlink_to(outside)
    before = source_state(config)
    assert before is not None and source_state(config) == before
    outside.write_bytes((tmp_path / "images" / "blue" / "000.png").read_bytes())
    assert source_state(config) != before
