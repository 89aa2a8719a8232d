"""The check of inputs against a signature, and the statuses of refusals."""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from modelwright.data.images import encode_png
from modelwright.serve.config import RequestLimits
from modelwright.serve.errors import GRPC, HTTP, Refused
from modelwright.serve.lifecycle.input_check import check_inputs
from modelwright.serve.lifecycle.signatures import Signature, TensorSpec


def test_a_spec_has_the_numpy_type_of_its_arrays() -> None:
    assert TensorSpec("x", "DT_FLOAT", (-1, 3)).numpy == np.float32
    assert TensorSpec("x", "DT_STRING", None).numpy.kind == "O"
    with pytest.raises(ValueError, match="element type DT_VARIANT is not supported"):
        _ = TensorSpec("x", "DT_VARIANT", None).numpy


def test_statuses_are_those_of_grpc() -> None:
    assert {code.name: code.value[0] for code in grpc.StatusCode} == GRPC
    assert HTTP.keys() == GRPC.keys()
    assert {HTTP[name] for name in ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "OUT_OF_RANGE")} == {
        400
    }
    assert (HTTP["RESOURCE_EXHAUSTED"], HTTP["CANCELLED"], HTTP["DATA_LOSS"]) == (429, 499, 500)


def test_a_refusal_has_a_code_a_message_and_a_retry_time() -> None:
    refused = Refused("UNAVAILABLE", "busy", retry_after=0.5)
    assert (refused.code, str(refused), refused.retry_after) == ("UNAVAILABLE", "busy", 0.5)


def test_only_a_savedmodel_accepts_other_shapes_than_it_declares() -> None:
    def rows(tensor: str, *shape: int) -> int:
        spec = TensorSpec("x", "DT_FLOAT", (-1, 1), tensor)
        signatures = {"s": Signature("tensorflow/serving/predict", {"x": spec}, {})}
        return check_inputs(
            "s", signatures, {"x": np.zeros(shape, np.float32)}, RequestLimits()
        ).rows

    assert [rows("x:0", 3, 1), rows("x:0", 3), rows("x:0", 2, 5), rows("x:0")] == [3, 3, 2, 1]
    assert rows("", 3, 1) == 3
    with pytest.raises(Refused, match=r"has the shape \[3\]; expected \[-1, 1\]"):
        rows("", 3)


def test_a_wrong_type_is_named_as_in_tensorflow() -> None:
    signatures = {"s": Signature("", {"x": TensorSpec("x", "DT_FLOAT", None)}, {})}
    with pytest.raises(Refused, match="'x' has the type DT_STRING; expected DT_FLOAT"):
        check_inputs("s", signatures, {"x": np.array([b"a"], object)}, RequestLimits())


def check_strings(name: str, values: list[bytes], **limits: int) -> int:
    """Checks strings of bytes as an input; returns what they count as."""
    signatures = {"s": Signature("", {name: TensorSpec(name, "DT_STRING", (-1,))}, {})}
    inputs = {name: np.array(values, object)}
    return check_inputs("s", signatures, inputs, RequestLimits(**limits)).size


def test_texts_and_image_files_have_bounds_of_their_own() -> None:
    photo = encode_png(np.zeros((40, 50, 3), np.uint8)) + bytes(2**21)
    assert check_strings("x", [b"a" * 2**20, photo]) > 2**21
    for name, value, limits, message in (
        ("x", b"a" * 11, {"text": 10}, r"has a text of 11 bytes; .* at most 10 \(--max-text\)"),
        ("x", photo, {"image": 10}, r"an image file of 2,\d+,\d+ bytes; .*10 \(--max-image\)"),
        ("image_bytes", b"?" * 11, {"image": 10, "text": 1}, r"an image file of 11 bytes"),
        ("x", photo, {"pixels": 1999}, r"an image of 50x40 pixels, .* \(--max-pixels\)"),
        ("x", photo, {"all_pixels": 1999}, r"have 0.002 megapixels together; .*-max-all-pixels\)"),
    ):
        with pytest.raises(Refused, match=message):
            check_strings(name, [b"BMW", value], **limits)
    assert check_strings("image_bytes", [b"?" * 11], text=10) == 11
    assert check_strings("x", [photo], pixels=2000) > 2**21
    assert check_strings("x", [photo] * 3, pixels=2000, all_pixels=6000) > 3 * 2**21
    with pytest.raises(Refused, match="The images of the request have 0.006 megapixels together"):
        check_strings("x", [photo] * 3, pixels=2000, all_pixels=5999)


def test_a_small_file_of_a_large_image_does_not_count_as_small() -> None:
    bomb = encode_png(np.zeros((2000, 2000, 3), np.uint8))
    assert check_strings("x", [bomb]) > len(bomb) + 50_000


def test_a_savedmodel_gets_no_image_that_would_use_all_memory() -> None:
    header = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + (60_000).to_bytes(4, "big") * 2
    with pytest.raises(Refused, match=r"60000x60000 pixels, 3600 megapixels; .* at most 64 "):
        check_strings("x", [header])
