"""A text whose segments can be taken out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from modelwright.core.errors import DataError
from modelwright.core.types import BoolArray, FloatArray
from modelwright.explaining.explained_model import ExplainedModel
from modelwright.explaining.method import TextSegment
from modelwright.explaining.text_segments import (
    Span,
    cut_text,
    fit_to_tokens,
    sentences,
    text_segments,
)
from modelwright.explaining.word_cutters import CHARACTERS, find_word_cutter
from modelwright.servable.tokenizer import PADDING, UNKNOWN, LocatedToken

MOST_CHARACTERS = 100_000
"""Longest text that is explained."""
_BATCH = 256


class TextRow:
    """A text, cut into segments.

    Where the model's token ids are known, a segment is taken out by giving every token that
    overlaps it the id of an unknown token. So nothing else in the text moves. Otherwise its
    characters are replaced by a space.
    """

    def __init__(self, model: ExplainedModel, text: str, words: str = "auto") -> None:
        """Cuts a text.

        Args:
            model: a model of texts.
            text: without lone surrogates.
            words: what cuts Chinese into words; see ``word_cutters``.

        Raises:
            DataError: the text is too long, or has nothing that the model reads.
        """
        if len(text) > MOST_CHARACTERS:
            raise DataError(
                f"the text has {len(text):,} characters, but at most {MOST_CHARACTERS:,} are"
                " explained; give the part that matters."
            )
        self.model, self.text = model, text
        self.engine = model.predictor.engine
        if model.network is not None:
            self.network = model.network
            """Of a run alone: what gradient methods read."""
        self.cutter, cut_words = find_word_cutter(words)
        spans = cut_text(text, cut_words)
        located = model.tokenizer.locate_words(text) if model.tokenizer else []
        self.tokens: list[LocatedToken] = model.tokenizer.locate(text) if model.tokenizer else []
        self.word_count = len(located)
        self.runs_on_ids = bool(self.tokens) and self._engine_takes_ids()
        if self.runs_on_ids:
            fitted = fit_to_tokens(spans, [(start, end) for _, start, end in located], text)
            spans = _seen(fitted, self.tokens)
        if not spans or (model.tokenizer and not self.tokens):
            raise DataError(
                "the text has no word or sign that the model reads, so there is nothing to"
                " explain; give a text with words."
            )
        self.segments: Sequence[TextSegment] = text_segments(spans, text)
        self.groups: Sequence[range] = sentences(spans, text)
        if self.runs_on_ids:
            self.ids: npt.NDArray[np.int32] = np.array([one.id for one in self.tokens], np.int32)
            self.first, self.last = _overlaps(spans, self.tokens)

    def answer(self, kept: BoolArray) -> FloatArray:
        """Returns the class probabilities float32 ``[n, classes]`` of ``n`` masked texts.

        Args:
            kept: bool ``[n, segments]``; False takes a segment out.
        """
        parts = [np.empty((0, len(self.model.labels)), np.float32)]
        for start in range(0, len(kept), _BATCH):
            batch = kept[start : start + _BATCH]
            if self.runs_on_ids:
                parts.append(self.engine.run(self.inputs(batch)))
            else:
                texts = [self._masked_text(row) for row in batch]
                parts.append(self.engine.probabilities(texts))
        return np.concatenate(parts)

    def hidden_tokens(self, kept: BoolArray) -> BoolArray:
        """Returns which tokens overlap a segment that is taken out, bool ``[n, tokens]``."""
        taken_out = np.zeros((len(kept), kept.shape[1] + 1), np.int32)
        np.cumsum(~kept, axis=1, out=taken_out[:, 1:])
        hidden: BoolArray = taken_out[:, self.last + 1] > taken_out[:, self.first]
        return hidden

    @property
    def places(self) -> npt.NDArray[np.int64]:
        """The segment of each token id that the network reads, int64 ``[length]``.

        It is -1 for padding. An n-gram over several segments counts for the first of them.
        """
        length = self.engine.row[0] if self.engine.takes_padded_rows else len(self.ids)
        found = np.full(length, -1, np.int64)
        found[: len(self.first)] = self.first
        return found

    def inputs(self, kept: BoolArray) -> npt.NDArray[np.int32]:
        """Returns token ids int32 ``[n, length]`` without some segments, as a network reads them.

        Args:
            kept: bool ``[n, segments]``; False takes a segment out.
        """
        ids = np.where(self.hidden_tokens(kept), np.int32(UNKNOWN), self.ids)
        if not self.engine.takes_padded_rows:
            return ids
        padded = np.full((len(ids), self.engine.row[0]), PADDING, np.int32)
        padded[:, : ids.shape[1]] = ids
        return padded

    def notes(self) -> list[str]:
        """Returns what a reader must know of how the text was cut and masked."""
        found = []
        if any(_is_han(one.text) for one in self.segments):
            advice = "; pip install rjieba cuts words" if self.cutter == CHARACTERS else ""
            found.append(f"Chinese is cut by {self.cutter}{advice}")
        if not self.runs_on_ids:
            found.append(
                "a segment is taken out by replacing its characters with a space, because the"
                " engine's token ids are not known"
            )
        elif (read := sum(" " not in one.token for one in self.tokens)) < self.word_count:
            start, end = self.segments[0].start, self.segments[-1].end
            found.append(
                f"the model reads {read:,} of the {self.word_count:,} tokens; segments are between"
                f" characters {start:,} and {end:,}"
            )
        return found

    def _engine_takes_ids(self) -> bool:
        """Returns whether the engine reads the ids that the tokenizer gives."""
        prepared = np.asarray(self.engine.prepare([self.text]))
        ids = [one.id for one in self.tokens]
        return (
            prepared.ndim == 2
            and prepared.dtype == np.int32
            and prepared.shape[1] >= len(ids)
            and prepared[0, : len(ids)].tolist() == ids
            and not prepared[0, len(ids) :].any()
        )

    def _masked_text(self, kept: BoolArray) -> str:
        parts, done = [], 0
        for segment, keep in zip(self.segments, kept, strict=True):
            if not keep:
                parts += [self.text[done : segment.start], " "]
                done = segment.end
        return "".join([*parts, self.text[done:]])


def _seen(spans: Sequence[Span], tokens: Sequence[LocatedToken]) -> list[Span]:
    """Returns the segments that overlap a token."""
    edges = sorted({(token.start, token.end) for token in tokens})
    seen, at, reach = [], 0, 0
    for start, end in spans:
        while at < len(edges) and edges[at][0] < end:
            reach = max(reach, edges[at][1])
            at += 1
        if reach > start:
            seen.append((start, end))
    return seen


def _overlaps(
    spans: Sequence[Span], tokens: Sequence[LocatedToken]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns the first and the last segment that each token overlaps, int64 ``[tokens]``."""
    starts = np.array([start for start, _ in spans])
    ends = np.array([end for _, end in spans])
    first = np.searchsorted(ends, [token.start for token in tokens], side="right")
    last = np.searchsorted(starts, [token.end for token in tokens], side="left") - 1
    return first.astype(np.int64), last.astype(np.int64)


def _is_han(text: str) -> bool:
    return any("\u3400" <= letter <= "\u9fff" for letter in text)
