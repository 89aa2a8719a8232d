"""The worst mistakes on the page of a run are explained by its servable."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import modelwright
from kept_runs import EVIL, RTL, evaluate_kept_run, export_kept_run, make_kept_run, write_reviews
from modelwright.core.files import sha256_file
from modelwright.explaining.explanation import Explanation, WeightedSegment
from modelwright.explaining.method import TextSegment
from modelwright.reporting.marked_text import marked_text
from modelwright.reporting.slices_section import _with_heat
from modelwright.reporting.words import Words
from modelwright.runs.exports import record_export
from modelwright.runs.run import WEIGHTS
from modelwright.servable.manifest import read_manifest

TEXT = "The acting is wonderful but the plot is boring"


@pytest.fixture
def inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(inside: Path) -> Path:
    """An evaluated run, one of whose mistakes is ``TEXT``, with a servable of its weights."""
    made = make_kept_run(Path("runs/reviews"), write_reviews(Path("reviews.csv")))
    folder = evaluate_kept_run(made)
    file = folder / "evaluation.json"
    record = json.loads(file.read_text())
    record["mistakes"][0] |= {"text": TEXT, "label": "pos", "predicted": "neg"}
    file.write_text(json.dumps(record))
    servable = export_kept_run(made, Path("models/sentiment/1"))
    created = read_manifest(servable).created
    record_export(made.path, servable, created, sha256_file(made.path / WEIGHTS))
    return made.path


def mistakes(place: Path | str, lang: str = "en") -> str:
    """The section on mistakes of a page."""
    written = modelwright.report(place, "page.html", lang, force=True)
    found = re.search(r'<section id="mistakes".*?</section>', written.file.read_text(), re.S)
    assert found is not None
    return found[0]


@pytest.mark.parametrize("place", ["runs/reviews", "models/sentiment"])
def test_a_mistake_shows_what_speaks_for_and_against_it(run: Path, place: str) -> None:
    content = mistakes(place)
    assert '<mark class="for">boring</mark>' in content
    assert '<mark class="against">wonderful</mark>' in content
    assert re.search(r"for: <bdi>boring</bdi> \+\d\.\d\d", content)
    assert re.search(r"against: <bdi>wonderful</bdi> -\d\.\d\d", content)
    assert "the method is in-and-out" in content


def test_the_chinese_page_says_it_in_chinese(run: Path) -> None:
    content = mistakes(run, "zh")
    assert "支持： <bdi>boring</bdi>" in content and "实线标出支持预测标签的片段" in content


def test_without_a_servable_the_page_says_how_to_get_explanations(run: Path) -> None:
    shutil.rmtree("models")
    content = mistakes(run)
    assert "<mark" not in content and TEXT in content
    assert "no servable of these weights is here. Export one (modelwright export" in content


def test_hostile_text_is_shown_as_text_between_the_marks(run: Path) -> None:
    file = next(run.rglob("evaluation.json"))
    record = json.loads(file.read_text())
    record["mistakes"][0]["text"] = f"boring {EVIL} {RTL}"
    file.write_text(json.dumps(record))
    content = mistakes(run)
    assert '<mark class="for">boring</mark>' in content
    assert "<script>" not in content and "&lt;script&gt;" in content


def explanation(text: str, *marks: tuple[int, int, float]) -> Explanation:
    segments = tuple(
        WeightedSegment(TextSegment(start, end, text[start:end]), weight)
        for start, end, weight in marks
    )
    return Explanation(text, "neg", 0.9, "leave-one-out", segments, None)


def test_marks_stand_at_their_offsets_and_text_is_cut_between_them() -> None:
    text = "<b>差</b> 評" + "長" * 50 + "bad"
    one = explanation(text, (3, 4, 2.0), (9, 10, -1.0), (60, 63, 3.0))
    shown = marked_text(text, one, 40, Words("zh"))
    assert shown.startswith('<bdi>&lt;b&gt;<mark class="for">差</mark>&lt;/b&gt; ')
    assert '<mark class="against">評</mark>長' in shown
    assert "…</bdi>" in shown and "<mark>bad" not in shown and shown.count("長") < 20
    assert "支持： <bdi>bad</bdi> +3.00, <bdi>差</bdi> +2.00" in shown
    still = marked_text("a word", explanation("a word"), 40, Words())
    assert "No segment moves the probability." in still


def test_the_heat_map_stands_next_to_the_image() -> None:
    image = Image.fromarray(np.full((32, 16, 3), 100, np.uint8))
    pair = np.asarray(_with_heat(image, np.array([[1.0], [-1.0]], np.float32)))
    assert pair.shape == (32, 33, 3)
    assert pair[0, 0].tolist() == [100, 100, 100] and pair[0, 16].tolist() == [255] * 3
    top, bottom = pair[0, 20].astype(int), pair[31, 20].astype(int)
    assert top[2] > top[0] and bottom[0] > bottom[2]
