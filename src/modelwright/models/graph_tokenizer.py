"""Text to token ids inside a TensorFlow graph: one tokenizer for training and for the servable.

In this order: HTML tags and entities become spaces; full-width characters become half-width;
letters become lower case; apostrophes are removed and other punctuation becomes spaces; emoji, and
depending on ``tokens`` the characters of some scripts, become separate tokens. Then the text is
split at spaces, runs of tokens are added if ``ngrams`` asks for them, and each token becomes its
line number in the vocabulary. Id 0 is padding and 1 is any unknown token. A text without tokens
becomes one unknown token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from modelwright.core.errors import RunError
from modelwright.core.files import sha256_file, write_text
from modelwright.core.types import BoolArray, Progress
from modelwright.models.options import TextOptions
from modelwright.models.spaceless_scripts import ATTACHED, characters, is_character

RESERVED = ("<pad>", "<unk>")
_BATCH = 512

# RE2 patterns with their replacements, applied in order.
CLEAN = (
    (r"<[A-Za-z/!][^<>]*>", " "),
    (r"&#?[0-9A-Za-z]{1,10};", " "),
)
_STRIP = (
    (r"['’`´\x{FE0E}\x{FE0F}\x{200D}]", ""),
    (r"[\p{P}\p{Sm}\p{Sc}\p{Sk}\p{Z}\p{C}]+", " "),
)
_ALONE = {
    "word": r"(\p{So})",
    "auto": r"([\p{So}\p{Han}\p{Hiragana}\p{Katakana}])",
    "char": r"(\S)",
}
MARK = rf"[\p{{M}}{ATTACHED}]"
"""A character that belongs to the one before it, as a pattern."""
CLUSTER_START: Mapping[str, str] = {
    "auto-clusters": r"[\p{So}\p{Han}\p{Hiragana}\p{Katakana}〆ーｰ" + characters() + "]",
    "char-clusters": r"[^ ]",
}
"""The characters that begin a token, with the marks after them, as a pattern for each kind."""


class _Vocabulary(tf.lookup.TextFileInitializer):
    """A vocabulary file whose table is shared by content.

    TensorFlow shares tables of the same path within a process, even after the file has changed.
    """

    @property
    def _shared_name(self) -> str:
        return f"vocabulary_{sha256_file(Path(self._filename_arg))}"


class GraphTokenizer(tf.Module):
    """Maps texts to token ids. Its vocabulary becomes an asset of a SavedModel that contains it."""

    def __init__(self, options: TextOptions, vocabulary: Path) -> None:
        """Reads a vocabulary: one token in each line, whose id is the line number.

        Raises:
            RunError: The file cannot be read, or is not a vocabulary.
        """
        super().__init__(name="tokenizer")
        try:
            lines = vocabulary.read_text("utf-8").split("\n")[:-1]
        except OSError as error:
            raise RunError(f"the vocabulary {vocabulary} cannot be read: {error}.") from None
        if tuple(lines[:2]) != RESERVED or len(set(lines)) != len(lines):
            raise RunError(
                f"{vocabulary} is not a vocabulary: expected {' and '.join(RESERVED)} first,"
                " then one token a line, each once."
            )
        self.options = options
        self._lines = lines
        self._table = tf.lookup.StaticHashTable(
            _Vocabulary(
                str(vocabulary),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            default_value=RESERVED.index("<unk>"),
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def __call__(self, texts: Any) -> Any:
        """Returns ids int32 ``[n, length]`` of a string tensor ``[n]``. Padding is 0."""
        length = self.options.length
        tokens = split_tokens(texts, self.options)
        tokens = tokens[:, :length] if self.options.keep == "start" else tokens[:, -length:]
        ids = tf.ragged.map_flat_values(self._table.lookup, tokens)
        empty = tf.equal(ids.row_lengths(), 0)[:, None]
        dense = ids.to_tensor(shape=[None, length])
        first = tf.one_hot(tf.zeros_like(ids.row_lengths()), length, dtype=dense.dtype)
        return tf.cast(tf.where(empty, first, dense), tf.int32)

    def encode(
        self, texts: Sequence[str], progress: Progress | None = None
    ) -> npt.NDArray[np.int32]:
        """Returns ids int32 ``[n, length]`` of any number of texts."""
        ids = np.zeros((len(texts), self.options.length), np.int32)
        for start in range(0, len(texts), _BATCH):
            part = texts[start : start + _BATCH]
            ids[start : start + _BATCH] = self(tf.constant(part, tf.string)).numpy()
            if progress:
                progress("encoding", start + len(part), len(texts))
        return ids

    @property
    def lines(self) -> tuple[str, ...]:
        """The tokens by id, the reserved ones first."""
        return tuple(self._lines)

    @property
    def identity(self) -> str:
        """Everything that the ids of a text depend on, as a text."""
        lines = sha256("\n".join(self._lines).encode()).hexdigest()
        return f"{settings_of(self.options)} {self.options.length} {self.options.keep} {lines}"

    def characters(self) -> BoolArray:
        """Returns whether each token id is a character, not a word, ``[vocabulary]``.

        Where texts are split at spaces, that is a character of a script without spaces.
        """
        every = self.options.tokens.startswith("char")
        return np.array([every or is_character(token) for token in self._lines])

    def known_share(self, texts: Sequence[str]) -> float:
        """Returns the share of single tokens in texts that are in the vocabulary."""
        single = self.options.model_copy(update={"ngrams": 1})
        ids = self._table.lookup(split_tokens(tf.constant(texts, tf.string), single).values).numpy()
        return float((ids != RESERVED.index("<unk>")).mean()) if len(ids) else 0.0


def settings_of(options: TextOptions) -> str:
    """Returns the options that decide into which tokens a text is split, as a text."""
    return f"{options.tokens} {options.ngrams}"


def split_tokens(texts: Any, options: TextOptions) -> Any:
    """Returns the tokens of a string tensor ``[n]``, a ragged tensor ``[n, None]``."""
    tokens = tf.strings.split(separate_tokens(texts, options))
    if options.ngrams > 1:
        runs = [
            tf.strings.ngrams(tokens, width, separator=" ")
            for width in range(2, options.ngrams + 1)
        ]
        tokens = tf.concat([tokens, *runs], axis=1)
    return tokens


def separate_tokens(texts: Any, options: TextOptions) -> Any:
    """Returns normalized texts, a string tensor ``[n]``, with spaces between the tokens.

    There may also be spaces at both ends. A mark without a character before it is removed where
    tokens are clusters.
    """
    texts = normalize(texts)
    start = CLUSTER_START.get(options.tokens)
    if start is None:
        return tf.strings.regex_replace(texts, _ALONE[options.tokens], r" \1 ")
    texts = tf.strings.regex_replace(texts, f"(^| ){MARK}+", r"\1")
    return tf.strings.regex_replace(texts, f"({start}{MARK}*)", r" \1 ")


def normalize(texts: Any) -> Any:
    """Returns texts in lower case without markup and punctuation, a string tensor ``[n]``.

    Apart from ``CLEAN`` and the final sigma of a word in capitals, the replacement of a character
    does not depend on its neighbors. The file ``tokenizer.json`` of a servable relies on that.
    """
    # Invalid UTF-8 and control characters become spaces; lower() would stop at a NUL.
    texts = tf.strings.unicode_transcode(
        texts, "UTF-8", "UTF-8", replacement_char=0x20, replace_control_characters=True
    )
    for pattern, replacement in CLEAN:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    texts = tf.strings.lower(_fold(texts), encoding="utf-8")
    for pattern, replacement in _STRIP:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return texts


def learn_vocabulary(
    texts: Iterable[Sequence[str]],
    options: TextOptions,
    path: Path,
    progress: Progress | None = None,
) -> int:
    """Writes the vocabulary of training texts and returns its number of lines.

    It has the most frequent tokens. Ties are in the order of their code points, so the same texts
    in any order give the same file.

    Args:
        texts: Batches of texts.
        options: The tokenizer's options; ``vocabulary`` is the largest number of lines.
        path: File to write.
        progress: Called after each batch.
    """
    tokenize = tf.function(
        lambda batch: split_tokens(batch, options).values,
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )
    counts: Counter[bytes] = Counter()
    done = 0
    for batch in texts:
        counts.update(tokenize(tf.constant(batch, tf.string)).numpy().tolist())
        done += len(batch)
        if progress:
            progress("learning the vocabulary", done, 0)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    tokens = [token.decode() for token, _ in ranked[: options.vocabulary - len(RESERVED)]]
    write_text(path, "\n".join([*RESERVED, *tokens]) + "\n")
    return len(tokens) + len(RESERVED)


def _fold(texts: Any) -> Any:
    """Returns texts with half-width characters, and with some letters in lower case.

    These are the letters for which TensorFlow's ``lower`` depends on the language of the process:
    in Turkish, Azeri and Lithuanian, I, J and similar letters have other lower-case forms, and a
    model would not recognize its words.
    """
    texts = tf.strings.regex_replace(texts, "İ", "i\u0307")
    points = tf.strings.unicode_decode(texts, "UTF-8")
    values = points.values
    wide = tf.logical_and(values >= 0xFF01, values <= 0xFF5E)
    values = tf.where(wide, values - 0xFEE0, values)
    values = tf.where(tf.equal(values, 0x3000), 0x20, values)
    latin = tf.logical_and(values >= ord("A"), values <= ord("Z"))
    accented = tf.logical_or(tf.equal(values, ord("Ì")), tf.equal(values, ord("Í")))
    values = tf.where(tf.logical_or(latin, accented), values + 32, values)
    extended = tf.logical_or(tf.equal(values, ord("Ĩ")), tf.equal(values, ord("Į")))
    values = tf.where(extended, values + 1, values)
    return tf.strings.unicode_encode(points.with_values(values), "UTF-8")
