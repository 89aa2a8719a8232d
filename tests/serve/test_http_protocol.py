"""The HTTP protocol, byte by byte, without a socket: limits, slow clients, offers to upgrade."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from in_process import InProcessServer, MemoryConnection, Written

from modelwright.serve.config import RequestLimits

BODY = b'{"instances": [2]}'
HEAD = b"POST /v1/models/half:predict HTTP/1.1\r\nhost: x\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
SIZED = b"content-length: %d\r\n\r\n" % len(BODY)
SMUGGLED = b"GET /v1/models/smuggled HTTP/1.1\r\nhost: x\r\n\r\n"

Talk = Callable[[MemoryConnection], Awaitable[Written]]


def talk(folder: Path, conversation: Talk, **limits: float) -> Written:
    """Runs a conversation on one connection."""
    bounds = RequestLimits(**{"seconds": 5.0, "header_seconds": 5.0, **limits})  # type: ignore[arg-type]
    server = InProcessServer(folder, limits=bounds)

    async def inside() -> Written:
        return await conversation(MemoryConnection(server.rest_api, bounds))

    try:
        return server.run(inside())
    finally:
        server.close()


def ask(folder: Path, *packets: bytes, **limits: float) -> Written:
    """What a connection writes until the server closes it."""

    async def conversation(connection: MemoryConnection) -> Written:
        await connection.receive(*packets)
        return await connection.until_closed()

    return talk(folder, conversation, **limits)


def statuses(written: Written) -> list[bytes]:
    return re.findall(rb"HTTP/1.1 (\d+)", written.content)


def test_requests_on_one_connection_are_answered_in_order(tmp_path: Path) -> None:
    request = HEAD + SIZED + BODY
    written = ask(tmp_path, request + request[:20], request[20:], LAST)
    assert statuses(written) == [b"200"] * 3
    assert written.content.count(b'{"predictions":[3.0]}') == 2
    assert b"connection: close" in written.content


def test_bytes_that_are_no_http_are_refused_with_the_reason(tmp_path: Path) -> None:
    line = "GET /v1/models/情感 HTTP/1.1\r\n".encode()
    written = ask(tmp_path, line + LAST.partition(b"\r\n")[2])
    assert statuses(written) == [b"400"]
    assert b"Invalid HTTP request received: Invalid char" in written.content, written.content


@pytest.mark.parametrize(
    ("second", "refusal"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (
            HEAD + b"".join(b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(100)) + SIZED + BODY,
            b"431",
        ),
        (b"GET /v1/mod", b"408"),
    ],
    ids=["no HTTP", "large headers", "slow headers"],
)
def test_a_request_is_answered_also_if_a_bad_one_follows_it(
    tmp_path: Path, second: bytes, refusal: bytes
) -> None:
    limits = RequestLimits(seconds=5.0, header_seconds=0.2)
    server = InProcessServer(tmp_path, limits=limits)

    async def conversation() -> Written:
        connection = MemoryConnection(server.rest_api, limits)
        await connection.receive(HEAD + b"content-length: 19\r\n\r\n" + b'{"instances": [-3]}')
        await connection.receive(second)
        await asyncio.sleep(0.3)
        assert connection.written() == (b"", False)
        server.gate.set()
        return await connection.until_closed()

    try:
        written = server.run(conversation())
    finally:
        server.close()
    assert statuses(written) == [b"200", refusal] and b"connection: close" in written.content


def test_a_bad_chunk_is_refused_at_once(tmp_path: Path) -> None:
    chunked = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    written = ask(tmp_path, chunked, b"5\r\nabcde\r\n", b"nonsense\r\n")
    assert statuses(written) == [b"400"] and written.content.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("start", [b"0\r\nx: ", b"2;x="], ids=["trailer", "chunk extension"])
def test_what_surrounds_a_body_is_bounded_like_headers(tmp_path: Path, start: bytes) -> None:
    chunked = HEAD + b"transfer-encoding: chunked\r\n\r\n" + b"2\r\n{}\r\n" + start
    written = ask(tmp_path, chunked, *[b"y" * 2**14] * 5)
    assert statuses(written) == [b"431"] and written.closed
    assert b"trailers or chunk extensions have more than 65,536 bytes" in written.content


@pytest.mark.parametrize("start", [b"0\r\nx: ", b"2;x="], ids=["trailer", "chunk extension"])
def test_what_surrounds_a_body_is_bounded_also_after_its_answer(
    tmp_path: Path, start: bytes
) -> None:
    chunked = LAST[:-2].replace(b"close", b"keep-alive") + b"transfer-encoding: chunked\r\n\r\n"
    written = ask(tmp_path, chunked + b"2\r\n{}\r\n", start, *[b"y" * 2**14] * 5)
    assert statuses(written) == [b"200"] and written.closed


def test_a_large_body_in_small_chunks_is_no_large_header(tmp_path: Path) -> None:
    body = b'{"instances": [2%s]}' % (b" " * 2**17)
    packet = b"".join(b"1\r\n%b\r\n" % body[at : at + 1] for at in range(len(body)))
    pieces = [packet[at : at + 2**15] for at in range(0, len(packet), 2**15)]
    chunked = HEAD + b"transfer-encoding: chunked\r\n\r\n"
    end = b"0\r\n\r\n"
    assert statuses(ask(tmp_path, chunked, *pieces, end, LAST)) == [b"200"] * 2


def test_the_packet_that_ends_a_large_body_may_begin_a_request(tmp_path: Path) -> None:
    body = b'{"instances": [2%s]}' % (b" " * 2**17)
    sized = HEAD + b"content-length: %d\r\n\r\n" % len(body)
    assert statuses(ask(tmp_path, sized, body + LAST[:9], LAST[9:])) == [b"200"] * 2


def test_a_head_is_sent_with_its_body_and_alone_where_there_is_none(tmp_path: Path) -> None:
    head = LAST.replace(b"GET", b"HEAD")
    written = ask(tmp_path, head)
    assert statuses(written) == [b"200"] and written.content.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    ("packet", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"CONNECT x:443 HTTP/1.1\r\nhost: x\r\n\r\n" + LAST, b"400"),
        (HEAD + b"content-length: 99999999\r\n\r\n", b"413"),
        (HEAD + b"".join(b"x-%d: %s\r\n" % (n, b"y" * 1000) for n in range(100)), b"431"),
    ],
    ids=["no HTTP", "CONNECT", "large body", "large headers"],
)
def test_bad_bytes_are_refused_and_the_connection_is_closed(
    tmp_path: Path, packet: bytes, status: bytes
) -> None:
    written = ask(tmp_path, packet)
    assert statuses(written) == [status] and written.closed
    assert b'{"error": ' in written.content


@pytest.mark.parametrize(
    ("packets", "limits", "expected"),
    [
        ([], {"header_seconds": 0.1}, []),
        ([b"GET /v1/mod"], {"header_seconds": 0.1}, [b"408"]),
        (
            [LAST.replace(b"close", b"keep-alive"), b"GET /"],
            {"header_seconds": 0.1},
            [b"200", b"408"],
        ),
        ([HEAD + b"content-length: 9\r\n\r\n{"], {"seconds": 0.1}, [b"504"]),
    ],
    ids=["silent", "slow headers", "slow second headers", "slow body"],
)
def test_a_slow_client_is_disconnected(
    tmp_path: Path, packets: list[bytes], limits: dict[str, float], expected: list[bytes]
) -> None:
    written = ask(tmp_path, *packets, **limits)
    assert statuses(written) == expected and written.closed


def test_a_client_that_reads_no_answers_is_disconnected(tmp_path: Path) -> None:
    async def conversation(connection: MemoryConnection) -> Written:
        connection.transport.unread = 2**20
        connection.protocol.pause_writing()
        written = await connection.until_closed()
        assert connection.transport.aborted
        return written

    talk(tmp_path, conversation, seconds=0.1)


def test_a_client_that_reads_again_stays_connected(tmp_path: Path) -> None:
    async def conversation(connection: MemoryConnection) -> Written:
        connection.protocol.pause_writing()
        connection.protocol.resume_writing()
        await asyncio.sleep(0.15)
        assert not connection.transport.is_closing()
        await connection.receive(LAST)
        return await connection.until_closed()

    assert statuses(talk(tmp_path, conversation, seconds=0.1)) == [b"200"]


@pytest.mark.parametrize("offer", [b"h2c", b"websocket", b"unknown"])
def test_an_offer_to_upgrade_is_ignored_and_its_body_is_read(tmp_path: Path, offer: bytes) -> None:
    def answered(*packets: bytes) -> list[bytes]:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        written = ask(folder, *packets)
        assert b"model smuggled" not in written.content
        return statuses(written)

    offering = HEAD + b"connection: Upgrade, HTTP2-Settings\r\nupgrade: %b\r\n" % offer
    sized = offering + SIZED
    assert answered(sized + BODY + LAST) == [b"200", b"200"]
    assert answered(sized, BODY, LAST) == [b"200", b"200"]
    assert answered(sized + BODY + sized, BODY[:9], BODY[9:], LAST) == [b"200"] * 3
    chunked = offering + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % len(BODY)
    assert answered(chunked, BODY + b"\r\n0\r\n\r\n", LAST) == [b"200", b"200"]
    # A body that looks like a request is a bad body, not a second request.
    hidden = offering + b"content-length: %d\r\n\r\n" % len(SMUGGLED)
    assert answered(hidden, SMUGGLED, LAST) == [b"400", b"200"]
    bodiless = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\n"
    offered = bodiless + b"upgrade: %b\r\n\r\n" % offer
    assert answered(offered, LAST) == [b"200"] * 2
    assert answered(offered * 1200, LAST) == [b"200"] * 1201
