"""A sentence encoder as a teacher: an ONNX file and ``tokenizer.json`` in a local folder.

ONNX Runtime and the package ``tokenizers`` run it. Nothing is downloaded, and nothing is unpickled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import util
from pathlib import Path
from typing import Any

import numpy as np

from modelwright.core.errors import ConfigError, MissingDependencyError, brief
from modelwright.core.files import sha256_file
from modelwright.core.types import FloatArray, IntArray
from modelwright.distillation.encoder_folder import TOKENIZER, EncoderFolder, read_encoder_folder
from modelwright.distillation.encoder_session import EncoderSession, unreadable
from modelwright.distillation.onnx_file import OnnxFile, read_onnx
from modelwright.distillation.token_pooling import POOLINGS, normalize, pool_tokens

_ROWS = 16
_LFS = b"version https://git-lfs"


@dataclass(frozen=True)
class EncoderOptions:
    """How a sentence encoder is used. None stands for what its folder says."""

    prefix: str | None = None
    """Text that is put before each text."""
    pooling: str | None = None
    """How the vectors of the tokens become one: a name in ``POOLINGS``."""


class Encoder:
    """A sentence encoder.

    Attributes:
        identity: what its vectors depend on, as texts.
        facts: what was taken, by name.
        notes: what was chosen, and how to choose otherwise.
    """

    def __init__(self, files: EncoderFolder, options: EncoderOptions, described: OnnxFile) -> None:
        """Loads the files.

        Raises:
            ConfigError: a file is damaged, or has inputs or outputs that are not an encoder's.
        """
        self._files = files
        self._session = session = EncoderSession(files.model)
        # One scale stands for all activations of a batch, so its other texts change a vector.
        alone = any(name.startswith("DynamicQuantize") for name in described.operators)
        self._rows = session.rows or (1 if alone else _ROWS)
        self._length = min(files.length, session.length or files.length)
        self._tokenizer, pad = _open_tokenizer(files.folder / TOKENIZER, self._length)
        self._pad = pad if files.pad is None else files.pad
        self._prefix = files.prefix if options.prefix is None else options.prefix
        self._left_out = 0 if files.pools_prefix else self._count_tokens(self._prefix)
        self._pooling = (options.pooling,) if options.pooling else files.pooling or ("mean",)
        self.facts: Mapping[str, Any] = {
            "file": files.model.relative_to(files.folder).as_posix(),
            "output": session.output,
            "pooling": None if session.of_tokens is False else ", ".join(self._pooling),
            "normalized": files.normalized,
            "length": self._length,
            "prefix": self._prefix,
        }
        self.notes = tuple(self._notes(options, alone))
        settings = (files.lowercase, self._left_out, self._pad, *self.facts.values())
        self.identity = (*_hashes(files, described), repr(settings))

    def score(self, texts: list[str]) -> FloatArray:
        """Returns the vectors of texts, ``[n, d]``.

        Raises:
            ConfigError: the ONNX file cannot run, or gives something else than vectors.
        """
        given = [self._prefix + text for text in texts]
        if self._files.lowercase:
            given = [text.lower() for text in given]
        rows = self._tokens(given)
        order = sorted(range(len(rows)), key=lambda at: len(rows[at]))
        parts = [self._run([rows[at] for at in batch]) for batch in self._batches(order, rows)]
        vectors = np.concatenate(parts)
        found = np.empty_like(vectors)
        found[order] = vectors
        return found

    def _tokens(self, texts: list[str]) -> list[list[int]]:
        try:
            encoded = self._tokenizer.encode_batch(texts)
        except Exception as error:  # noqa: BLE001 - its exceptions have no other common base
            raise ConfigError(
                f"{self._files.folder / TOKENIZER} failed on {len(texts)} texts: {brief(error)}."
                " Get it again from where the encoder came from."
            ) from None
        most = self._session.length or None
        return [row.ids[:most] or [self._pad] for row in encoded]

    def _batches(self, order: list[int], rows: Sequence[list[int]]) -> Iterator[list[int]]:
        """Yields positions of rows of about one length, or of exactly one if none is masked."""
        batch: list[int] = []
        for at in order:
            other = batch and len(rows[at]) != len(rows[batch[0]]) and not self._session.masked
            if len(batch) == self._rows or other:
                yield batch
                batch = []
            batch.append(at)
        yield batch

    def _run(self, rows: list[list[int]]) -> FloatArray:
        width = self._session.length or max(map(len, rows))
        ids = np.full((len(rows), width), self._pad, np.int64)
        mask: IntArray = np.zeros_like(ids)
        for at, row in enumerate(rows):
            ids[at, : len(row)], mask[at, : len(row)] = row, 1
        vectors = self._session.run(ids, mask)
        if vectors.ndim == 3:
            mask[:, : self._left_out] = 0
            vectors = pool_tokens(vectors, mask.astype(np.float32), self._pooling)
        return normalize(vectors) if self._files.normalized else vectors

    def _count_tokens(self, prefix: str) -> int:
        """Returns how many tokens a prefix takes, with those that begin every text."""
        if not prefix:
            return 0
        encoded = self._tokenizer.encode(prefix)
        return len(encoded.ids) - int(encoded.special_tokens_mask[-1])

    def _notes(self, options: EncoderOptions, alone: bool) -> Iterator[str]:
        yield from self._files.notes
        if options.prefix is None and self._files.prefix_note:
            yield self._files.prefix_note
        if self._session.of_tokens is False:
            if options.pooling:
                yield (
                    f"--pooling {options.pooling} has no effect: the ONNX file gives one vector"
                    " for each text"
                )
        elif not options.pooling and not self._files.pooling:
            yield (
                "the encoder does not say how the vectors of its tokens become one, so their mean"
                " was taken; --pooling chooses another, such as cls for encoders called bge"
            )
        if alone:
            yield (
                "texts are scored one by one, because the ONNX file quantizes a batch as a whole"
            )
        if self._session.length and not self._session.masked:
            yield (
                f"the ONNX file takes exactly {self._session.length} tokens and has no"
                " attention_mask, so padding counts as text"
            )


def open_encoder(path: Path, options: EncoderOptions) -> Encoder:
    """Opens a sentence encoder.

    Args:
        path: its folder, or one ONNX file in it.
        options: how it is used.

    Raises:
        ConfigError: a file is missing or cannot be used, or ``options.pooling`` is unknown.
        MissingDependencyError: tokenizers or ONNX Runtime is not installed.
    """
    if options.pooling is not None and options.pooling not in POOLINGS:
        raise ConfigError(
            f"--pooling was given '{options.pooling}'; expected one of {', '.join(POOLINGS)}."
        )
    files = read_encoder_folder(path)
    for package in ("onnxruntime", "tokenizers"):
        if not _available(package):
            raise MissingDependencyError(
                f"a sentence encoder as the teacher needs {package}, which is not installed;"
                " install with: pip install 'modelwright[encoder]'."
            )
    for file in (files.model, files.folder / TOKENIZER):
        _refuse_pointer(file)
    try:
        described = read_onnx(files.model)
    except (OSError, ValueError) as error:
        raise unreadable(files.model, brief(error)) from None
    for name in sorted(described.external):
        _check_inside(files, name)
    return Encoder(files, options, described)


def _available(package: str) -> bool:
    try:
        return util.find_spec(package) is not None
    except ValueError:
        return False


def _refuse_pointer(file: Path) -> None:
    with file.open("rb") as content:
        if content.read(len(_LFS)) == _LFS:
            raise ConfigError(
                f"{file} is a pointer of Git LFS, not the file itself; expected its content. Run"
                " git lfs pull in that folder, or download the file."
            )


def _check_inside(files: EncoderFolder, name: str) -> None:
    """Checks a file of weights. In the cache of Hugging Face, all files are links to one folder."""
    file = files.model.parent / name
    if not file.is_file():
        raise unreadable(files.model, f"its weights in {name} are missing")
    allowed = (files.folder.resolve(), files.model.resolve().parent)
    if not any(file.resolve().is_relative_to(folder) for folder in allowed):
        raise ConfigError(
            f"{files.model} names weights outside of its folder: {name}; expected a file in"
            f" {files.model.parent}. Use it only if you trust it, and copy the file there first."
        )


def _open_tokenizer(path: Path, length: int) -> tuple[Any, int]:
    """Returns a tokenizer that cuts texts and does not pad them, and its token for padding."""
    import tokenizers

    try:
        tokenizer = tokenizers.Tokenizer.from_file(str(path))
        pad = int((tokenizer.padding or {}).get("pad_id", 0))
        tokenizer.no_padding()
        tokenizer.enable_truncation(length)
        tokenizer.encode("")
    except Exception as error:  # noqa: BLE001 - its exceptions have no other common base
        raise ConfigError(
            f"{path} cannot be loaded: {brief(error)}. Get it again from where the encoder came"
            " from."
        ) from None
    return tokenizer, pad


def _hashes(files: EncoderFolder, described: OnnxFile) -> list[str]:
    """Returns the sha256 of the files that the vectors depend on."""
    found = [files.model, files.folder / TOKENIZER]
    found += [files.model.parent / name for name in sorted(described.external)]
    return [sha256_file(file) for file in found]
