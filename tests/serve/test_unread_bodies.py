"""Answers to requests whose body is not read, over real sockets.

A server that closes while bytes wait unread resets the connection, and the client loses the answer.
The clients here send everything before they read, as ``http.client`` does.
"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_process import InProcessServer, MemoryConnection
from server_process import Client, add_version, serving
from test_processes import certificates

from modelwright.serve.config import RequestLimits

LARGE = b'{"instances": ["' + b"x" * 2**24 + b'"]}'
PREDICT = "/v1/models/sentiment:predict"
KEY = "k" * 20
KNOWN = {"authorization": f"Bearer {KEY}"}
POST = b"POST /v1/models/sentiment:predict HTTP/1.1\r\nhost: x\r\nauthorization: Bearer " + (
    KEY.encode() + b"\r\n"
)


@pytest.fixture(scope="module")
def client(small_text_servable: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server that takes 1 MiB within 2 seconds, from clients with a key."""
    folder = tmp_path_factory.mktemp("unread")
    add_version(small_text_servable, folder / "models" / "sentiment", 1)
    (folder / "keys").write_text(f"me {KEY}\n")
    options = ("--max-body", 1, "--timeout", 2, "--api-keys", folder / "keys")
    with serving(folder / "models", folder, *options) as found:
        yield found


def exchange(client: Client, *parts: bytes) -> tuple[int, bytes, float]:
    """Sends parts and reads until the end; returns the status, the body and the seconds."""
    start = time.monotonic()
    with socket.create_connection((client.host, client.port), timeout=10) as made:
        for part in parts:
            made.sendall(part)
        answer = http.client.HTTPResponse(made)
        answer.begin()
        return answer.status, answer.read(), time.monotonic() - start


@pytest.mark.parametrize(
    ("path", "headers", "status", "message"),
    [
        (PREDICT, KNOWN, 413, r"larger than 1,048,576 bytes.*--max-body"),
        (PREDICT, {**KNOWN, "content-encoding": "gzip"}, 413, "larger than"),
        (PREDICT, {}, 401, "No valid API key"),
        (PREDICT, {**KNOWN, **{f"x-{n}": "y" * 900 for n in range(90)}}, 431, "65,536 bytes"),
        ("/v1/models/missing:predict", KNOWN, 413, "larger than"),
        ("/v1/models/sentiment", KNOWN, 400, "Malformed request"),
        ("/healthz", KNOWN, 405, "takes GET"),
    ],
    ids=["large", "gzip", "no key", "headers", "no model", "no route", "method"],
)
def test_a_client_that_sends_all_first_reads_the_answer(
    client: Client, path: str, headers: dict[str, str], status: int, message: str
) -> None:
    connection = http.client.HTTPConnection(client.host, client.port, timeout=10)
    connection.request("POST", path, LARGE, headers)
    answer = connection.getresponse()
    content = answer.read()
    assert answer.status == status
    assert re.search(message, json.loads(content)["error"])
    connection.close()


def test_a_chunked_body_and_a_bomb_are_answered(client: Client) -> None:
    chunk = b"10000\r\n" + b"x" * 2**16 + b"\r\n"
    head = POST + b"transfer-encoding: chunked\r\n"
    assert exchange(client, head + b"\r\n", *[chunk] * 200, b"0\r\n\r\n")[0] == 413
    bomb = gzip.compress(bytes(2**26))
    sized = POST + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(bomb)
    assert exchange(client, sized, bomb)[0] == 413


def test_bytes_that_are_no_http_are_answered(client: Client) -> None:
    assert exchange(client, b"nonsense\r\n\r\n", LARGE)[0] == 400


def test_a_body_is_not_asked_for_when_it_would_be_refused(client: Client) -> None:
    head = POST + b"expect: 100-continue\r\ncontent-length: 99999999\r\n\r\n"
    status, _, seconds = exchange(client, head)
    assert status == 413 and seconds < 1
    for part in (b"POST /v1/models/x HTTP/1.1\r\n", head.replace(KEY.encode(), b"")):
        refused = part if b"expect" in part else part + head.partition(b"\r\n")[2]
        with socket.create_connection((client.host, client.port), timeout=10) as made:
            made.sendall(refused)
            answer = made.makefile("rb").read()  # to the end: the server closes
        assert answer.startswith(b"HTTP/1.1 40") and b"100 Continue" not in answer


def test_a_connection_goes_on_after_a_body_that_was_thrown_away(client: Client) -> None:
    connection = http.client.HTTPConnection(client.host, client.port, timeout=10)
    for path, status in (("/v1/nothing", 400), (PREDICT, 401), ("/healthz", 405)):
        connection.request("POST", path, LARGE, KNOWN if status == 400 else {})
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("connection")) == (status, None)
        answer.read()
    connection.close()


@pytest.mark.parametrize("pause", [0.0, 0.1])
def test_a_body_without_an_end_is_cut_off(client: Client, pause: float) -> None:
    head = POST + b"content-length: 99999999999\r\n\r\n"
    start = time.monotonic()
    with (
        socket.create_connection((client.host, client.port), timeout=10) as made,
        pytest.raises(OSError),
    ):
        made.sendall(head)
        while time.monotonic() < start + 10:
            made.sendall(b"x" if pause else bytes(2**20))
            time.sleep(pause)
    assert time.monotonic() - start < 5


def test_an_answer_arrives_over_tls(small_text_servable: Path, tmp_path: Path) -> None:
    add_version(small_text_servable, tmp_path / "models" / "sentiment", 1)
    key, certificate = certificates(tmp_path)
    options = ("--tls-cert", certificate, "--tls-key", key, "--max-body", 1)
    with serving(tmp_path / "models", tmp_path, *options) as client:
        trusting = ssl.create_default_context(cafile=str(certificate))
        known = http.client.HTTPSConnection("127.0.0.1", client.port, context=trusting, timeout=10)
        known.request("POST", PREDICT, LARGE)
        assert known.getresponse().status == 413
        known.close()


def test_an_idle_connection_is_closed_after_its_own_time(tmp_path: Path) -> None:
    """Also where bytes that are no request came, which ended the wait before."""
    limits = RequestLimits(header_seconds=5.0, idle_seconds=0.2)
    server = InProcessServer(tmp_path, limits=limits)
    head = b"POST /healthz HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n"

    async def conversation(*packets: bytes) -> int:
        connection = MemoryConnection(server.rest_api, limits)
        await connection.receive(*packets)
        assert not connection.written().closed
        return (await connection.until_closed(1.0)).content.count(b"HTTP/1.1 405")

    async def both() -> list[int]:
        talks = (conversation(head, b"x" * 9), conversation(head + b"x" * 9, b"\r\n"))
        return list(await asyncio.gather(*talks))

    try:
        assert server.run(both()) == [1, 1]
    finally:
        server.close()
