"""The description of a model that a converted file carries for programs without its servable."""

from __future__ import annotations

import json
from pathlib import Path

from modelwright.core.packages import versions
from modelwright.servable.manifest import Manifest
from modelwright.servable.tokenizer import TOKENIZER

_TOKENIZER_KEYS = (
    "format",
    "length",
    "keep",
    "ngrams",
    "padding",
    "unknown",
    "vocabulary",
    "sha256",
)
_OUTPUT = "probabilities float32 [rows, classes], in the order of labels"


def describe_model(folder: Path, manifest: Manifest, *, any_length: bool) -> dict[str, str]:
    """Returns texts by key: what the model is, what its file reads and what it answers.

    Args:
        folder: the version's folder with its SavedModel.
        manifest: its manifest.
        any_length: whether the file takes token ids of any length.
    """
    description = {
        "name": manifest.name,
        "version": str(manifest.version),
        "created": manifest.created,
        "task": manifest.task,
        "labels": json.dumps(manifest.labels, ensure_ascii=False),
        "output": _OUTPUT,
        "modelwright": versions().get("modelwright", ""),
    }
    if manifest.shape:
        return {**description, **_image(manifest.shape)}
    rules = json.loads((folder / TOKENIZER).read_text("utf-8"))
    return {**description, **_text(rules, any_length=any_length)}


def _image(shape: tuple[int, ...]) -> dict[str, str]:
    height, width, channels = shape
    colors = {1: "gray", 3: "RGB"}.get(channels, f"{channels} channels")
    return {
        "input": f"pixels uint8 [rows, {height}, {width}, {channels}], {colors}, 0 to 255",
        "preprocessing": (
            f"decode to {colors}, drop the alpha channel, resize to height {height} and width"
            f" {width} with antialiased bilinear interpolation; no scaling of the values"
        ),
    }


def _text(rules: dict[str, object], *, any_length: bool) -> dict[str, str]:
    length, padding = rules["length"], rules["padding"]
    padded = (
        f"of any length up to {length}; padding at the end with {padding} changes no answer"
        if any_length
        else f"of exactly {length} ids, padded at the end with {padding}"
    )
    return {
        "input": f"ids int32 [rows, length], {padded}",
        "preprocessing": f"turn each text into token ids as {TOKENIZER} of the servable says",
        "tokenizer": json.dumps({key: rules[key] for key in _TOKENIZER_KEYS}),
    }
