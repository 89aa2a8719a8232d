"""Which files of an encoder's folder are taken, and what is said if one is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from distillation.small_encoder import build_model, sentence_transformers, write_encoder
from modelwright.core.errors import ConfigError
from modelwright.distillation.encoder_folder import is_encoder, read_encoder_folder


def test_of_several_files_the_plain_one_is_taken_and_the_note_names_another(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path)
    assert read_encoder_folder(folder).notes == ()
    (folder / "onnx").mkdir()
    for name in ("model.onnx", "model_int8.onnx"):
        (folder / "onnx" / name).write_bytes(build_model())
    assert read_encoder_folder(folder).model == folder / "model.onnx"
    (folder / "model.onnx").unlink()
    found = read_encoder_folder(folder)
    assert found.model == folder / "onnx" / "model.onnx"
    other = folder / "onnx" / "model_int8.onnx"
    assert found.notes == (
        "onnx/model.onnx was taken of the 2 ONNX files of the encoder; to take another, give the"
        f" file as the teacher, such as {other}",
    )
    named = read_encoder_folder(other)
    assert (named.folder, named.model, named.notes) == (folder, other, ())
    (folder / "onnx" / "model.onnx").unlink()
    assert read_encoder_folder(folder).model == other
    (folder / "onnx" / "model_q4.onnx").write_bytes(build_model())
    with pytest.raises(ConfigError, match=r"2 ONNX files and none is called model\.onnx: onnx/mod"):
        read_encoder_folder(folder)


def test_without_an_onnx_file_the_message_says_how_to_get_one(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path)
    (folder / "model.onnx").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"never read")
    (folder / "model.safetensors").write_bytes(b"never read")
    assert is_encoder(folder)
    expected = r"only model\.safetensors, pytorch_model\.bin; expected model\.onnx or onnx/model"
    with pytest.raises(ConfigError, match=f"has no ONNX file, {expected}.*optimum-cli export"):
        read_encoder_folder(folder)


def test_without_tokenizer_json_the_message_says_how_to_get_it(tmp_path: Path) -> None:
    folder = write_encoder(tmp_path)
    (folder / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match=r"has no tokenizer\.json; expected tokenizer\.json next"):
        read_encoder_folder(folder)
    (folder / "vocab.txt").write_text("[PAD]")
    with pytest.raises(ConfigError, match=r"only vocab\.txt; .*AutoTokenizer\.from_pretrained"):
        read_encoder_folder(folder / "model.onnx")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", "{", "cannot be read as JSON"),
        ("config.json", "[]", "holds no JSON object"),
        ("tokenizer_config.json", "\udcff", "cannot be read as JSON"),
        ("modules.json", "{}", "holds no list of modules"),
        ("modules.json", "[1]", "holds no list of modules"),
        ("1_Pooling/config.json", '{"pooling_mode": "median"}', "asks for the pooling 'median'"),
    ],
)
def test_damaged_settings_are_named(name: str, content: str, message: str, tmp_path: Path) -> None:
    folder = write_encoder(tmp_path)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=message):
        read_encoder_folder(folder)


def test_a_module_that_is_not_applied_is_named_and_settings_stay_inside(tmp_path: Path) -> None:
    settings = sentence_transformers({"pooling_mode": "cls"}, "Dense", "Normalize")
    settings["modules.json"][1]["path"] = "../outside"
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "config.json").write_text('{"pooling_mode": "max"}')
    found = read_encoder_folder(write_encoder(tmp_path / "encoder", settings=settings))
    assert found.pooling == ("cls",)
    assert found.normalized
    assert found.notes == ("Dense in modules.json is applied only if it is part of the ONNX file",)


def test_other_folders_and_files_are_no_encoders(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("model.onnx")
    (tmp_path / "data").mkdir()
    assert not is_encoder(tmp_path)
    assert not is_encoder(tmp_path / "notes.txt")
    assert not is_encoder(tmp_path / "nowhere")
    (tmp_path / "data" / "some.onnx").write_bytes(b"")
    assert is_encoder(tmp_path / "data")
    assert is_encoder(tmp_path / "data" / "some.onnx")
