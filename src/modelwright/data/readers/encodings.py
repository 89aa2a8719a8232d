"""Turns bytes into text: UTF-8, UTF-16 with a byte order mark, or the codec that the user names.

Nothing is guessed. Bytes that do not fit the codec are an error that says where.
"""

from __future__ import annotations

import codecs

from modelwright.core.errors import ConfigError, DataError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def to_utf8(data: bytes, encoding: str, name: str) -> bytes:
    """Returns the text as UTF-8 without a byte order mark.

    With auto, bytes without a mark are returned unchecked: the parser of a table checks them, and
    ``not_utf8`` explains what it found.

    Raises:
        ConfigError: The codec is unknown.
        DataError: The bytes are not in the codec.
    """
    codec = _codec(data, encoding)
    if codec == "utf-8":
        _check_width(data, name)
        return data
    if codec == "utf-8-sig":
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(codec).removeprefix("\ufeff").encode()
    except LookupError:
        raise ConfigError(
            f"'data.encoding' was given {encoding!r}; expected auto or the name of a text codec "
            "of Python, such as utf-8, gb18030 or latin-1"
        ) from None
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{name} is not {encoding}: line {line} has the byte 0x{data[error.start]:02x} at "
            f"offset {error.start}; set data.encoding to the file's own codec"
        ) from None
    except UnicodeEncodeError:
        raise DataError(f"{name} decodes to lone surrogates with {encoding}; use another") from None


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
        line = data.count(b"\n", 0, error.start) + 1
        hint = "set data.encoding to the file's own codec"
        try:
            data.decode("gb18030")
        except UnicodeDecodeError:
            pass
        else:
            hint = 'it can be read as Chinese with data.encoding="gb18030" (--encoding gb18030)'
        return DataError(
            f"{name} is not UTF-8: line {line} has the byte 0x{data[error.start]:02x} at offset "
            f"{error.start}; {hint}"
        )
    return DataError(f"{name} could not be read as UTF-8")


def _codec(data: bytes, encoding: str) -> str:
    if encoding == "auto":
        return next((codec for mark, codec in _MARKS if data.startswith(mark)), "utf-8")
    try:
        codec = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        return encoding
    return "utf-8-sig" if codec in ("utf-8", "utf-8-sig") else codec


def _check_width(data: bytes, name: str) -> None:
    start = data[:200]
    zeros = start.count(0)
    if zeros * 3 > len(start):
        side = "be" if start[:1] == b"\0" else "le"
        raise DataError(
            f"{name} looks like UTF-16 without a mark: {zeros} of its first {len(start)} bytes "
            f'are zero; set data.encoding="utf-16-{side}"'
        )
