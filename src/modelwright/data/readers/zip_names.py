"""Opens zip files, and decodes the names of members that are not marked as UTF-8.

The format knows two encodings, UTF-8 and cp437. Windows writes names in that of its language, so a
Chinese name arrives as GBK without a mark.
"""

from __future__ import annotations

import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from modelwright.core.errors import ConfigError, DataError

_UTF8_FLAG = 0x800
_PAIR = re.compile(rb"[\x80-\xff]{2}")
"""Two such bytes are a character of an East Asian codec; in a European name one stands alone."""


@contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens a zip file for the block.

    Raises:
        DataError: The file is not a readable zip file.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{path.name} is not a readable zip file ({error})") from None


def _encodes(codec: str, first: bytes, last: bytes) -> Callable[[str], bool]:
    """Returns whether a codec has a character, with a first byte in this range."""

    def usual(char: str) -> bool:
        try:
            return first <= char.encode(codec)[:1] <= last
        except UnicodeEncodeError:
            return False

    return usual


_EAST_ASIAN: Mapping[str, Callable[[str], bool]] = {
    "gb18030": _encodes("gb2312", b"\xa1", b"\xf7"),
    "big5": _encodes("big5", b"\xa1", b"\xc6"),
    "shift_jis": _encodes("shift_jis", b"\x81", b"\x97"),
}
"""The codecs that are looked for, in this order, each with its usual characters."""
_ONE_BYTE = {"cp437": "LATIN", "cp1252": "LATIN", "cp866": "CYRILLIC"}
"""Codecs of one byte a character, with the script of names in them."""


def member_names(
    members: Sequence[zipfile.ZipInfo], zip_name: str, encoding: str
) -> tuple[list[str], list[str]]:
    """Returns the name of each member, and notes.

    All unmarked names of a file are in one encoding: the one that the user names, UTF-8 if all are
    valid, the East Asian or European one that makes usual names of them, and otherwise cp437.

    Args:
        members: The members of the file.
        zip_name: Name of the zip file, for messages.
        encoding: A codec, or auto.

    Raises:
        ConfigError: The codec is unknown.
    """
    raw = {at: bytes_ for at, member in enumerate(members) if (bytes_ := _unmarked(member))}
    names = [member.filename for member in members]
    if not raw:
        return names, []
    named = _check_codec(encoding)
    codec = named if named and _decode(raw.values(), named) else _detect(list(raw.values()))
    for at, name in raw.items():
        names[at] = name.decode(codec)
    start = f"the names in {zip_name} are not marked as UTF-8 and are read as {codec.upper()}"
    if named is None:
        return names, [f"{start}; data.encoding names another encoding"]
    if codec == named:
        return names, [f"{start}, as data.encoding says"]
    return names, [f"{start}: they are not {encoding} (data.encoding)"]


def _unmarked(member: zipfile.ZipInfo) -> bytes | None:
    """Returns the bytes of a name that is neither ASCII nor marked as UTF-8."""
    if member.flag_bits & _UTF8_FLAG or member.filename.isascii():
        return None
    try:
        return member.filename.encode("cp437")
    except UnicodeEncodeError:
        return None  # an extra field of the member gave the name in Unicode


def _check_codec(encoding: str) -> str | None:
    if encoding == "auto":
        return None
    try:
        # A name has its slashes as single bytes, so UTF-16 cannot be meant.
        return encoding if b"a/".decode(encoding) == "a/" else None
    except UnicodeDecodeError:
        return None
    except (LookupError, ValueError):
        raise ConfigError(
            f"'data.encoding' was given {encoding!r}; expected auto or the name of a text codec "
            "of Python, such as utf-8, gb18030 or latin-1"
        ) from None


def _detect(names: Sequence[bytes]) -> str:
    """Returns the codec in which the names are made of characters that people use.

    Bytes of one codec are often valid in another, as rare characters or a mix of scripts.
    """
    if _decode(names, "utf-8"):
        return "utf-8"
    if _PAIR.search(b"/".join(names)):
        for codec, usual in _EAST_ASIAN.items():
            text = "".join(_decode(names, codec) or "")
            rare = [char for char in text if not char.isascii()]
            if rare and sum(map(usual, rare)) >= 0.8 * len(rare) and all(map(_is_cjk, text)):
                return codec
        if all(map(_is_cjk, text := "".join(_decode(names, "gb18030") or ""))) and text:
            return "gb18030"
    for codec, script in _ONE_BYTE.items():
        text = "".join(_decode(names, codec) or "")
        letters = [char for char in text if not char.isascii()]
        if letters and all(unicodedata.name(char, "").startswith(script) for char in letters):
            return codec
    return "cp437"


def _decode(names: Iterable[bytes], codec: str) -> list[str] | None:
    try:
        return [name.decode(codec) for name in names]
    except UnicodeDecodeError:
        return None


def _is_cjk(character: str) -> bool:
    """Returns whether a character is ASCII, a Han character, kana or East Asian punctuation."""
    wide = unicodedata.east_asian_width(character) in "WF"
    return character.isascii() or (wide and ord(character) < 0x1F000) or character in "·—…“”‘’、"
