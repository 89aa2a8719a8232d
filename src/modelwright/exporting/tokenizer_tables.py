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
from modelwright.servable.tokenizer import FINAL_SIGMA, FORMAT, SIGMA, TOKENIZER, VOCABULARY

_POINTS = np.concatenate([np.arange(0xD800), np.arange(0xE000, 0x110000)]).astype(np.int32)


def write_tokenizer_tables(folder: Path, options: TextOptions) -> None:
    """Writes the rules of a servable's tokenizer; the vocabulary must be there already."""
    record = {
        "format": FORMAT,
        "length": options.length,
        "keep": options.keep,
        "ngrams": options.ngrams,
        "padding": graph_tokenizer.RESERVED.index("<pad>"),
        "unknown": graph_tokenizer.RESERVED.index("<unk>"),
        "vocabulary": VOCABULARY,
        "sha256": sha256_file(folder / VOCABULARY),
        "remove": [pattern for pattern, _ in graph_tokenizer.CLEAN],
        **_tables(options.tokens),
    }
    write_json(folder / TOKENIZER, record)


@lru_cache
def _tables(tokens: str) -> dict[str, Any]:
    """Returns the tables of one way to split texts, ``options.tokens``."""
    options = TextOptions.model_validate({"tokens": tokens})
    kinds: dict[str, list[int]] = {"vanish": [], "space": [], "alone": []}
    become: dict[str, str] = {}
    letters = tf.strings.unicode_encode(_POINTS[:, None], "UTF-8")
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
    # An ignorable character makes a sigma final after a letter, but not by itself.
    after, alone = (
        tf.strings.regex_full_match(
            graph_tokenizer.separate_tokens(tf.strings.join([before, letters, SIGMA]), options),
            rf"(?s).*{FINAL_SIGMA}\s*",
        ).numpy()
        for before in ("A", "")
    )
    return {
        "characters": {
            **{kind: _ranges(points) for kind, points in kinds.items()},
            "become": become,
        },
        "final_sigma": {
            "cased": _ranges(_POINTS[alone].tolist()),
            "ignorable": _ranges(_POINTS[after & ~alone].tolist()),
        },
    }


def _ranges(points: list[int]) -> list[list[int]]:
    """Returns the first and the last of each run of consecutive integers; ``points`` is sorted."""
    found: list[list[int]] = []
    for point in points:
        if found and point == found[-1][1] + 1:
            found[-1][1] = point
        else:
            found.append([point, point])
    return found
