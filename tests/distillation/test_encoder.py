"""A sentence encoder from a local folder: its vectors, what it says of itself, what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from distillation.small_encoder import (
    INPUTS,
    VECTORS,
    WORDS,
    build_model,
    elsewhere,
    sentence_transformers,
    write_encoder,
)
from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.distillation.encoder import Encoder, EncoderOptions, open_encoder

MEAN = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
TEXTS = ["great film", "Bad", "", "fine fine dull film great bad film"]
AS_IS = EncoderOptions()


def of(text: str) -> Any:
    """The vectors of a text's tokens, looked up by hand."""
    words = ["[CLS]", *text.lower().split()]
    return np.stack([VECTORS[WORDS.index(word)] for word in words])


def scores(encoder: Encoder, texts: list[str] = TEXTS) -> Any:
    found = encoder.score(texts)
    assert found.dtype == np.float32
    return found


def test_the_mean_leaves_padding_out_and_keeps_the_order(tmp_path: Path) -> None:
    encoder = open_encoder(write_encoder(tmp_path, settings=sentence_transformers(MEAN)), AS_IS)
    np.testing.assert_allclose(scores(encoder), [of(text).mean(axis=0) for text in TEXTS])
    assert encoder.notes == ()
    assert encoder.facts == {
        "file": "model.onnx",
        "output": "last_hidden_state",
        "pooling": "mean",
        "normalized": False,
        "length": 512,
        "prefix": "",
    }


@pytest.mark.parametrize(
    ("pooling", "expected"),
    [
        ({"pooling_mode_cls_token": True}, lambda rows: rows[0]),
        ({"pooling_mode_max_tokens": True}, lambda rows: rows.max(axis=0)),
        ({"pooling_mode_lasttoken": True}, lambda rows: rows[-1]),
        ({"pooling_mode": "mean"}, lambda rows: rows.mean(axis=0)),
        (
            {"pooling_mode_mean_sqrt_len_tokens": True},
            lambda rows: rows.sum(axis=0) / len(rows) ** 0.5,
        ),
        (
            {"pooling_mode_weightedmean_tokens": True},
            lambda rows: np.average(rows, axis=0, weights=np.arange(len(rows)) + 1),
        ),
        (
            {"pooling_mode": ["mean", "cls"]},
            lambda rows: np.concatenate([rows[0], rows.mean(axis=0)]),
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_pooling_and_normalization_are_those_of_the_folder(
    pooling: dict[str, Any], expected: Callable[[Any], Any], tmp_path: Path
) -> None:
    settings = sentence_transformers(pooling, "Normalize")
    encoder = open_encoder(write_encoder(tmp_path, settings=settings), AS_IS)
    vectors = np.stack([expected(of(text)) for text in TEXTS])
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    np.testing.assert_allclose(scores(encoder), vectors / length, rtol=1e-5)
    assert encoder.facts["normalized"] is True


def test_what_the_folder_does_not_say_is_said(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path)
    encoder = open_encoder(folder, AS_IS)
    assert "so their mean was taken; --pooling chooses another" in " ".join(encoder.notes)
    chosen = open_encoder(folder, EncoderOptions(pooling="cls"))
    assert chosen.notes == ()
    np.testing.assert_array_equal(scores(chosen), [VECTORS[2]] * len(TEXTS))
    assert chosen.identity != encoder.identity
    with pytest.raises(ConfigError, match="--pooling was given 'median'; expected one of cls, max"):
        open_encoder(folder, EncoderOptions(pooling="median"))


def test_texts_are_cut_where_the_configs_say(tmp_path: Path) -> None:
    settings = {
        "config.json": {"max_position_embeddings": 512},
        "tokenizer_config.json": {"model_max_length": 10**30},
        "sentence_bert_config.json": {"max_seq_length": 3},
    }
    encoder = open_encoder(write_encoder(tmp_path, settings=settings), AS_IS)
    assert encoder.facts["length"] == 3
    np.testing.assert_allclose(scores(encoder)[3], of("fine fine").mean(axis=0))


def test_the_positions_of_roberta_begin_behind_its_padding(tmp_path: Path) -> None:
    config = {"max_position_embeddings": 514, "model_type": "xlm-roberta", "pad_token_id": 1}
    encoder = open_encoder(write_encoder(tmp_path, settings={"config.json": config}), AS_IS)
    assert encoder.facts["length"] == 512


@pytest.mark.parametrize(
    ("name", "settings", "prefix", "note"),
    [
        ("small", {}, "", ""),
        ("multilingual-e5-small", {}, "query: ", "encoders called e5 are trained with one"),
        ("e5-mistral-7b-instruct", {}, "", ""),
        ("base5", {}, "", ""),
        (
            "other",
            {"prompts": {"query": "query: ", "document": ""}},
            "",
            "the encoder names some: query 'query: '; --prefix adds one",
        ),
        (
            "other",
            {"prompts": {"query": "film "}, "default_prompt_name": "query"},
            "film ",
            "default prefix 'film '; --prefix '' adds none",
        ),
    ],
)
def test_a_prefix_is_the_folders_and_the_note_says_so(
    name: str, settings: dict[str, Any], prefix: str, note: str, tmp_path: Path
) -> None:
    files = {"config_sentence_transformers.json": settings, **sentence_transformers(MEAN)}
    folder = write_encoder(tmp_path / name, settings=files)
    encoder = open_encoder(folder, AS_IS)
    assert encoder.facts["prefix"] == prefix
    assert note in " ".join(encoder.notes)
    assert bool(note) == bool(encoder.notes)
    without, other = (open_encoder(folder, EncoderOptions(prefix=one)) for one in ("", "dull "))
    assert without.notes == other.notes == ()
    np.testing.assert_array_equal(scores(other, ["bad"]), scores(without, ["dull bad"]))
    words = prefix.replace(":", " :")
    np.testing.assert_allclose(scores(encoder, ["bad"])[0], of(words + "bad").mean(axis=0))


def test_a_prefix_is_left_out_of_the_pooling_where_the_folder_wants_that(tmp_path: Path) -> None:
    settings = sentence_transformers({**MEAN, "include_prompt": False})
    folder = write_encoder(tmp_path, settings=settings)
    encoder = open_encoder(folder, EncoderOptions(prefix="query: "))
    np.testing.assert_array_equal(scores(encoder, ["fine bad"])[0], of("fine bad")[1:].mean(axis=0))


@pytest.mark.parametrize(
    "model",
    [
        build_model((*INPUTS, "token_type_ids", "position_ids")),
        build_model(kind=TensorProto.INT32),
        build_model(["input_ids"]),
        build_model(shape=(3, 12)),
        build_model(
            output="sentence_embedding",
            rank=2,
            nodes=[
                helper.make_node("Cast", ["attention_mask"], ["floats"], to=TensorProto.FLOAT),
                helper.make_node("Constant", [], ["axis"], value_ints=[2]),
                helper.make_node("Unsqueeze", ["floats", "axis"], ["mask"]),
                helper.make_node("Mul", ["tokens", "mask"], ["kept"]),
                helper.make_node("ReduceMean", ["kept"], ["m"], axes=[1], keepdims=0),
                helper.make_node("ReduceMean", ["mask"], ["share"], axes=[1], keepdims=0),
                helper.make_node("Div", ["m", "share"], ["sentence_embedding"]),
            ],
        ),
    ],
    ids=["more inputs", "int32", "no mask", "fixed size", "sentence embedding"],
)
def test_files_of_several_kinds_give_the_same_vectors(model: bytes, tmp_path: Path) -> None:
    settings = sentence_transformers(MEAN)
    encoder = open_encoder(write_encoder(tmp_path, model, settings), AS_IS)
    texts = TEXTS * 10
    expected = [of(text).mean(axis=0) for text in texts]
    np.testing.assert_allclose(scores(encoder, texts), expected, rtol=1e-5)


def test_a_file_that_quantizes_batches_gets_texts_one_by_one(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("DynamicQuantizeLinear", ["tokens"], ["q", "scale", "zero"]),
        helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["last_hidden_state"]),
    ]
    settings = sentence_transformers(MEAN)
    encoder = open_encoder(write_encoder(tmp_path, build_model(nodes=nodes), settings), AS_IS)
    assert "scored one by one" in " ".join(encoder.notes)
    alone = np.concatenate([encoder.score([text]) for text in TEXTS])
    np.testing.assert_array_equal(scores(encoder), alone)


def test_the_identity_changes_with_each_file_and_choice(tmp_path: Path) -> None:
    weights = tmp_path / "vectors.bin"
    weights.write_bytes(VECTORS.tobytes())
    folder = write_encoder(tmp_path, build_model(weights=elsewhere(weights.name)))
    found = [open_encoder(folder, AS_IS).identity]
    weights.write_bytes((VECTORS * 2).tobytes())
    found.append(open_encoder(folder, AS_IS).identity)
    tokenizer = folder / "tokenizer.json"
    tokenizer.write_text(tokenizer.read_text() + "\n")
    found.append(open_encoder(folder, AS_IS).identity)
    found.append(open_encoder(folder, EncoderOptions(prefix="bad ")).identity)
    (folder / "sentence_bert_config.json").write_text('{"do_lower_case": true}')
    found.append(open_encoder(folder, AS_IS).identity)
    assert len(set(found)) == len(found)
    assert open_encoder(folder, AS_IS).identity == found[-1]


def test_weights_outside_of_the_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "vectors.bin").write_bytes(VECTORS.tobytes())
    folder = tmp_path / "encoder"
    (write_encoder(folder) / "link.bin").symlink_to(tmp_path / "vectors.bin")
    for location in ("../vectors.bin", str(tmp_path / "vectors.bin"), "link.bin"):
        write_encoder(folder, build_model(weights=elsewhere(location)))
        with pytest.raises(ConfigError, match="names weights outside of its folder: .*bin"):
            open_encoder(folder, AS_IS)
    write_encoder(folder, build_model(weights=elsewhere("gone.bin")))
    with pytest.raises(ConfigError, match=r"its weights in gone.bin are missing\. Get it again"):
        open_encoder(folder, AS_IS)


def test_links_of_the_cache_of_hugging_face_are_followed(tmp_path: Path) -> None:
    blobs = tmp_path / "models--org--e5-tiny" / "blobs"
    snapshot = blobs.parent / "snapshots" / "abc123"
    written = write_encoder(blobs, build_model(weights=elsewhere("model.onnx_data")))
    (written / "model.onnx_data").write_bytes(VECTORS.tobytes())
    snapshot.mkdir(parents=True)
    for file in written.iterdir():
        (snapshot / file.name).symlink_to(Path("../../blobs", file.name))
    encoder = open_encoder(snapshot, AS_IS)
    assert encoder.facts["prefix"] == "query: "
    assert scores(encoder).shape == (len(TEXTS), 3)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (b"", "cannot be loaded as ONNX: "),
        (b"<html>not found</html>", "cannot be loaded as ONNX: it is no ONNX file|it is cut off"),
        (build_model()[:-40], "cannot be loaded as ONNX: it is cut off"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "is a pointer of Git LFS"),
        (build_model(["input_ids", "pixel_values"]), "has the inputs input_ids .*pixel_values"),
        (build_model(["input_ids"], shape=("texts",), rank=2), r"expected input_ids as \(texts, "),
        (build_model(kind=TensorProto.FLOAT), "cannot be loaded as ONNX|all of them int64"),
        (
            build_model(
                rank=4,
                nodes=[
                    helper.make_node("Constant", [], ["axis"], value_ints=[0]),
                    helper.make_node("Unsqueeze", ["tokens", "axis"], ["last_hidden_state"]),
                ],
            ),
            r"has the outputs last_hidden_state .*; expected vectors of tokens, \(texts, tokens, d",
        ),
    ],
    ids=["empty", "page", "cut off", "pointer", "input", "rank", "float", "output"],
)
def test_an_onnx_file_that_is_no_encoder_is_refused(
    model: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=message):
        open_encoder(write_encoder(tmp_path, model), AS_IS)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            build_model(nodes=[
                helper.make_node("Transpose", ["tokens"], ["last_hidden_state"], perm=[1, 0, 2])
            ]),
            r"with the shape \(8, 4, 3\) for 4 texts of 8 tokens; expected \(4, 8, d\)",
        ),
        (
            build_model(weights=helper.make_tensor("vectors", 1, [4, 1], [1.0] * 4)),
            "failed on 4 texts: .*encoder's tokenizer.json belong together",
        ),
    ],
    ids=["tokens first", "fewer words"],
)  # fmt: skip
def test_an_onnx_file_that_fails_on_texts_is_refused(
    model: bytes, message: str, tmp_path: Path
) -> None:
    encoder = open_encoder(write_encoder(tmp_path, model), AS_IS)
    with pytest.raises(ConfigError, match=message):
        encoder.score(TEXTS)


def test_a_damaged_tokenizer_is_refused(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path)
    for content in ("", "{}", '{"version": "1.0"', "version https://git-lfs.github.com"):
        (folder / "tokenizer.json").write_text(content)
        with pytest.raises(ConfigError, match=r"tokenizer\.json (cannot be loaded|is a pointer)"):
            open_encoder(folder, AS_IS)


@pytest.mark.parametrize("package", ["tokenizers", "onnxruntime"])
def test_a_missing_package_is_named(
    package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_encoder(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=rf"{package}, .*'modelwright\[encoder\]'"):
        open_encoder(folder, AS_IS)
