"""Text to ids inside a TensorFlow graph: the one tokeniser of training and of the servable.

In this order: tags and entities of HTML become spaces, full-width forms their plain ones,
letters lower case; apostrophes vanish and other punctuation becomes spaces; emoji, and Han and
Kana characters where ``tokens`` says so, stand alone; then the text is split at spaces, runs of
tokens are joined where ``ngrams`` asks for it, and each token becomes its line number in the
vocabulary. Id 0 is padding, 1 any unknown token. A text without a token is one unknown token.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from modelwright.core.errors import RunError
from modelwright.core.files import sha256_file, write_text
from modelwright.core.types import Progress
from modelwright.models.options import TextOptions

RESERVED = ("<pad>", "<unk>")
_BATCH = 512

# RE2 patterns, each with its replacement, applied in order.
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


class _Vocabulary(tf.lookup.TextFileInitializer):  # type: ignore[misc]
    """TensorFlow shares tables of one path within a process, even where the file was changed."""

    @property
    def _shared_name(self) -> str:
        return f"vocabulary_{sha256_file(Path(self._filename_arg))}"


class Tokenizer(tf.Module):  # type: ignore[misc]
    """Ids of texts. Holds its vocabulary as an asset of any SavedModel it becomes part of."""

    def __init__(self, options: TextOptions, vocabulary: Path) -> None:
        """Read a vocabulary that ``learn`` wrote: one token a line, its id the line's number."""
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

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)  # type: ignore[untyped-decorator]
    def __call__(self, texts: Any) -> Any:
        """Ids int32 ``[n, length]`` of string tensor ``[n]``, padded at the end with 0."""
        length = self.options.length
        tokens = split(texts, self.options)
        tokens = tokens[:, :length] if self.options.keep == "start" else tokens[:, -length:]
        ids = tf.ragged.map_flat_values(self._table.lookup, tokens)
        empty = tf.equal(ids.row_lengths(), 0)[:, None]
        dense = ids.to_tensor(shape=[None, length])
        first = tf.one_hot(tf.zeros_like(ids.row_lengths()), length, dtype=dense.dtype)
        return tf.cast(tf.where(empty, first, dense), tf.int32)

    def encode(
        self, texts: Sequence[str], progress: Progress | None = None
    ) -> npt.NDArray[np.int32]:
        """Ids int32 ``[n, length]`` of any number of texts."""
        ids = np.zeros((len(texts), self.options.length), np.int32)
        for start in range(0, len(texts), _BATCH):
            part = texts[start : start + _BATCH]
            ids[start : start + _BATCH] = self(tf.constant(part, tf.string)).numpy()
            if progress:
                progress("encoding", start + len(part), len(texts))
        return ids

    def known(self, texts: Sequence[str]) -> float:
        """Share of the tokens of texts that the vocabulary has, runs of tokens left aside."""
        single = self.options.model_copy(update={"ngrams": 1})
        ids = self._table.lookup(split(tf.constant(texts, tf.string), single).values).numpy()
        return float((ids != RESERVED.index("<unk>")).mean()) if len(ids) else 0.0


def split(texts: Any, options: TextOptions) -> Any:
    """The tokens of string tensor ``[n]``, a ragged tensor ``[n, None]``."""
    tokens = tf.strings.split(spaced(texts, options))
    if options.ngrams > 1:
        runs = [
            tf.strings.ngrams(tokens, width, separator=" ")
            for width in range(2, options.ngrams + 1)
        ]
        tokens = tf.concat([tokens, *runs], axis=1)
    return tokens


def spaced(texts: Any, options: TextOptions) -> Any:
    """String tensor ``[n]`` with spaces between the tokens, and perhaps around them.

    But for ``CLEAN`` and the final sigma of a word in capitals, each character becomes what it
    becomes whatever stands beside it: ``tokenizer.json`` of a servable rests on that.
    """
    # Broken UTF-8 and control characters become spaces; lower() would stop at a NUL.
    texts = tf.strings.unicode_transcode(
        texts, "UTF-8", "UTF-8", replacement_char=0x20, replace_control_characters=True
    )
    for pattern, replacement in CLEAN:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    texts = tf.strings.lower(_plain(texts), encoding="utf-8")
    for pattern, replacement in _STRIP:
        texts = tf.strings.regex_replace(texts, pattern, replacement)
    return tf.strings.regex_replace(texts, _ALONE[options.tokens], r" \1 ")


def learn(
    texts: Iterable[Sequence[str]],
    options: TextOptions,
    path: Path,
    progress: Progress | None = None,
) -> int:
    """Write the vocabulary of batches of training texts to ``path``.

    The most frequent tokens, ties in the order of their code points, so that the same texts
    give the same file in whatever order they come.

    Returns:
        The number of lines, at most ``options.vocabulary``.
    """
    cut = tf.function(
        lambda batch: split(batch, options).values,
        input_signature=[tf.TensorSpec([None], tf.string)],
        autograph=False,
    )
    counts: Counter[bytes] = Counter()
    done = 0
    for batch in texts:
        counts.update(cut(tf.constant(batch, tf.string)).numpy().tolist())
        done += len(batch)
        if progress:
            progress("learning the vocabulary", done, 0)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kept = [token.decode() for token, _ in ranked[: options.vocabulary - len(RESERVED)]]
    write_text(path, "\n".join([*RESERVED, *kept]) + "\n")
    return len(kept) + len(RESERVED)


def _plain(texts: Any) -> Any:
    """Full-width forms as plain ones, and letters lower case that ``lower`` may not be asked for.

    It goes by the language of the process: in Turkish, Azeri and Lithuanian, I, J and their like
    have other small letters, and a model would not know its words again.
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
