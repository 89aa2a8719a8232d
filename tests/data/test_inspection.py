"""The figures of an inspection equal hand-counted ones."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
import pytest

from modelwright.core.types import Dataset, Rejected, Split
from modelwright.data.inspection import inspect_data
from modelwright.data.rows import ImageArray
from modelwright.data.scripts import SCRIPTS, scripts_of


class MemoryTexts:
    """Texts in memory, as rows."""

    def __init__(self, name: str, texts: list[str]) -> None:
        self.name, self.texts = name, texts

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices: np.ndarray) -> list[str]:
        return [self.texts[index] for index in indices]

    def raw(self, index: int) -> str:
        return self.texts[index]

    def origin(self, index: int) -> str:
        return f"{self.name} {index}"


def split(name: str, rows: list[tuple[str, int]]) -> Split:
    labels = np.array([label for _, label in rows], np.int64)
    return Split(MemoryTexts(name, [text for text, _ in rows]), labels)


@pytest.fixture
def texts() -> Dataset:
    train = [("很好", 1), ("很好", 1), ("很好", 0), ("bad film", 0), ("a" * 100, 0)]
    return Dataset(
        task="text",
        labels=("neg", "pos", "unused"),
        splits={
            "train": split("train", train),
            "val": split("val", [("bad film", 0), ("new", 1)]),
            "test": split("test", [("bad film", 0), ("new", 0), ("很好", 1), ("很好", 1)]),
        },
        fingerprint="f" * 64,
        source="made up",
        rejected=(*(Rejected(f"x {n}", "has an empty text") for n in range(12)),
                  Rejected("y", "cannot be decoded (truncated)")),
        notes=("a note",),
    )  # fmt: skip


def test_copies_conflicts_and_leaks_are_counted(texts: Dataset) -> None:
    report = inspect_data(texts)
    assert report.rows == 11
    assert report.counts["train"] == [3, 2, 0]
    # Four contents among eleven rows; two of them under both labels.
    assert report.duplicates == 11 - 4
    assert report.conflicts == 2
    assert report.leakage == {"train/val": 1, "train/test": 3, "val/test": 2}
    first = report.conflict_examples[0]
    assert (first.labels, first.origins) == (("pos", "neg"), ("train 0", "train 2"))
    assert first.text == "很好"
    assert report.empty["train"] == ["unused"]
    assert report.empty["val"] == ["unused"]
    assert report.balance == 0


def test_lengths_scripts_and_rejected_rows_are_reported(texts: Dataset) -> None:
    report = inspect_data(texts)
    assert report.lengths == {"min": 2, "median": 3, "p95": 100, "max": 100}
    assert report.scripts is not None
    assert report.scripts["Han"] == pytest.approx(5 / 11)
    assert report.rejected == {"has an empty text": 12, "cannot be decoded": 1}
    stored = json.loads(json.dumps(report.to_dict()))
    assert len(stored["rejected_examples"]) == 10
    page = report.render()
    for part in ("made up: 11 texts, 3 classes", "a note", "pos / neg", "has an empty text", "3"):
        assert part in page


def test_images_have_a_shape_and_no_lengths() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)
    pixels[5] = pixels[0]
    labels = np.array([0, 1, 0, 1, 0, 1], np.int64)
    parts = {
        name: Split(ImageArray(np.array(rows), str, pixels), labels[rows])
        for name, rows in (("train", [0, 1, 2, 3]), ("test", [4, 5]))
    }
    data = Dataset("image", ("a", "b"), parts, "f", "images", shape=(8, 8, 1))  # type: ignore[arg-type]
    report = inspect_data(data)
    assert report.lengths is None and report.scripts is None
    assert (report.duplicates, report.conflicts) == (1, 1)
    assert report.conflict_examples[0].origins == ("0", "5")
    assert report.leakage == {"train/test": 1}
    assert "8 x 8 x 1" in report.render()


def test_many_classes_show_the_smallest() -> None:
    labels = tuple(f"class{n:03d}" for n in range(200))
    rows = [(f"text {n}", n % 200) for n in range(200)] + [("more", 7)]
    data = Dataset("text", labels, {"train": split("train", rows)}, "f", "many")
    page = inspect_data(data).render()
    assert "The 30 smallest of 200 classes." in page
    assert "class007" not in page


def test_a_written_report_has_json_an_image_and_the_rejected_rows(
    texts: Dataset, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib")
    inspect_data(texts).write(tmp_path / "new")
    names = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert names == ["inspection.json", "inspection.png", "rejected.csv"]
    assert (tmp_path / "new" / "rejected.csv").read_text("utf-8").count("\n") == 14


def test_a_source_is_loaded_first(reviews: Path) -> None:
    report = inspect_data(reviews)
    assert report.rows == 240
    assert report.leakage["train/test"] == 0


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("这本书很好！2023", "Han"),
        ("A fine film, naïve.", "Latin"),
        ("买了 iPhone 手机", "mixed"),
        ("Привет, мир", "other"),
        ("ありがとうございます", "other"),
        ("123 !!! …", "other"),
        ("", "other"),
        ("𠀀𠀁", "Han"),
        ("ＡＢＣ", "Latin"),
    ],
)
def test_the_script_of_a_text(text: str, script: str) -> None:
    # Between others, so that one text's letters are not counted for its neighbours.
    assert SCRIPTS[scripts_of(["字", text, "x"])[1]] == script


def test_sixty_thousand_reviews_take_seconds() -> None:
    texts = MemoryTexts("t", [f"第{n}条评论，质量不错，物流很快，下次再来" for n in range(60_000)])
    labels = np.arange(60_000, dtype=np.int64) % 2
    start = time.perf_counter()
    data = Dataset("text", ("a", "b"), {"train": Split(texts, labels)}, "f", "large")
    assert inspect_data(data).duplicates == 0
    assert time.perf_counter() - start < 8
