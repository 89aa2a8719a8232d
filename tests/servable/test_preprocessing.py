"""Engines without TensorFlow decode images as the manifest says, and as earlier versions did."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from image_kinds import REFUSED, SERVED, encoded
from modelwright.core.errors import DataError
from modelwright.servable.manifest import Manifest, manifest_from_record
from modelwright.servable.predictor import Predictor
from modelwright.servable.preprocessing import Preparation

RECORD: dict[str, Any] = {
    **{"format": 1, "name": "x", "version": 1, "created": "", "task": "image"},
    **{
        "labels": ["a", "b"],
        "shape": [8, 12, 3],
        "tta": False,
        "tolerance": 0,
        "engines": {"x": {}},
    },
    **{"config": {}, "data": {}, "metrics": {}, "versions": {}, "files": {}},
}
"""A manifest as earlier versions wrote it."""


def manifest(**decoding: Any) -> Manifest:
    return manifest_from_record({**RECORD, "decoding": decoding})


def prepare(file: bytes, **decoding: Any) -> Any:
    return Preparation(Path(), manifest(**decoding))([file])[0]


def turned_file(kind: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (8, 12))
    image.paste((255, 255, 255), (0, 0, 8, 6))
    return encoded(image, kind, exif=exif)


def test_images_are_turned_where_the_manifest_says_so() -> None:
    turned = prepare(turned_file(), orientation=True)
    assert (turned[0, 0, 0], turned[0, -1, 0]) == (0, 255)
    for decoding in ({}, {"orientation": False}):
        stored = prepare(turned_file(), **decoding)
        assert (stored[0, 0, 0], stored[0, -1, 0], stored[-1, 0, 0]) == (255, 255, 0)


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_saved_model_refuses_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="save it as PNG|is not a PNG, JPEG, GIF or BMP|no end"):
        prepare(REFUSED[name], orientation=True)
    assert prepare(REFUSED[name]).shape == (8, 12, 3)  # as in servables of earlier versions


def test_what_the_saved_model_reads_is_read() -> None:
    for file in SERVED.values():
        assert prepare(file, orientation=True).shape == (8, 12, 3)


def test_a_manifest_of_an_earlier_version_says_nothing_about_decoding() -> None:
    assert manifest_from_record(RECORD).decoding == {}
    assert not manifest_from_record(RECORD).orients


def test_the_predictor_converts_what_the_model_refuses() -> None:
    described = manifest(orientation=True, formats=["PNG"])
    new, old = (Predictor(Path(), m, engine=None) for m in (described, manifest()))  # type: ignore[arg-type]
    for file in (turned_file("WEBP"), SERVED["bmp palette"], REFUSED["tiff"]):
        assert new._checked(file, 0).startswith(b"\x89PNG")
        assert old._checked(file, 0).startswith(b"\x89PNG")
    sizes = [Image.open(io.BytesIO(p._checked(turned_file("WEBP"), 0))).size for p in (new, old)]
    assert sizes == [(12, 8), (8, 12)]
    assert new._checked(turned_file(), 0) == old._checked(turned_file(), 0) == turned_file()
