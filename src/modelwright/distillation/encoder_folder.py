"""The folder of a sentence encoder: its files, and what they say about its use.

The layout is that of Hugging Face: an ONNX file, ``tokenizer.json``, and settings of transformers
and of sentence-transformers. PyTorch's files are never opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from modelwright.core.errors import ConfigError
from modelwright.distillation.token_pooling import POOLINGS

TOKENIZER = "tokenizer.json"
_NAMED = ("model.onnx", "onnx/model.onnx")
_CONFIG, _MODULES, _TOKENIZER_CONFIG = "config.json", "modules.json", "tokenizer_config.json"
_PROMPTS, _POOLING = "config_sentence_transformers.json", "1_Pooling/config.json"
_SENTENCE_CONFIG = "sentence_bert_config.json"
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "tf_model.h5", "flax_model.msgpack")
_VOCABULARIES = ("vocab.txt", "vocab.json", "*.model", "merges.txt")
_LENGTH = 512
_LONGEST = 100_000
_MODES = {f"pooling_mode_{kind}": kind for kind in POOLINGS} | {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_weightedmean_tokens": "weightedmean",
}
_KNOWN_MODULES = ("Transformer", "Pooling", "Normalize", "Dropout")
_SHOWN = 5


@dataclass(frozen=True)
class EncoderFolder:
    """A sentence encoder's files, and what they say.

    Attributes:
        folder: the folder with ``tokenizer.json``.
        model: the ONNX file.
        pooling: names in ``POOLINGS``; empty if the folder does not say.
        normalized: whether vectors get the length 1.
        pools_prefix: whether the tokens of the prefix are pooled too.
        lowercase: whether texts are put into lower case first.
        length: the largest number of tokens.
        pad: the token that fills short texts up.
        prefix: what the folder wants before each text; empty if nothing.
        prefix_note: where the prefix comes from, or which others there are.
        notes: which file was chosen, and what is not applied.
    """

    folder: Path
    model: Path
    pooling: tuple[str, ...]
    normalized: bool
    pools_prefix: bool
    lowercase: bool
    length: int
    pad: int | None
    prefix: str
    prefix_note: str
    notes: tuple[str, ...]


def is_encoder(path: Path) -> bool:
    """Returns whether a path has files of a sentence encoder, complete or not."""
    if path.is_file():
        return path.suffix == ".onnx"
    if any((path / name).is_file() for name in (TOKENIZER, _CONFIG, _MODULES)):
        return True
    return bool(_onnx_files(path)) or any(any(path.glob(name)) for name in _WEIGHTS)


def read_encoder_folder(path: Path) -> EncoderFolder:
    """Returns the files of an encoder and what they say.

    Args:
        path: the folder, or one ONNX file in it.

    Raises:
        ConfigError: a file is missing or cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    if path.is_file() and not (folder / TOKENIZER).is_file() and folder.name == "onnx":
        folder = folder.parent
    model, notes = (path, []) if path.is_file() else _choose_model(folder)
    if not (folder / TOKENIZER).is_file():
        found = _names(folder, _VOCABULARIES)
        raise ConfigError(
            f"the sentence encoder {folder} has no {TOKENIZER}{f', only {found}' if found else ''};"
            f" expected {TOKENIZER} next to the ONNX file's folder. If its page has none,"
            f" AutoTokenizer.from_pretrained({str(folder)!r}).save_pretrained({str(folder)!r}) of"
            " the package transformers writes it."
        )
    config, tokenizer = _read(folder, _CONFIG), _read(folder, _TOKENIZER_CONFIG)
    sentence = _read(folder, _SENTENCE_CONFIG)
    modules = _modules(folder)
    pooling = _read(folder, _pooling_file(folder, modules))
    kinds = [str(one["type"]).rpartition(".")[2] for one in modules]
    more = [kind for kind in kinds if kind not in _KNOWN_MODULES]
    if more:
        notes.append(
            f"{', '.join(more)} in {_MODULES} is applied only if it is part of the ONNX file"
        )
    prompts = _read(folder, _PROMPTS)
    named = {str(name): str(text) for name, text in _mapping(prompts.get("prompts")).items()}
    prefix, prefix_note = _prefix(folder, config, named, prompts.get("default_prompt_name"))
    pad = config.get("pad_token_id")
    return EncoderFolder(
        folder=folder,
        model=model,
        pooling=_pooling(pooling, folder),
        normalized="Normalize" in kinds,
        pools_prefix=pooling.get("include_prompt") is not False,
        lowercase=sentence.get("do_lower_case") is True,
        length=_length(config, tokenizer, sentence),
        pad=pad if isinstance(pad, int) else None,
        prefix=prefix,
        prefix_note=prefix_note,
        notes=tuple(notes),
    )


def _choose_model(folder: Path) -> tuple[Path, list[str]]:
    """Returns the ONNX file of a folder, and a note if there are others."""
    files = _onnx_files(folder)
    if not files:
        found = _names(folder, _WEIGHTS)
        raise ConfigError(
            f"the sentence encoder {folder} has no ONNX file{f', only {found}' if found else ''};"
            f" expected {' or '.join(_NAMED)}. Take the ONNX file from the encoder's page, or write"
            f" it with the package optimum-onnx: optimum-cli export onnx --task feature-extraction"
            f" --model {folder} {folder.name}-onnx. Other weights are not read."
        )
    names = [file.relative_to(folder).as_posix() for file in files]
    chosen = next((name for name in _NAMED if name in names), names[0])
    shown = ", ".join(names[:_SHOWN]) + (" ..." if len(names) > _SHOWN else "")
    if len(names) > 1 and chosen not in _NAMED:
        raise ConfigError(
            f"the sentence encoder {folder} has {len(names)} ONNX files and none is called"
            f" model.onnx: {shown}; expected one. Give the file itself as the teacher, such as"
            f" {folder / chosen}."
        )
    others = [name for name in names if name != chosen]
    if not others:
        return folder / chosen, []
    return folder / chosen, [
        f"{chosen} was taken of the {len(names)} ONNX files of the encoder; to take another, give"
        f" the file as the teacher, such as {folder / others[0]}"
    ]


def _onnx_files(folder: Path) -> list[Path]:
    found = [*sorted(folder.glob("*.onnx")), *sorted((folder / "onnx").glob("*.onnx"))]
    return [file for file in found if file.is_file()]


def _names(folder: Path, patterns: Sequence[str]) -> str:
    found = sorted({file.name for pattern in patterns for file in folder.glob(pattern)})
    return ", ".join(found[:_SHOWN])


def _read(folder: Path, name: str) -> dict[str, Any]:
    """Returns the object in a JSON file; empty if there is none."""
    found = _json(folder, name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ConfigError(f"{folder / name} holds no JSON object; expected settings by name.")
    return found


def _json(folder: Path, name: str) -> Any:
    if not (folder / name).is_file():
        return None
    try:
        return json.loads((folder / name).read_text("utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{folder / name} cannot be read as JSON: {error}. Get it again from where the encoder"
            " came from, or delete it."
        ) from None


def _modules(folder: Path) -> list[dict[str, Any]]:
    found = _json(folder, _MODULES)
    if found is None:
        return []
    right = isinstance(found, list) and all(
        isinstance(one, dict) and "type" in one for one in found
    )
    if not right:
        raise ConfigError(
            f"{folder / _MODULES} holds no list of modules; expected objects with 'type' and"
            " 'path'. Get it again from where the encoder came from, or delete it."
        )
    return list(found)


def _pooling_file(folder: Path, modules: Sequence[Mapping[str, Any]]) -> str:
    """Returns the file with the pooling, relative to the folder and inside it."""
    for module in modules:
        if str(module["type"]).endswith("Pooling") and module.get("path"):
            name = PurePosixPath(str(module["path"]), "config.json")
            if not name.is_absolute() and ".." not in name.parts:
                return str(name)
    return _POOLING


def _pooling(config: Mapping[str, Any], folder: Path) -> tuple[str, ...]:
    """Returns the poolings that a config names, in its older or its newer form."""
    chosen = [kind for key, kind in _MODES.items() if config.get(key) is True]
    named = config.get("pooling_mode")
    chosen += [str(one) for one in (named if isinstance(named, list) else [named] if named else [])]
    unknown = [kind for kind in chosen if kind not in POOLINGS]
    if unknown:
        raise ConfigError(
            f"the sentence encoder {folder} asks for the pooling '{unknown[0]}'; expected one of"
            f" {', '.join(POOLINGS)}. Choose one with --pooling."
        )
    return tuple(kind for kind in POOLINGS if kind in chosen)


def _length(*configs: Mapping[str, Any]) -> int:
    """Returns the smallest length that the configs name."""
    config = configs[0]
    positions = config.get("max_position_embeddings")
    if isinstance(positions, int) and "roberta" in str(config.get("model_type")):
        pad = config.get("pad_token_id")
        positions -= (pad if isinstance(pad, int) else 1) + 1  # its positions begin behind the pad
    found = [positions, *(one.get("max_seq_length") for one in configs)]
    found += [one.get("model_max_length") for one in configs]
    right = [int(one) for one in found if isinstance(one, int) and 1 < one <= _LONGEST]
    return min(right, default=_LENGTH)


def _prefix(
    folder: Path, config: Mapping[str, Any], prompts: Mapping[str, str], default: object
) -> tuple[str, str]:
    """Returns what to put before each text, and a note about it."""
    if isinstance(default, str) and default in prompts:
        text = prompts[default]
        return text, f"each text got the encoder's default prefix {text!r}; --prefix '' adds none"
    place = folder.resolve()
    names = [place.name, str(config.get("_name_or_path", ""))]
    if place.parent.name == "snapshots":  # the cache of Hugging Face
        names.append(place.parent.parent.name)
    if any(re.search(r"(^|[-_/])e5([-_]|$)", name) and "instruct" not in name for name in names):
        return "query: ", (
            "each text got the prefix 'query: ', because encoders called e5 are trained with one;"
            " --prefix gives another, --prefix '' none"
        )
    used = [f"{name} {text[:60]!r}" for name, text in prompts.items() if text]
    if not used:
        return "", ""
    return "", (
        f"no prefix was added, but the encoder names some: {', '.join(used[:_SHOWN])}; --prefix"
        " adds one"
    )


def _mapping(value: object) -> Mapping[Any, Any]:
    return value if isinstance(value, dict) else {}
