from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelwright.core.config import DataConfig
from modelwright.core.errors import DataError
from modelwright.core.types import Dataset, Rejected
from modelwright.data import rows
from modelwright.data.decoding import decode_all
from modelwright.data.load import load_data, load_split, order_labels, write_rejected
from modelwright.data.rows import ImageArray, ImageFiles, Texts, decoding_threads

RNG = np.random.default_rng(0)


def table(path: Path, rows: list[tuple[str, str]]) -> str:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows))
    return str(path)


def texts(path: Path, count: int = 60, **config: object) -> Dataset:
    rows = [(f"text {at}", "ab"[at % 2]) for at in range(count)]
    return load_data(DataConfig(source=table(path, rows), **config))


def images(root: Path, sizes: list[tuple[int, int]], kind: str = "png") -> Path:
    for at, (width, height) in enumerate(sizes):
        path = root / "xy"[at % 2] / f"{at:03}.{kind}"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(RNG.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
    return root


def test_a_table_becomes_splits(tmp_path: Path) -> None:
    data = texts(tmp_path / "a.csv")
    assert (data.task, data.labels, data.shape) == ("text", ("a", "b"), None)
    assert sum(data.counts().values()) == 60 and set(data.counts()) == {"train", "val", "test"}
    seen = []
    for split in data.splits.values():
        assert isinstance(split.inputs, Texts)
        assert len(split.inputs) == len(split)
        taken = split.inputs.take(np.arange(len(split)))
        for at, text in enumerate(taken):
            number = int(text.split()[1])
            assert split.labels[at] == number % 2
            assert split.inputs.raw(at) == text
            assert split.inputs.origin(at) == f"a.csv row {number + 2}"
        seen += taken
    assert len(set(seen)) == 60
    assert texts(tmp_path / "a.csv").fingerprint == data.fingerprint
    assert texts(tmp_path / "a.csv", test=0.4).fingerprint != data.fingerprint


def test_shares_and_limits_change_the_splits(tmp_path: Path) -> None:
    assert set(texts(tmp_path / "a.csv", val=0, test=0).counts()) == {"train"}
    assert texts(tmp_path / "a.csv", 400, test=0.5).counts()["test"] > 150
    assert texts(tmp_path / "a.csv", 400, limit=10).counts() == {"train": 10, "val": 10, "test": 10}


def test_unusable_rows_are_rejected_with_a_reason(tmp_path: Path) -> None:
    rows = [(f"good {at}", "ab"[at % 2]) for at in range(20)]
    rows += [
        ("", "a"),
        ("　 ", "a"),
        ("nul\0", "a"),
        ("lost", " "),
        ("x" * 50, "a"),
        ("fine", " a "),
    ]
    data = load_data(DataConfig(source=table(tmp_path / "a.csv", rows), max_characters=40))
    assert [(row.origin, row.reason) for row in data.rejected] == [
        ("a.csv row 22", "has an empty text"),
        ("a.csv row 23", "has an empty text"),
        ("a.csv row 24", "has a NUL character in its text"),
        ("a.csv row 25", "has no label"),
        ("a.csv row 26", "has a text of more than 40 characters"),
    ]
    assert sum(data.counts().values()) == 21
    with pytest.raises(DataError, match=r"5 rejected rows and data.strict is set: a.csv row 22"):
        load_data(DataConfig(source=str(tmp_path / "a.csv"), max_characters=40, strict=True))


def test_max_characters_counts_characters_and_not_bytes(tmp_path: Path) -> None:
    rows = [("字" * 40, "a"), ("字" * 41, "b"), *((f"{at}", "ab"[at % 2]) for at in range(9))]
    data = load_data(DataConfig(source=table(tmp_path / "a.csv", rows), max_characters=40))
    assert [row.origin for row in data.rejected] == ["a.csv row 3"]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "has no usable rows"),
        ([("", "a"), ("", "b")], "no usable rows. All 2 were rejected: a.csv row 2 has an empty"),
        ([("x", "a"), ("y", "a")], "has one class, 'a'; expected at least two"),
        ([("x", "a"), ("y", "b"), ("z", "c")], "3 rows for 3 classes.*data.label"),
    ],
)
def test_sources_that_cannot_be_trained_on_are_explained(
    tmp_path: Path, rows: list, text: str
) -> None:
    with pytest.raises(DataError, match=text):
        load_data(table(tmp_path / "a.csv", rows))


def test_a_limit_below_the_number_of_classes(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data.limit is 1, fewer than the 2 classes"):
        texts(tmp_path / "a.csv", limit=1)


def test_a_class_without_training_rows(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", [("1", "a"), ("2", "b"), ("3", "a")])
    table(tmp_path / "test.csv", [("4", "c")])
    with pytest.raises(DataError, match=r"no training rows of 'c'"):
        load_data(tmp_path)


def test_splits_of_the_source_are_kept_and_leaks_noted(tmp_path: Path) -> None:
    table(tmp_path / "train.csv", [(f"{at}", "ab"[at % 2]) for at in range(100)])
    table(tmp_path / "test.csv", [(f"{at}", "ab"[at % 2]) for at in range(98, 110)])
    data = load_data(DataConfig(source=str(tmp_path), val=0.2))
    assert data.counts()["test"] == 12
    assert data.counts()["train"] + data.counts()["val"] == 100
    assert any("rows of the test split have the same content" in note for note in data.notes)


def test_several_sources_are_joined(tmp_path: Path) -> None:
    one = table(tmp_path / "a.csv", [("1", "x"), ("2", "y"), ("3", "x")])
    two = table(tmp_path / "b.csv", [("4", "y"), ("5", "z"), ("6", "z")])
    data = load_data(DataConfig(source=[one, two], val=0, test=0))
    assert data.labels == ("x", "y", "z")
    assert data.splits["train"].inputs.take(np.array([3, 0])) == ["4", "1"]
    assert data.splits["train"].inputs.origin(4) == "b.csv row 3"
    mixed = [one, str(images(tmp_path / "p", [(8, 8)] * 4))]
    with pytest.raises(DataError, match=r"a.csv has texts; .* has image files; expected one kind"):
        load_data(DataConfig(source=mixed))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", "no data source is given"),
        ("minst", "no file, folder or named set 'minst'. Did you mean 'mnist'"),
        ("CIFAR10", "Did you mean 'cifar10'"),
        ("no/such/place", "there is no file, folder or named set 'no/such/place'"),
    ],
)
def test_missing_sources_are_explained(source: str, text: str) -> None:
    with pytest.raises(DataError, match=text):
        load_data(source)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xlsx", "save it as CSV"),
        ("a.json", "JSON Lines, one object a line, or a list of objects"),
        ("a.pt", "never executed"),
        ("a.rs", "expected a named"),
    ],
)
def test_files_of_other_kinds_are_explained(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(DataError, match=text):
        load_data(tmp_path / name)


def test_a_folder_of_tables_without_train(tmp_path: Path) -> None:
    table(tmp_path / "reviews.csv", [("a", "b")])
    with pytest.raises(DataError, match=r"give the path of one, such as .*reviews.csv"):
        load_data(tmp_path)


def test_the_order_of_labels() -> None:
    assert order_labels(["10", "9", "2"], None) == ("2", "9", "10")
    assert order_labels(["b", "10", "9"], None) == ("10", "9", "b")
    assert order_labels(["b", "a"], ("c", "b", "a")) == ("b", "a")
    assert order_labels(["b", "d"], ("c", "b", "a")) == ("b", "d")


def test_a_shared_size_is_kept_and_others_become_one(tmp_path: Path) -> None:
    same = load_data(images(tmp_path / "same", [(20, 12)] * 10))
    assert same.shape == (12, 20, 3)
    assert isinstance(same.splits["train"].inputs, ImageArray)
    sizes = [(20, 12)] * 5 + [(30, 30), (300, 20)] + [(20, 12)] * 3
    mixed = load_data(images(tmp_path / "mixed", sizes))
    assert mixed.shape == (96, 96, 3)
    large = load_data(images(tmp_path / "large", [(230, 10)] * 10))
    assert large.shape == (96, 96, 3)
    asked = DataConfig(source=str(tmp_path / "same"), image_size=16)
    assert load_data(asked).shape == (16, 16, 3)


def test_the_size_does_not_move_rows_between_splits(tmp_path: Path) -> None:
    root = images(tmp_path, [(20, 12)] * 40)
    auto = load_data(root)
    small = load_data(DataConfig(source=str(root), image_size=8))
    assert auto.fingerprint == small.fingerprint


def test_a_late_change_of_the_size_resizes_earlier_images(tmp_path: Path) -> None:
    files = sorted(images(tmp_path, [(20, 12)] * 70 + [(40, 40)] * 70).rglob("*.png"))
    files.sort(key=lambda path: path.name)
    late = decode_all(files, str, size="auto")
    asked = decode_all(files, str, size=(96, 96))
    assert np.array_equal(late.pixels, asked.pixels)
    assert np.array_equal(late.digests, asked.digests)
    tight = decode_all(files, str, size="auto", memory_mib=1)
    assert tight.pixels is None and np.array_equal(tight.digests, asked.digests)


def test_a_first_size_that_does_not_fit_is_decoded_again(tmp_path: Path) -> None:
    files = images(tmp_path, [(200, 200)] * 11 + [(40, 40)] * 2)
    found = sorted(files.rglob("*.png"), key=lambda path: path.name)
    decoded = decode_all(found, str, size="auto", memory_mib=1)
    assert decoded.pixels is not None and decoded.pixels.shape == (13, 96, 96, 3)


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks Linux for the memory")
def test_texts_are_in_memory_once_and_the_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    path.write_text(
        "text,label\n" + "".join(f"{'x' * 400_000}{at},{at % 2}\n" for at in range(150))
    )
    probe = """
import sys
import subprocess
import resource
import sys
from pathlib import Path
import pyarrow
from modelwright import load_data

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()

pyarrow.array([""]).to_pandas
before = resident()
data = load_data(sys.argv[1])
print((resident() - before) / Path(sys.argv[1]).stat().st_size)
"""
    command = [sys.executable, "-c", probe, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert 0.9 < float(done.stdout) < 1.6


def test_images_that_do_not_fit_are_read_when_taken(tmp_path: Path) -> None:
    root = images(tmp_path, [(100, 100)] * 60)
    inside = load_data(root)
    outside = load_data(DataConfig(source=str(root), memory_mib=1))
    one, other = inside.splits["train"].inputs, outside.splits["train"].inputs
    assert isinstance(other, ImageFiles)
    assert any("memory_mib = 1" in note for note in outside.notes)
    assert outside.fingerprint == inside.fingerprint
    rows = np.array([7, 0, 7, 3])
    assert np.array_equal(one.take(rows), other.take(rows))
    assert other.take(np.array([], np.int64)).shape == (0, 100, 100, 3)
    assert other.raw(2) == one.raw(2) == (root / other.origin(2)).read_bytes()
    (root / other.origin(0)).write_bytes(b"gone")
    with pytest.raises(DataError, match=f"{other.origin(0)}: the image is not a PNG"):
        other.take(np.array([0]))


def test_unreadable_images_are_rejected(tmp_path: Path) -> None:
    root = images(tmp_path, [(9, 9)] * 10)
    (root / "x/empty.png").write_bytes(b"")
    (root / "x/text.png").write_bytes(b"hello")
    (root / "y/cut.png").write_bytes((root / "y/001.png").read_bytes()[:100])
    data = load_data(root)
    assert [row.origin for row in data.rejected] == ["x/empty.png", "x/text.png", "y/cut.png"]
    assert sum(data.counts().values()) == 10


def test_progress_is_reported(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    load_data(images(tmp_path, [(9, 9)] * 70), progress=lambda *step: seen.append(step))
    assert seen == [("reading images", 64, 70), ("reading images", 70, 70)]


def test_large_files_are_decoded_in_threads_to_the_same_rows(tmp_path: Path) -> None:
    files = sorted(images(tmp_path, [(200, 110)] * 150, "bmp").rglob("*.bmp"))
    decoded = decode_all(files, str, size=(110, 200))
    expected = [np.asarray(Image.open(path)) for path in files]
    assert np.array_equal(decoded.pixels, expected)
    later = ImageFiles(np.arange(150), str, files, (110, 200, 3))
    assert np.array_equal(later.take(np.arange(150)), expected)


def test_small_files_get_one_thread_wherever_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = sorted(images(tmp_path / "small", [(20, 20)] * 6).rglob("*.png"))
    large = sorted(images(tmp_path / "large", [(200, 110)] * 6, "bmp").rglob("*.bmp"))
    monkeypatch.setattr(rows.os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    assert (decoding_threads(small), decoding_threads(large), decoding_threads([])) == (1, 8, 1)
    assert decoding_threads([tmp_path / "gone.png"]) == 1
    assert decoding_threads([b"x" * 100, b"x" * 100_000]) == 8
    monkeypatch.setattr(rows, "ThreadPoolExecutor", lambda count: pytest.fail("threads"))
    one = ImageFiles(np.arange(6), str, small, (20, 20, 3))
    assert one.take(np.arange(6)).shape == (6, 20, 20, 3)


def test_all_rows_become_one_split_for_a_trained_model(tmp_path: Path) -> None:
    root = images(tmp_path / "p", [(20, 20)] * 9 + [(30, 9)])
    (root / "x/bad.png").write_bytes(b"")
    config = DataConfig(source=str(root))
    found = load_split(config, labels=["z", "y", "x"], shape=(16, 16, 1), task="image")
    split = found.split
    assert split.inputs.take(np.arange(10)).shape == (10, 16, 16, 1)
    assert split.labels.tolist() == [2] * 5 + [1] * 5
    assert [row.origin for row in found.rejected] == ["x/bad.png"]
    limited = DataConfig(source=str(root), limit=4)
    few = load_split(limited, labels=["x", "y"], shape=(8, 8, 3), task="image")
    assert len(few.split) == 4
    with pytest.raises(
        DataError, match=r"has the label 'y', which the model does not know.*'x', 'yy'"
    ):
        load_split(config, labels=["x", "yy"], shape=(8, 8, 3), task="image")
    with pytest.raises(DataError, match=r"holds images and the model takes texts"):
        load_split(config, labels=["x", "y"], shape=None, task="text")


def test_arrays_get_the_shape_of_the_model(tmp_path: Path) -> None:
    gray = RNG.integers(0, 256, (10, 12, 12), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x=gray, y=np.arange(10) % 2)
    config = DataConfig(source=str(tmp_path / "a.npz"))
    split = load_split(config, labels=["0", "1"], shape=(6, 6, 3), task="image").split
    assert split.inputs.take(np.arange(10)).shape == (10, 6, 6, 3)
    data = load_data(config)
    assert data.shape == (12, 12, 1)
    assert data.splits["train"].inputs.raw(0).startswith(b"\x89PNG")


def test_rejected_rows_are_written_as_csv(tmp_path: Path) -> None:
    write_rejected(
        tmp_path / "r.csv", [Rejected('a "b".csv row 2', "no, none"), Rejected("评.txt", "x")]
    )
    assert (tmp_path / "r.csv").read_text(encoding="utf-8") == (
        'origin,reason\n"a ""b"".csv row 2","no, none"\n评.txt,x\n'
    )


@pytest.mark.slow
def test_the_real_sets(real_data: Path) -> None:
    root = real_data
    batches = load_data(DataConfig(source=str(root / "cifar-10-batches-py"), val=0))
    train = batches.splits["train"].inputs
    mean = train.take(np.arange(50_000)).mean(axis=(0, 1, 2)) / 255
    assert np.allclose(mean, [0.4914, 0.4822, 0.4465], atol=1e-4)
    folders = load_data(DataConfig(source=str(root / "cifar10-png"), val=0))
    assert folders.fingerprint == batches.fingerprint
    mnist = load_data(DataConfig(source=str(root / "mnist.npz"), val=0))
    digits = mnist.splits["train"].inputs.take(np.arange(60_000))
    assert abs(digits.mean() / 255 - 0.1307) < 1e-4
    imdb = load_data(DataConfig(source=str(root / "imdb"), val=0))
    assert imdb.counts() == {"train": 25_000, "test": 24_997}
    shop = load_data(root / "zh" / "online_shopping_10_cats.csv")
    assert sum(shop.counts().values()) + len(shop.rejected) == 62_774


def test_a_class_without_training_rows_or_alone_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("text,label,split\na,Cat,train\nb,dog,train\nc,cat,test\nd,dog,test\n")
    with pytest.raises(DataError, match=r"'cat' differs from 'Cat' only in case.*\"fold\""):
        load_data(path)
    path.write_text("text,label\na,x\nb,\nc,\n")
    with pytest.raises(DataError, match=r"one class, 'x'.*Rejected rows: 2, such as a.csv row 3"):
        load_data(path)
