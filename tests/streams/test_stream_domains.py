"""The rows of a stream and their domains."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core.errors import ConfigError, DataError, ModelwrightError
from modelwright.streams.domains import StreamData, load_stream_data
from modelwright.streams.material import first_data, make_material
from modelwright.streams.orders import find_orders
from modelwright.streams.plan_file import read_stream_plan
from sample_data import sentences, write_csv, write_images

Row = tuple[str, str, str]


def rows_of(domain: str, seed: int, count: int = 40) -> list[Row]:
    return [(f"{domain} {text}", label, domain) for text, label in sentences(count, seed)]


def write(path: Path, rows: list[Row], header: Row = ("text", "label", "category")) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def load(source: Path | None, data: dict[str, Any] | None = None, **stream: Any) -> StreamData:
    content: dict[str, Any] = {
        "data": {"test": 0.3, "val": 0.0, **(data or {})},
        "model": {"recipe": "text-fast"},
        "stream": stream,
    }
    if source is not None:
        content["data"]["source"] = str(source)
    return load_stream_data(read_stream_plan(content))


def texts_of(stream: StreamData, split: str, domain: str) -> list[str]:
    rows = stream.rows[split]  # type: ignore[index]
    chosen = np.flatnonzero(rows.tags == stream.tags.index(domain))
    found: list[str] = rows.split.inputs.take(chosen)
    return found


def test_each_row_has_the_domain_of_its_column(tmp_path: Path) -> None:
    rows = [*rows_of("书籍", 0), *rows_of("hotel", 1), *rows_of("书籍", 2)]
    rows.insert(5, ("", "pos", "hotel"))  # rejected, so positions shift
    stream = load(write(tmp_path / "x.csv", rows), domains="category")
    assert stream.tags == ("书籍", "hotel")
    for split in ("train", "test"):
        for domain in stream.tags:
            texts = texts_of(stream, split, domain)
            assert texts
            assert all(text.startswith(domain) for text in texts)
    assert sum(len(one.tags) for one in stream.rows.values()) == 120


def test_each_domain_can_have_a_source_of_its_own(tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        rows = [(f"{folder.name} {text}", label) for text, label in sentences(40, number)]
        write_csv(folder / "same.csv", rows, ("text", "label"))
    domain = [{"name": one.name, "source": str(one / "same.csv")} for one in folders]
    stream = load(None, domain=domain)
    for name in ("a", "b"):
        assert all(text.startswith(name) for text in texts_of(stream, "train", name))


def test_folders_of_images_can_be_domains_and_classes_can_be(tmp_path: Path) -> None:
    for name, seed in (("day", 0), ("night", 1)):
        write_images(tmp_path / name, 12, side=8, seed=seed)
    domain = [{"name": one, "source": str(tmp_path / one)} for one in ("day", "night")]
    content = {"model": {"recipe": "cnn-tutorial"}, "data": {"test": 0.3}}
    stream = load_stream_data(read_stream_plan({**content, "stream": {"domain": domain}}))
    assert stream.tags == ("day", "night")
    by_class = {**content, "data": {"source": str(tmp_path / "day"), "test": 0.3}}
    stream = load_stream_data(read_stream_plan({**by_class, "stream": {"classes": 2}}))
    assert stream.tags == ("blue", "green", "red")
    assert (stream.rows["train"].tags == stream.rows["train"].split.labels).all()


def test_a_content_of_two_domains_is_on_one_side(tmp_path: Path) -> None:
    shared = [(f"same {text}", label) for text, label in sentences(60, 3)]
    rows = [(*one, domain) for domain in ("a", "b") for one in shared]
    stream = load(write(tmp_path / "x.csv", rows), domains="category")
    keys = {name: set(np.array(one.split.digests)[:, 0]) for name, one in stream.rows.items()}
    assert keys["train"].isdisjoint(keys["test"])
    count = len(stream.rows["train"].tags) // 2
    assert f"{count} of {2 * count} training rows have the content of a row of another" in " ".join(
        stream.notes
    )


def test_given_test_rows_with_a_training_content_are_left_out(tmp_path: Path) -> None:
    rows = [(*one, split) for domain, seed in (("a", 0), ("b", 1)) for split in ("train", "test")
            for one in rows_of(domain, seed + 10 * (split == "test"))]  # fmt: skip
    text, label, _, _ = rows[0]
    rows += [(text, label, "b", "test"), (text, label, "a", "test")]
    path = tmp_path / "x.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "label", "category", "split"), *rows])
    stream = load(path, {"val": 0.0}, domains="category")
    assert "2 test rows have the content of a training row and are left out" in stream.notes
    assert len(stream.rows["test"].tags) == 80
    assert text not in texts_of(stream, "test", "a") + texts_of(stream, "test", "b")


def test_domains_that_are_written_almost_alike_stay_apart_and_are_named(tmp_path: Path) -> None:
    rows = [*rows_of("Hotel", 0), *rows_of("hotel ", 1), *rows_of("书籍", 2)]
    stream = load(write(tmp_path / "x.csv", rows), domains="category")
    assert stream.tags == ("Hotel", "hotel", "书籍")
    [note] = [one for one in stream.notes if "are separate domains" in one]
    assert "separate domains: 'Hotel' (40 rows), 'hotel' (40 rows). If" in note
    # One mistyped row has no test row, and that alone does not say what is wrong.
    rows = [*rows_of("hotel", 0), *rows_of("书籍", 2), ("one more", "pos", "ＨＯＴＥＬ")]
    with pytest.raises(
        DataError, match=r"rows of 'ＨＯＴＥＬ'.* 'hotel', 'ＨＯＴＥＬ': domains whose"
    ):
        load(write(tmp_path / "y.csv", rows), domains="category")
    rows = [*rows_of("hotel", 0), *rows_of("hotels", 1)]
    stream = load(write(tmp_path / "z.csv", rows), domains="category")
    assert not any("separate domains" in one for one in stream.notes)


def test_rows_without_a_domain_are_counted_and_left_out(tmp_path: Path) -> None:
    rows = [*rows_of("a", 0), *rows_of("b", 1), ("one more", "pos", " "), ("two more", "neg", "")]
    stream = load(write(tmp_path / "x.csv", rows), domains="category")
    assert "2 rows have no domain and are left out" in stream.notes
    assert stream.tags == ("a", "b")


def test_domains_with_few_test_rows_are_named(tmp_path: Path) -> None:
    rows = [*rows_of("a", 0, 100), *rows_of("b", 1, 100), *rows_of("c", 2, 12)]
    stream = load(write(tmp_path / "x.csv", rows), domains="category")
    count = int((stream.rows["test"].tags == 2).sum())
    (note,) = (one for one in stream.notes if "fewer than 20 test rows" in one)
    assert note.endswith(f"any other: c ({count})")


def test_a_limit_holds_for_each_domain_and_changes_the_fingerprint(tmp_path: Path) -> None:
    path = write(tmp_path / "x.csv", [*rows_of("a", 0), *rows_of("b", 1, 60)])
    whole, some = load(path, domains="category"), load(path, domains="category", limit=10)
    assert np.bincount(some.rows["train"].tags).tolist() == [10, 10]
    assert whole.fingerprint != some.fingerprint
    assert some.fingerprint == load(path, domains="category", limit=10).fingerprint


@pytest.mark.parametrize(
    ("stream", "error", "message"),
    [
        ({"domains": "label"}, ConfigError, "gives the labels there"),
        ({"domains": "shop"}, DataError, r"no column 'shop', given as stream\.domains\."),
        ({"domains": "text"}, DataError, r"one column 'text'; name another with stream\.domains$"),
    ],
)
def test_columns_that_are_no_domains(
    tmp_path: Path, stream: dict[str, Any], error: type[ModelwrightError], message: str
) -> None:
    path = write(tmp_path / "x.csv", [*rows_of("a", 0), *rows_of("b", 1)])
    with pytest.raises(error, match=message):
        load(path, **stream)


def test_a_column_of_domains_that_is_there_twice_is_named_as_the_user_named_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("text,label,shop,shop\na,pos,b,c\n", "utf-8")
    with pytest.raises(DataError, match=r"by its position: stream\.domains as #3 or #4"):
        load(path, domains="shop")


def test_a_folder_has_no_column_of_domains(tmp_path: Path) -> None:
    content = {
        "data": {"source": str(write_images(tmp_path / "x", 6, side=8)), "test": 0.3},
        "model": {"recipe": "cnn-tutorial"},
        "stream": {"domains": "category"},
    }
    with pytest.raises(ConfigError, match=r"it is no table.*\[\[stream.domain\]\]"):
        load_stream_data(read_stream_plan(content))


def test_a_domain_without_test_rows_is_named(tmp_path: Path) -> None:
    rows = [*rows_of("a", 0), ("lonely", "pos", "b")]
    with pytest.raises(DataError, match=r"no (train|test) rows of 'b'"):
        load(write(tmp_path / "x.csv", rows), domains="category")
    rows = [*rows_of("a", 0), ("", "pos", "b"), ("good", "neg", "")]
    with pytest.raises(DataError, match=r"no train rows of 'b'.* test rows\. Add rows, or take"):
        load(write(tmp_path / "x.csv", rows), domains="category")


def test_the_first_rows_of_two_orders_of_one_number_have_different_fingerprints(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "x.csv", [*rows_of("a", 0), *rows_of("b", 1)])
    content = {
        "data": {"source": str(path), "test": 0.3},
        "model": {"recipe": "text-fast"},
        "stream": {"domains": "category"},
    }
    found = set()
    for names in (["a", "b"], ["b", "a"]):
        plan = read_stream_plan({**content, "stream": {"domains": "category", "orders": [names]}})
        stream = load_stream_data(plan)
        (order,) = find_orders(plan, stream.tags)
        found.add(first_data(stream, make_material(stream, order)).fingerprint)
    assert len(found) == 2
