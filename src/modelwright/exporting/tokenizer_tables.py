"""``tokenizer.json``: tables of what the tokenizer in the graph does to each character.

Every code point passes through the graph's own operations. So the tables follow exactly the
Unicode version of the TensorFlow that wrote the graph.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from modelwright.core.files import sha256_file, write_json
from modelwright.models import graph_tokenizer
from modelwright.models.options import TextOptions
from modelwright.servable.tokenizer import (
    CLUSTER_FORMAT,
    FINAL_SIGMA,
    FORMAT,
    SIGMA,
    TOKENIZER,
    VOCABULARY,
)

_POINTS = np.concatenate([np.arange(0xD800), np.arange(0xE000, 0x110000)]).astype(np.int32)


def write_tokenizer_tables(folder: Path, options: TextOptions) -> None:
    """Writes the rules of a servable's tokenizer; the vocabulary must be there already."""
    record = {
        **tokenizer_rules(options),
        "vocabulary": VOCABULARY,
        "sha256": sha256_file(folder / VOCABULARY),
    }
    write_json(folder / TOKENIZER, record)


def tokenizer_rules(options: TextOptions) -> dict[str, Any]:
    """Returns the rules of a tokenizer, without its vocabulary."""
    return {
        "format": CLUSTER_FORMAT if options.tokens in graph_tokenizer.CLUSTER_START else FORMAT,
        "length": options.length,
        "keep": options.keep,
        "ngrams": options.ngrams,
        "padding": graph_tokenizer.RESERVED.index("<pad>"),
        "unknown": graph_tokenizer.RESERVED.index("<unk>"),
        "remove": [pattern for pattern, _ in graph_tokenizer.CLEAN],
        **_tables(options.tokens),
    }


def _tables(tokens: str) -> dict[str, Any]:
    """Returns the tables of one way to split texts, ``options.tokens``."""
    start = graph_tokenizer.CLUSTER_START.get(tokens)
    return {
        "characters": _characters(tokens if start is None else None),
        "final_sigma": _final_sigma(),
        **({} if start is None else {"clusters": _clusters(start)}),
    }


@lru_cache
def _characters(tokens: str | None) -> dict[str, Any]:
    """Returns what becomes of each character; None for texts that are not split yet."""
    kinds: dict[str, list[int]] = {"vanish": [], "space": [], "alone": []}
    become: dict[str, str] = {}
    letters = _letters()
    if tokens is None:
        results = graph_tokenizer.normalize(letters)
    else:
        options = TextOptions.model_validate({"tokens": tokens})
        results = graph_tokenizer.separate_tokens(letters, options)
    changed = tf.not_equal(results, letters)
    for point, result in zip(
        _POINTS[changed.numpy()].tolist(), tf.boolean_mask(results, changed).numpy(), strict=True
    ):
        text = result.decode()
        kind = {"": "vanish", " ": "space", f" {chr(point)} ": "alone"}.get(text)
        if kind:
            kinds[kind].append(point)
        else:
            become[str(point)] = text
    return {**{kind: _ranges(points) for kind, points in kinds.items()}, "become": become}


@lru_cache
def _final_sigma() -> dict[str, list[list[int]]]:
    """Returns the letters that make a sigma final, and the characters that do not count."""
    # An ignorable character makes a sigma final after a letter, but not by itself.
    after, alone = (
        tf.strings.regex_full_match(
            graph_tokenizer.normalize(tf.strings.join([before, _letters(), SIGMA])),
            rf"(?s).*{FINAL_SIGMA}\s*",
        ).numpy()
        for before in ("A", "")
    )
    return {
        "cased": _ranges(_POINTS[alone].tolist()),
        "ignorable": _ranges(_POINTS[after & ~alone].tolist()),
    }


@lru_cache
def _clusters(start: str) -> dict[str, list[list[int]]]:
    """Returns the code points that begin a token, and those that belong to the one before."""
    patterns = {"start": start, "mark": graph_tokenizer.MARK}
    return {
        name: _ranges(_POINTS[tf.strings.regex_full_match(_letters(), pattern).numpy()].tolist())
        for name, pattern in patterns.items()
    }


def _letters() -> Any:
    """Returns every code point as a text, a string tensor."""
    return tf.strings.unicode_encode(_POINTS[:, None], "UTF-8")


def _ranges(points: list[int]) -> list[list[int]]:
    """Returns the first and the last of each run of consecutive integers; ``points`` is sorted."""
    found: list[list[int]] = []
    for point in points:
        if found and point == found[-1][1] + 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return found
