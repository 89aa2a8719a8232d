"""Requests that another server on the way might delimit otherwise: none of them hides a request.

Each case is followed by ``LAST``. Either every request is answered once and in order, or the server
refuses them and closes the connection.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence

import pytest
from in_process import InProcessServer, MemoryConnection, Written
from smuggling_cases import (
    ANSWERED,
    BODY,
    CHUNKED,
    HEAD,
    LAST,
    NOWHERE,
    REFUSED,
    SMUGGLED,
    chunks,
    sized,
)

from modelwright.serve.config import RequestLimits

LIMITS = RequestLimits(seconds=5.0, header_seconds=5.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InProcessServer]:
    made = InProcessServer(tmp_path_factory.mktemp("smuggling"), limits=LIMITS)
    yield made
    made.close()


def send(server: InProcessServer, packets: Iterable[bytes]) -> Written:
    """What a connection writes until the server has nothing more to say."""

    async def inside() -> Written:
        connection = MemoryConnection(server.rest_api, LIMITS)
        for packet in packets:
            connection.protocol.data_received(packet)
            await asyncio.sleep(0)
        return await connection.until_closed()

    return server.run(inside())


def statuses(written: Written) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1.1 (\d+)", written.content)]


def in_pieces(content: bytes) -> Iterator[Sequence[bytes]]:
    """The content at once, byte by byte, and in two packets that meet at a line's end."""
    yield [content]
    yield [content[at : at + 1] for at in range(len(content))]
    for found in list(re.finditer(rb"\r|\n", content))[:2]:
        yield [content[: found.end()], content[found.end() :]]


@pytest.mark.parametrize("content", REFUSED.values(), ids=REFUSED.keys())
def test_an_ambiguous_request_is_refused_and_nothing_after_it_is_answered(
    server: InProcessServer, content: bytes
) -> None:
    for packets in in_pieces(content + SMUGGLED + LAST):
        written = send(server, packets)
        assert statuses(written) == [400], (packets, written)
        assert b"smuggled" not in written.content and b"connection: close" in written.content


@pytest.mark.parametrize(("content", "expected"), ANSWERED.values(), ids=ANSWERED.keys())
def test_each_request_is_answered_once_and_in_order(
    server: InProcessServer, content: bytes, expected: list[int]
) -> None:
    for packets in in_pieces(content + LAST):
        written = send(server, packets)
        assert statuses(written) == [*expected, 200], (packets, written)
        assert b"model smuggled" not in written.content


@pytest.mark.parametrize("name", ["length, then chunks", "chunk size with a plus", "no version"])
def test_requests_before_a_broken_one_are_answered_first(
    server: InProcessServer, name: str
) -> None:
    for packets in in_pieces((HEAD + sized(BODY)) * 2 + REFUSED[name] + LAST):
        written = send(server, packets)
        assert statuses(written) == [200, 200, 400], (packets, written)


def test_a_request_that_was_answered_before_its_body_broke_is_not_answered_again(
    server: InProcessServer,
) -> None:
    head = NOWHERE + CHUNKED + b"\r\n"

    async def inside() -> Written:
        connection = MemoryConnection(server.rest_api, LIMITS)
        await connection.receive(head, b"+1\r\nx\r\n" + LAST)
        await connection.settle()
        return connection.written()

    assert statuses(server.run(inside())) == [404]


def test_a_trailer_is_no_header(server: InProcessServer) -> None:
    end = b"\r\n0\r\nx-request-id: trailer\r\ncontent-encoding: gzip\r\n\r\n"
    written = send(server, [HEAD + CHUNKED + b"\r\n" + chunks(BODY, end=end) + LAST])
    assert statuses(written) == [200, 200] and b"trailer" not in written.content
