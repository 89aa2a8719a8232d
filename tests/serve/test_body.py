"""Reading a body: parts, gzip, and the limit on its size."""

from __future__ import annotations

import asyncio
import gzip
import zlib

import pytest

from modelwright.serve.errors import Refused
from modelwright.serve.rest.body import BodyTooLarge, ClientGone, read_body


def read(parts: list[bytes], headers: list[tuple[bytes, bytes]] | None = None, limit: int = 1000):
    messages = [
        {"type": "http.request", "body": part, "more_body": place < len(parts) - 1}
        for place, part in enumerate(parts)
    ]

    async def receive() -> dict[str, object]:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return asyncio.run(read_body(headers or [], receive, limit)), messages


GZIP = [(b"content-encoding", b"GZIP")]


def test_a_body_in_one_part_and_in_many() -> None:
    assert read([b"abc"])[0] == b"abc"
    assert read([b"a", b"", b"bc"])[0] == b"abc"
    assert read([b""])[0] == b""


def test_a_packed_body_is_unpacked() -> None:
    packed = gzip.compress(b"x" * 900)
    assert read([packed[:10], packed[10:]], GZIP)[0] == b"x" * 900
    assert read([b"abc"], [(b"content-encoding", b"identity")])[0] == b"abc"


def test_nothing_is_read_beyond_the_limit() -> None:
    with pytest.raises(BodyTooLarge, match="larger than 1,000 bytes"):
        read([b"a"], [(b"content-length", b"1001")])
    parts = [b"a" * 600] * 5
    with pytest.raises(BodyTooLarge):
        read(parts)
    with pytest.raises(BodyTooLarge):
        read([b"a" * 1001])


def test_a_bomb_is_never_unpacked() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(BodyTooLarge):
        read([bomb], GZIP, limit=100_000)


@pytest.mark.parametrize(
    "content",
    [b"plain", gzip.compress(b"abc")[:-4], gzip.compress(b"abc") + b"more", zlib.compress(b"abc")],
    # A gzip file holds the time it was made, and tests must have one name in every process.
    ids=["plain", "cut off", "more behind", "zlib"],
)
def test_an_incomplete_or_invalid_gzip_file_is_refused(content: bytes) -> None:
    with pytest.raises(Refused, match="gzip"):
        read([content], GZIP)


def test_other_encodings_are_refused_by_name() -> None:
    with pytest.raises(Refused, match="content encoding 'br'; expected gzip or none"):
        read([b"x"], [(b"content-encoding", b"br")])


def test_a_client_that_disconnects_is_no_error_of_the_server() -> None:
    async def gone() -> dict[str, object]:
        return {"type": "http.disconnect"}

    with pytest.raises(ClientGone):
        asyncio.run(read_body([], gone, 10))
