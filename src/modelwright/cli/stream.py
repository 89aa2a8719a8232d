"""``modelwright predict -``: one answer for each line of standard input, as the lines come."""

from __future__ import annotations

import codecs
import io
import queue
import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import modelwright
from modelwright.cli.output import answer_record, print_json
from modelwright.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from modelwright.servable.predictor import Prediction

_MOST = 256
"""Lines that are answered together, if that many have come."""
_END = None

Line = str | DataError


def answer_standard_input(
    servable: Path, engine: str, *, encoding: str, top: int, as_json: bool
) -> bool:
    """Answers every line and returns whether all have an answer.

    Raises:
        ConfigError: The codec is unknown, or there is no line.
        DataError: Standard input is in another codec.
    """
    predictor = modelwright.load(servable, engine=engine)
    complete, count = True, 0
    is_text = predictor.manifest.task == "text"
    blank = "is an empty text." if is_text else "is blank; expected the path of an image."
    for lines in _batches(encoding):
        asked = [line for line in lines if not isinstance(line, DataError) and line.strip()]
        found = iter(predictor.predict_each(asked if is_text else list(map(Path, asked))))
        for line in lines:
            count += 1
            answer: Prediction | DataError
            if isinstance(line, DataError):
                answer = line
            elif not line.strip():
                answer = DataError(f"line {count:,} {blank}")
            else:
                answer = next(found)
            if isinstance(answer, DataError):
                complete = False
                answer = DataError(_renumber(str(answer), count))
            _print_answer("" if isinstance(line, DataError) else line, answer, top, as_json)
        sys.stdout.flush()
    if not count:
        raise ConfigError("standard input is empty; expected one input a line.")
    return complete


def _renumber(message: str, line: int) -> str:
    """Returns a message about the line; the predictor counts within a batch."""
    start, _, rest = message.partition(" ")
    position, _, what = rest.partition(" ")
    return f"line {line:,} {what}" if start == "input" and position.isdigit() else message


def _print_answer(line: str, answer: Prediction | DataError, top: int, as_json: bool) -> None:
    if as_json:
        print_json(answer_record(line, answer))
        return
    if isinstance(answer, DataError):
        cells = ["error", str(answer)]
    else:
        cells = [cell for label, p in answer.top(top) for cell in (label, f"{p:.4f}")]
    sys.stdout.write("\t".join([*cells, " ".join(line.split())]) + "\n")


def _batches(encoding: str) -> Iterator[list[Line]]:
    """Yields the lines that have come, as soon as one has."""
    waiting: queue.Queue[Line | None] = queue.Queue(4 * _MOST)
    failed: list[Exception] = []

    def read() -> None:
        try:
            for line in _lines(encoding):
                waiting.put(line)
        except Exception as error:  # noqa: BLE001 - the thread that waits for lines raises it
            failed.append(error)
        waiting.put(_END)

    threading.Thread(target=read, daemon=True).start()
    while True:
        batch = [waiting.get()]
        while len(batch) < _MOST and batch[-1] is not _END:
            try:
                batch.append(waiting.get_nowait())
            except queue.Empty:
                break
        ended = batch[-1] is _END
        if lines := [line for line in batch if line is not None]:
            yield lines
        if ended:
            if failed:
                raise failed[0]
            return


def _lines(encoding: str) -> Iterator[Line]:
    """Yields each line without its end, or why it cannot be read.

    Raises:
        ConfigError: The codec is unknown.
        DataError: The first line that is not ASCII cannot be decoded.
    """
    try:
        codec = codecs.lookup(encoding).name
        b"".decode(codec)
    except LookupError:
        raise ConfigError(
            f"--encoding was given {encoding!r}; expected the name of a text codec of Python, such"
            " as utf-8, gb18030 or latin-1"
        ) from None
    raw: Any = getattr(sys.stdin, "buffer", None)
    if raw is None:  # standard input was replaced by text
        for line in sys.stdin:
            yield line.rstrip("\r\n")
        return
    if codec.startswith(("utf-16", "utf-32")):
        yield from _wide_lines(io.TextIOWrapper(raw, codec, newline="\n"), codec)
        return
    sure = False
    for number, content in enumerate(raw, 1):
        content = content.removeprefix(codecs.BOM_UTF8) if number == 1 else content
        content = content.rstrip(b"\r\n")
        try:
            text = content.decode(codec)
        except UnicodeDecodeError as error:
            problem = _not_decoded(number, content, codec, error)
            if not sure:
                raise problem from None
            yield problem
            continue
        sure = sure or not text.isascii()
        yield text


def _wide_lines(source: Iterable[str], codec: str) -> Iterator[str]:
    """Yields the lines of a codec in which a byte for the line end is no line end."""
    try:
        for line in source:
            yield line.rstrip("\r\n")
    except UnicodeError as error:
        raise DataError(
            f"standard input is not {codec} ({error}); give the codec of the text as --encoding."
        ) from None


def _not_decoded(number: int, line: bytes, codec: str, error: UnicodeDecodeError) -> DataError:
    hint = "give the codec of the text as --encoding"
    if line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        hint = "it begins with the mark of UTF-16: --encoding utf-16"
    elif codec == "utf-8":
        try:
            line.decode("gb18030")
            hint = "it can be read as Chinese with --encoding gb18030"
        except UnicodeDecodeError:
            pass
    byte = line[error.start]
    return DataError(
        f"line {number:,} of standard input is not {codec}: it has the byte 0x{byte:02x} at"
        f" offset {error.start}; {hint}."
    )
