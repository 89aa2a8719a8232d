"""Requests with a request hidden in their body, which servers on the way might delimit otherwise.

The hidden request must never be answered: it is part of a body, or the request is refused.
"""

from __future__ import annotations

import random

from served.client import HOST, http

HIDDEN = "hidden-in-a-body"
"""A model that only the hidden request asks for."""
_CODINGS = (b"xchunked", b"chunked, identity", b"\x0bchunked", b'"chunked"', b"chunked\x00")
_SIZES = (b"+%x", b"-%x", b"0x%x", b" %x", b"%x ", b"1%016x", b"%x_", b"%x;a\n", b"%x\r")
_LENGTHS = (b"+%d", b"-%d", b"0x%d", b"%d, %d", b"%d\x00", b"1 %d", b"%d\r\n 0")


def smuggling(chance: random.Random, good: bytes, path: str) -> tuple[bytes, int]:
    """Returns bytes of a connection, and the most answers that they may get.

    Args:
        chance: the generator of this client.
        good: a good body.
        path: of a model's predictions.
    """
    hidden = f"GET /v1/models/{HIDDEN} HTTP/1.1\r\nhost: {HOST}\r\n\r\n".encode()
    content = chance.choice((b"", good, b"0\r\n\r\n")) + hidden
    length, chunked = b"content-length: %d" % len(content), b"transfer-encoding: chunked"
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)
    short = b"content-length: %d" % chance.choice((0, 4, len(content) - len(hidden)))
    both, two = [chance.choice((length, short)), chunked], [length, short]
    chance.shuffle(both)
    chance.shuffle(two)
    trick = chance.choice(_SIZES) % len(content) + b"\r\n" + content + b"\r\n0\r\n\r\n"
    template = chance.choice(_LENGTHS)
    wrong = b"content-length: " + template % ((len(content),) * template.count(b"%d"))
    headers, body = chance.choice(
        (
            ([length], content),
            ([chunked], chunk),
            (both, chance.choice((content, chunk))),
            (two, content),
            ([b"transfer-encoding: " + chance.choice(_CODINGS)], chunk),
            ([chunked], trick),
            ([wrong], content),
            ([b"connection: upgrade", b"upgrade: h2c", length], content),
        )
    )
    method, where = chance.choice((("POST", path), ("GET", "/healthz"), ("POST", "/nowhere")))
    head = f"{method} {where} HTTP/1.1\r\nhost: {HOST}\r\n".encode()
    before = chance.randrange(3)
    request = head + b"\r\n".join(headers) + b"\r\n\r\n" + body
    return http("GET", "/healthz") * before + request, before + 1
