"""The ONNX file of a sentence encoder: its inputs, its output, and running it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ConfigError, brief
from modelwright.core.types import FloatArray, IntArray

_IDS, _MASK = "input_ids", "attention_mask"
_INPUTS = (_IDS, _MASK, "token_type_ids", "position_ids")
_INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")
_PREFERRED = ("sentence_embedding", "last_hidden_state", "token_embeddings")
_POOLER = "pooler_output"  # of BERT's training; sentence encoders are not trained on it
_TOKENS, _SENTENCE = 3, 2


class EncoderSession:
    """A loaded ONNX file.

    Attributes:
        output: the name of the output that is read.
        of_tokens: whether it has a vector for each token; None if the file does not say.
        rows: the number of texts that it takes at once; 0 for any.
        length: the number of tokens that it takes; 0 for any.
        masked: whether it can be told which tokens are padding.
    """

    def __init__(self, path: Path) -> None:
        """Loads the file.

        Raises:
            ConfigError: it is damaged, or has inputs or outputs that are not an encoder's.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # an error is raised, which says it
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001 - its exceptions have no other common base
            raise unreadable(path, brief(error)) from None
        self.path = path
        self._kinds, shape = _check_inputs(self._session.get_inputs(), path)
        self.rows, self.length = (size if isinstance(size, int) else 0 for size in shape)
        self.masked = _MASK in self._kinds
        self.output, self.of_tokens = _choose_output(self._session.get_outputs(), path)

    def run(self, ids: IntArray, mask: IntArray) -> FloatArray:
        """Returns vectors, ``[n, tokens, d]`` or ``[n, d]``.

        Args:
            ids: the tokens of texts, ``[n, tokens]``.
            mask: 1 for a token and 0 for padding, ``[n, tokens]``.

        Raises:
            ConfigError: the file cannot run them, or gives something else than vectors.
        """
        count, width = ids.shape
        if self.rows:
            filled = np.minimum(np.arange(self.rows), count - 1)
            ids, mask = ids[filled], mask[filled]
        positions = np.broadcast_to(np.arange(width), ids.shape)
        values = dict(zip(_INPUTS, (ids, mask, np.zeros_like(ids), positions), strict=True))
        feed = {name: values[name].astype(kind) for name, kind in self._kinds.items()}
        try:
            (found,) = self._session.run([self.output], feed)
        except Exception as error:  # noqa: BLE001 - its exceptions have no other common base
            raise ConfigError(
                f"{self.path} failed on {count} texts: {brief(error)}. Do this file and the"
                " encoder's tokenizer.json belong together?"
            ) from None
        vectors = np.asarray(found, np.float32)
        if vectors.shape[:-1] not in (ids.shape, ids.shape[:1]):
            raise ConfigError(
                f"{self.path} gave '{self.output}' with the shape {vectors.shape} for {len(ids)}"
                f" texts of {width} tokens; expected ({len(ids)}, {width}, d), a vector for each"
                f" token, or ({len(ids)}, d), one for each text."
            )
        return vectors[:count]


def unreadable(path: Path, reason: str) -> ConfigError:
    """Returns the error for an ONNX file that cannot be loaded."""
    return ConfigError(
        f"{path} cannot be loaded as ONNX: {reason.rstrip('.')}. Get it again from where the"
        " encoder came from, with the files next to it that hold its weights."
    )


def _check_inputs(inputs: Sequence[Any], path: Path) -> tuple[dict[str, Any], Sequence[Any]]:
    """Returns the type of each input by name, and the shape of the tokens."""
    shown = ", ".join(f"{one.name} {one.type}{one.shape}" for one in inputs)
    unknown = [one.name for one in inputs if one.name not in _INPUTS or one.type not in _INTEGERS]
    tokens = next((one for one in inputs if one.name == _IDS), None)
    if unknown or tokens is None or len(tokens.shape or ()) != _SENTENCE:
        raise ConfigError(
            f"{path} has the inputs {shown}; expected {_IDS} as (texts, tokens) and, if at all,"
            f" {', '.join(_INPUTS[1:])}, all of them int64 or int32. That is how encoders of texts"
            " are exported for the task feature-extraction."
        )
    return {one.name: _INTEGERS[one.type] for one in inputs}, tokens.shape


def _choose_output(outputs: Sequence[Any], path: Path) -> tuple[str, bool | None]:
    """Returns the output to read, and whether it has vectors of tokens."""
    ranks = {
        one.name: len(one.shape or ())
        for one in outputs
        if one.type in _FLOATS and len(one.shape or ()) in (0, _SENTENCE, _TOKENS)
    }
    if not ranks:
        shown = ", ".join(f"{one.name} {one.type}{one.shape}" for one in outputs)
        raise ConfigError(
            f"{path} has the outputs {shown}; expected vectors of tokens, (texts, tokens, d), or of"
            " texts, (texts, d), as floating point numbers."
        )
    order = sorted(ranks, key=lambda name: (name == _POOLER, -ranks[name]))
    name = next((one for one in _PREFERRED if one in ranks), order[0])
    return name, ranks[name] == _TOKENS if ranks[name] else None
