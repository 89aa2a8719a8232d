"""A predictor classifies texts and images, and names each input that it cannot take."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import modelwright
from modelwright.core.errors import ConfigError, DataError
from modelwright.servable.predictor import Prediction


def test_texts_in_both_languages_are_classified(text_servable: Path) -> None:
    answers = modelwright.load(text_servable).predict(["酒店 很好", "an awful room"])
    assert [answer.label for answer in answers] == ["pos", "neg"]
    for answer in answers:
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert answer.score == max(answer.probabilities.values())


def test_no_inputs_give_no_predictions(text_servable: Path) -> None:
    assert modelwright.load(text_servable).predict([]) == []


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF"])
def test_images_of_every_format_that_training_reads(image_servable: Path, kind: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (40, 30), (30, 200, 40)).save(file, kind)
    predictor = modelwright.load(image_servable)
    (answer,) = predictor.predict([file.getvalue()])
    assert answer.label == "green"
    # The rows of a file, too, although the servable itself may refuse them.
    probabilities, faults = predictor.try_images([file.getvalue(), b"no image"])
    assert probabilities[0] == pytest.approx(list(answer.probabilities.values()), abs=1e-6)
    assert faults[0] is None and "the image is not a PNG" in str(faults[1])


def test_images_by_path(image_servable: Path, colors: Path) -> None:
    answers = modelwright.load(image_servable).predict(
        [colors / "red" / "001.png", str(colors / "blue" / "002.png")]
    )
    assert [answer.label for answer in answers] == ["red", "blue"]


def test_top_gives_the_best_labels_in_order() -> None:
    answer = Prediction("b", 0.5, {"a": 0.2, "b": 0.5, "c": 0.3})
    assert answer.top(2) == [("b", 0.5), ("c", 0.3)]


def test_an_input_that_the_model_cannot_take_is_named(
    text_servable: Path, image_servable: Path, tmp_path: Path
) -> None:
    texts, pictures = modelwright.load(text_servable), modelwright.load(image_servable)
    with pytest.raises(DataError, match="input 2 is bytes, but .* classifies texts"):
        texts.predict(["a", b"b"])
    with pytest.raises(DataError, match="input 1 is not valid Unicode: a lone surrogate"):
        texts.predict(["a\ud800"])
    with pytest.raises(DataError, match=r"the image .*missing\.png cannot be read"):
        pictures.predict([tmp_path / "missing.png"])
    with pytest.raises(DataError, match="input 1 is ndarray, but .* classifies images"):
        pictures.predict([np.zeros((4, 4, 3), np.uint8)])  # type: ignore[list-item]
    (tmp_path / "text.png").write_text("not a picture")
    with pytest.raises(DataError, match=r"text\.png cannot be used: the image is not a PNG"):
        pictures.predict([tmp_path / "text.png"])


def test_an_engine_that_the_servable_does_not_hold_is_refused(text_servable: Path) -> None:
    with pytest.raises(ConfigError, match="has no engine 'onxx'. Did you mean 'onnx'"):
        modelwright.load(text_servable, engine="onxx")
    with pytest.raises(ConfigError, match="has no engine 'litert'.* It holds: onnx, savedmodel"):
        modelwright.load(text_servable, engine="litert")
