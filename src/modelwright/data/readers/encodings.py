"""Turns bytes into text: UTF-8, UTF-16 or UTF-32 with a byte order mark, or the user's codec.

Nothing is guessed. Bytes that do not fit the codec are an error that says where.
"""

from __future__ import annotations

import codecs

import numpy as np
import pyarrow as pa

from modelwright.core.errors import ConfigError, DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # it begins with the mark of UTF-16
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LONGEST_CHARACTER = 4
_SAMPLE = 12
"""Characters that a message shows of a file in another codec."""
_LIKELY = (
    ("shift_jis", "Japanese"),
    ("gb18030", "Chinese"),
    ("big5", "traditional Chinese"),
    ("cp1252", "Western European"),
)


def to_utf8(data: bytes, encoding: str, name: str) -> bytes:
    """Returns the text as UTF-8 without a byte order mark.

    With auto, bytes without a mark are returned unchecked: the parser of a table checks them, and
    ``not_utf8`` explains what it found.

    Raises:
        ConfigError: The codec is unknown.
        DataError: The bytes are not in the codec.
    """
    codec = find_codec(data, encoding, name)
    if codec == "utf-8":
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(codec).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        if _is_cut_off(error, data):
            raise _cut_off(name, encoding) from None
        line = data.count(b"\n", 0, error.start) + 1
        shown = codec if encoding == "auto" else encoding
        raise DataError(
            f"{name} is not {shown}: line {line} has the byte 0x{data[error.start]:02x} at "
            f"offset {error.start}; set data.encoding to the file's own codec"
        ) from None
    except UnicodeEncodeError:
        raise DataError(f"{name} decodes to lone surrogates with {encoding}; use another") from None


def find_codec(start: bytes, encoding: str, name: str) -> str:
    """Returns the codec of bytes: that of their mark, or else the user's.

    Args:
        start: The first bytes.
        encoding: A codec or auto.
        name: Name of the file, for messages.

    Raises:
        ConfigError: The codec is unknown.
        DataError: The mark is that of another codec, or the bytes look like UTF-16.
    """
    marked = next((codec for mark, codec in _MARKS if start.startswith(mark)), None)
    if encoding == "auto":
        if marked is None:
            _check_width(start, name)
        return marked or "utf-8"
    try:
        codec = codecs.lookup(encoding).name.removesuffix("-sig")
        "a".encode(codec)
    except (LookupError, ValueError):
        raise ConfigError(
            f"'data.encoding' was given {encoding!r}; expected auto or the name of a text codec "
            "of Python, such as utf-8, gb18030 or latin-1"
        ) from None
    if marked == "utf-8" != codec:
        raise DataError(
            f"{name} begins with the mark of UTF-8, and data.encoding is {encoding!r}; leave "
            "data.encoding (--encoding) out"
        )
    # As Python reads these two without a mark.
    return f"{codec}-le" if codec in ("utf-16", "utf-32") and marked is None else codec


def decode_text(data: bytes, encoding: str, name: str) -> str:
    """Returns one text.

    Raises:
        ConfigError: The codec is unknown.
        DataError: The bytes are not in the codec.
    """
    content = to_utf8(data, encoding, name)
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise not_utf8(content, name) from None


def not_utf8(data: bytes, name: str) -> DataError:
    """Returns the error for bytes that are not UTF-8: where, and which codec may fit."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        if _is_cut_off(error, data):
            return _cut_off(name)
        line = data.count(b"\n", 0, error.start) + 1
        return DataError(
            f"{name} is not UTF-8: line {line} has the byte 0x{data[error.start]:02x} at offset "
            f"{error.start}; {_hint(data, error.start)}"
        )
    return DataError(f"{name} could not be read as UTF-8")


def is_utf8(data: bytes) -> bool:
    """Returns whether bytes are UTF-8, without a copy of them."""
    ends = pa.py_buffer(np.array([0, len(data)], np.int64))
    try:
        text = pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(data)])
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _hint(data: bytes, start: int) -> str:
    """Returns the codec that may fit, with what a text would be in it."""
    for codec, language in _LIKELY:
        try:
            text = data.decode(codec)
        except UnicodeDecodeError:
            continue
        before = len(data[:start].decode())
        if _is_plausible(text[before : before + 2**16], codec):
            sample = text[before : before + _SAMPLE].splitlines()[0]
            return (
                f'it can be read as {language} with data.encoding="{codec}" (--encoding {codec}); '
                f"there it has '{sample}'"
            )
    return "set data.encoding (--encoding) to the file's own codec"


def _is_plausible(text: str, codec: str) -> bool:
    """Returns whether the characters that are not ASCII are those of the codec's language.

    Bytes of one codec are often valid in another, as characters that nobody writes.
    """
    others = [char for char in text if char > "~"]
    if codec == "shift_jis":
        usual = 3 * sum("\u3040" <= char <= "\u30ff" for char in others)
    elif codec == "gb18030":
        usual = sum(_in_gb2312(char) for char in others)
    elif codec == "big5":
        usual = sum("\u3000" <= char <= "\u9fff" or char >= "\uff00" for char in others)
    else:
        usual = sum(char.isalpha() for char in others) if 3 * len(others) < len(text) else 0
    return 10 * usual >= 8 * len(others)


def _in_gb2312(char: str) -> bool:
    try:
        return bool(char.encode("gb2312"))
    except UnicodeEncodeError:
        return False


def _is_cut_off(error: UnicodeDecodeError, data: bytes) -> bool:
    """Returns whether only the last character is incomplete."""
    return error.end == len(data) and len(data) - error.start < _LONGEST_CHARACTER


def _cut_off(name: str, encoding: str = "auto") -> DataError:
    other = "" if encoding == "auto" else f". Or it is not {encoding}: see data.encoding"
    return DataError(
        f"{name} ends in the middle of a character, so it may be cut off; get the whole file, or "
        f"delete its last line{other}"
    )


def _check_width(data: bytes, name: str) -> None:
    """Checks that there are not zeros in every other byte, as for ASCII in UTF-16."""
    start = data[:400]
    zeros = [at for at, byte in enumerate(start) if byte == 0]
    odd = sum(at % 2 for at in zeros)
    if len(zeros) >= 4 and max(odd, len(zeros) - odd) * 10 >= 9 * len(zeros):
        side = "le" if 2 * odd > len(zeros) else "be"
        raise DataError(
            f"{name} looks like UTF-16 without a mark: {len(zeros)} of its first {len(start)} "
            f'bytes are zero; set data.encoding="utf-16-{side}" (--encoding utf-16-{side})'
        )
