"""Rows of real servables: what is taken out, and where it stands in the input."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

import modelwright
from modelwright.core.errors import DataError
from modelwright.explaining.explained_model import ExplainedModel, explained_servable
from modelwright.explaining.image_row import ImageRow
from modelwright.explaining.text_row import MOST_CHARACTERS, TextRow
from modelwright.explaining.text_segments import characters
from modelwright.servable.tokenizer import UNKNOWN, ServingTokenizer
from serve.small_servables import write_image_servable, write_text_servable


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> ExplainedModel:
    folder = write_text_servable(tmp_path_factory.mktemp("explained") / "sentiment" / "1")
    return explained_servable(modelwright.load(folder))


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> ExplainedModel:
    folder = write_image_servable(tmp_path_factory.mktemp("explained") / "colors" / "1")
    return explained_servable(modelwright.load(folder))


def segments(row: TextRow) -> list[str]:
    for one in row.segments:
        assert row.text[one.start : one.end] == one.text
    return [one.text for one in row.segments]


def test_a_segment_is_taken_out_by_an_unknown_token(texts: ExplainedModel) -> None:
    row = TextRow(texts, "wonderful 很差 acting", words="characters")
    assert segments(row) == ["wonderful", "很", "差", "acting"]
    assert row.runs_on_ids
    kept = np.ones((3, 4), bool)
    kept[1, 0] = kept[2, 2] = False
    assert row.inputs(kept).tolist() == [[2, 4, 6 + 2, 1], [1, 4, 8, 1], [2, 4, 1, 1]]
    answers = row.answer(kept)
    whole = texts.predictor.engine.probabilities(["wonderful 很差 acting"])
    assert answers[:1] == pytest.approx(whole)
    assert answers[1, 1] < answers[0, 1] < answers[2, 1]
    assert row.places.tolist() == [0, 1, 2, 3]


def test_where_ids_are_not_known_characters_are_replaced(texts: ExplainedModel) -> None:
    row = TextRow(ExplainedModel(texts.predictor), "wonderful, 很差 acting!", words="characters")
    assert not row.runs_on_ids
    kept = np.ones((2, 4), bool)
    kept[1, [0, 2]] = False
    expected = texts.predictor.engine.probabilities(["wonderful, 很差 acting!", " , 很  acting!"])
    assert row.answer(kept) == pytest.approx(expected)
    assert "token ids are not known" in row.notes()[-1]


def test_an_engine_with_other_ids_gets_texts(texts: ExplainedModel) -> None:
    class Other:
        row = (12,)
        takes_padded_rows = True

        def prepare(self, inputs: list[str]) -> np.ndarray:
            return np.array([[7] * 12], np.int32)

        def probabilities(self, inputs: list[str]) -> np.ndarray:
            return np.array([[0.5, 0.5]] * len(inputs), np.float32)

    other = ExplainedModel(replace(texts.predictor, engine=Other()), texts.tokenizer)
    row = TextRow(other, "wonderful acting")
    assert not row.runs_on_ids
    assert row.answer(np.ones((3, 2), bool)).shape == (3, 2)


def test_a_text_that_is_too_long_for_the_network(texts: ExplainedModel) -> None:
    text = " ".join(f"w{number}" for number in range(30))
    row = TextRow(texts, text)
    assert segments(row) == [f"w{number}" for number in range(12)]
    assert row.notes() == [
        "the model reads 12 of the 30 tokens; segments are between characters 0 and 37"
    ]


def test_an_n_gram_is_unknown_without_any_of_its_words(texts: ExplainedModel) -> None:
    rules: dict[str, Any] = {
        "length": 6, "ngrams": 2, "keep": "end", "remove": [],
        "characters": {"vanish": [], "space": [], "alone": [], "become": {}},
        "final_sigma": {"cased": [], "ignorable": []},
    }  # fmt: skip
    vocabulary = ["<pad>", "<unk>", "a", "b", "c", "d", "a b", "b c", "c d"]
    tokenizer = ServingTokenizer(rules, vocabulary)

    class Ids:
        row = (6,)
        takes_padded_rows = True
        prepare = staticmethod(tokenizer.encode)

    predictor = replace(texts.predictor, engine=Ids())
    row = TextRow(ExplainedModel(predictor, tokenizer), "a b c d")
    # The network reads the last six of seven tokens: a is read as part of "a b" alone.
    assert segments(row) == ["a", "b", "c", "d"]
    kept = ~np.eye(4, dtype=bool)
    assert row.inputs(kept).tolist() == [
        [3, 4, 5, 1, 7, 8],
        [1, 4, 5, 1, 1, 8],
        [3, 1, 5, 6, 1, 1],
        [3, 4, 1, 6, 7, 1],
    ]
    assert "reads 3 of the 4 tokens" in row.notes()[0]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@example("👨\u200d👩\u200d👧x<b>很</b>ＡＢ 好看=：ำ")
def test_in_any_text_each_token_can_be_taken_out(texts: ExplainedModel, text: str) -> None:
    try:
        row = TextRow(texts, text)
    except DataError:
        assert texts.tokenizer is not None and texts.tokenizer.locate(text) == []
        return
    assert row.runs_on_ids
    segments(row)
    spans = [(one.start, one.end) for one in row.segments]
    assert spans == sorted(spans) and all(a[1] <= b[0] for a, b in pairwise(spans))
    edges = {edge for span in characters(text) for edge in span}
    assert {edge for span in spans for edge in span} <= edges
    assert (row.first <= row.last).all() and (row.first >= 0).all()
    assert (row.last < len(spans)).all()
    nothing = np.zeros((1, len(spans)), bool)
    assert set(row.inputs(nothing)[0].tolist()) == {UNKNOWN}
    taken_out = row.hidden_tokens(~np.eye(len(spans), dtype=bool))
    assert taken_out.any(axis=1).all()


@pytest.mark.parametrize("text", ["", "  \n", "，。！?"])
def test_a_text_without_anything_to_explain(texts: ExplainedModel, text: str) -> None:
    with pytest.raises(DataError, match="no word or sign that the model reads"):
        TextRow(ExplainedModel(texts.predictor), text)


def test_a_text_without_end_is_refused(texts: ExplainedModel) -> None:
    TextRow(texts, "很" * MOST_CHARACTERS)
    with pytest.raises(DataError, match=r"100,001 characters, but at most 100,000"):
        TextRow(texts, "很" * (MOST_CHARACTERS + 1))


def encoded(pixels: np.ndarray, orientation: int = 1) -> bytes:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(file, "PNG", exif=exif)
    return file.getvalue()


def test_cells_of_an_image_are_rectangles_of_the_image_as_given(images: ExplainedModel) -> None:
    pixels = np.zeros((40, 20, 3), np.uint8)
    row = ImageRow(images, encoded(pixels))
    assert row.grid == (8, 8)
    covered = np.zeros((40, 20), int)
    for one in row.segments:
        covered[one.row : one.row + one.height, one.column : one.column + one.width] += 1
    assert (covered == 1).all()
    assert "20 x 40 pixels is resized to 16 x 16" in row.notes()[1]


def test_a_cell_is_taken_out_by_the_mean_color(images: ExplainedModel) -> None:
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:, 8:] = 200, 100, 50
    row = ImageRow(images, encoded(pixels))
    kept = np.ones((2, 64), bool)
    kept[1, 0] = False
    masked = row.inputs(kept)
    assert np.array_equal(masked[0], pixels)
    assert (masked[1, :2, :2] == (100, 50, 25)).all()
    assert np.array_equal(masked[1, 2:], pixels[2:])
    assert row.answer(kept)[:1] == pytest.approx(
        images.predictor.engine.probabilities([encoded(pixels)])
    )


def test_a_turned_image_is_explained_upright(images: ExplainedModel) -> None:
    pixels = np.zeros((16, 32, 3), np.uint8)
    decoding = {"orientation": True, "formats": ["PNG", "JPEG"]}
    manifest = replace(images.predictor.manifest, decoding=decoding)
    predictor = replace(images.predictor, manifest=manifest)
    row = ImageRow(ExplainedModel(predictor), encoded(pixels, orientation=6))
    assert row.image.shape == (32, 16, 3)
    last = row.segments[-1]
    assert (last.row + last.height, last.column + last.width) == (32, 16)


@pytest.mark.parametrize("shape", [(1, 1), (3, 50), (16, 5)])
def test_small_images_have_fewer_cells(images: ExplainedModel, shape: tuple[int, int]) -> None:
    row = ImageRow(images, encoded(np.zeros((*shape, 3), np.uint8)))
    assert row.grid == (min(8, shape[0]), min(8, shape[1]))
    assert all(one.height > 0 and one.width > 0 for one in row.segments)
    assert row.answer(np.ones((1, len(row.segments)), bool)).shape == (1, 3)
