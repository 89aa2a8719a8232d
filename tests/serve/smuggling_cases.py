"""Requests that another server on the way might delimit otherwise, as bytes."""

from __future__ import annotations

BODY = b'{"instances": [2]}'
SIZE = b"content-length: %d\r\n" % len(BODY)
CHUNKED = b"transfer-encoding: chunked\r\n"
HEAD = b"POST /v1/models/half:predict HTTP/1.1\r\nhost: x\r\n"
NOWHERE = b"POST /nowhere HTTP/1.1\r\nhost: x\r\n"
GET = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
SMUGGLED = b"GET /v1/models/smuggled HTTP/1.1\r\nhost: x\r\n\r\n"


def chunks(content: bytes, size: bytes = b"", end: bytes = b"\r\n0\r\n\r\n") -> bytes:
    """A body of one chunk."""
    return (size or b"%x" % len(content)) + b"\r\n" + content + end


def sized(content: bytes, length: bytes = b"") -> bytes:
    """A header with a length, and the body."""
    return b"content-length: " + (length or b"%d" % len(content)) + b"\r\n\r\n" + content


REFUSED = {
    "length, then chunks": HEAD + SIZE + CHUNKED + b"\r\n" + chunks(BODY),
    "chunks, then length": HEAD + CHUNKED + SIZE + b"\r\n" + chunks(BODY),
    "request after no chunk": HEAD + b"content-length: 99\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "request in a chunk": HEAD + CHUNKED + b"content-length: 4\r\n\r\n" + chunks(SMUGGLED),
    "two equal lengths": HEAD + SIZE + sized(BODY),
    "two lengths": HEAD + SIZE + sized(BODY + SMUGGLED),
    "list of lengths": HEAD + sized(BODY, b"18, 18"),
    "length with a plus": HEAD + sized(BODY, b"+18"),
    "negative length": HEAD + sized(BODY, b"-1"),
    "hexadecimal length": HEAD + sized(BODY, b"0x12"),
    "length with a space": HEAD + sized(BODY, b"1 8"),
    "empty length": HEAD + b"content-length:\r\n\r\n" + BODY,
    "length of 65 bits": HEAD + sized(BODY, b"18446744073709551634"),
    "length, space, colon": HEAD + b"content-length : 18\r\n\r\n" + BODY,
    "coding, space, colon": HEAD + b"transfer-encoding : chunked\r\n\r\n" + chunks(BODY),
    "unknown coding": HEAD + b"transfer-encoding: xchunked\r\n\r\n" + chunks(BODY),
    "unknown coding, length": HEAD + b"transfer-encoding: xchunked\r\n" + sized(BODY),
    "identity": HEAD + b"transfer-encoding: identity\r\n\r\n" + chunks(BODY),
    "chunked is not last": HEAD + b"transfer-encoding: chunked, identity\r\n\r\n" + chunks(BODY),
    "chunked twice": HEAD + b"transfer-encoding: chunked, chunked\r\n\r\n" + chunks(BODY),
    "two codings": HEAD + CHUNKED + CHUNKED + b"\r\n" + chunks(BODY),
    "quoted coding": HEAD + b'transfer-encoding: "chunked"\r\n\r\n' + chunks(BODY),
    "coding behind a control": HEAD + b"transfer-encoding: \x0bchunked\r\n\r\n" + chunks(BODY),
    "folded coding": HEAD + b"transfer-encoding:\r\n chunked\r\n\r\n" + chunks(BODY),
    "folded length": HEAD + b"content-length:\r\n 18\r\n\r\n" + BODY,
    "folded header": HEAD + b"x-a: b\r\n c: d\r\n" + sized(BODY),
    "folded first header": b"GET /healthz HTTP/1.1\r\n host: x\r\n\r\n",
    "chunk size with a plus": HEAD + CHUNKED + b"\r\n" + chunks(BODY, b"+12"),
    "chunk size with a minus": HEAD + CHUNKED + b"\r\n" + chunks(BODY, b"-12"),
    "chunk size with 0x": HEAD + CHUNKED + b"\r\n" + chunks(BODY, b"0x12"),
    "chunk size after a space": HEAD + CHUNKED + b"\r\n" + chunks(BODY, b" 12"),
    "chunk size before a space": HEAD + CHUNKED + b"\r\n" + chunks(BODY, b"12 "),
    "chunk size of 65 bits": HEAD + CHUNKED + b"\r\n" + chunks(BODY, b"10000000000000012"),
    "chunk size with a line": HEAD + CHUNKED + b"\r\n" + chunks(BODY, b"1_2"),
    "no chunk size": HEAD + CHUNKED + b"\r\n\r\n" + BODY + b"\r\n0\r\n\r\n",
    "chunks with bare LF": HEAD + CHUNKED + b"\r\n12\n" + BODY + b"\n0\n\n",
    "chunk size with bare CR": HEAD + CHUNKED + b"\r\n12\r" + BODY + b"\r\n0\r\n\r\n",
    "extension with bare LF": HEAD + CHUNKED + b"\r\n12;a\n" + BODY + b"\r\n0\r\n\r\n",
    "extension over two lines": HEAD + CHUNKED + b"\r\n" + chunks(BODY, b'12;a="b\r\nc"'),
    "chunk without an end": HEAD + CHUNKED + b"\r\n" + chunks(BODY, end=b"0\r\n\r\n"),
    "chunk that is too long": HEAD + CHUNKED + b"\r\n" + chunks(BODY, b"11"),
    "length as a trailer": HEAD
    + CHUNKED
    + b"\r\n"
    + chunks(BODY, end=b"\r\n0\r\ncontent-length: 99\r\n\r\n"),
    "headers with bare LF": (HEAD + SIZE).replace(b"\r\n", b"\n") + b"\n" + BODY,
    "one header with bare LF": HEAD + b"x: y\n" + sized(BODY),
    "headers end with bare LF": HEAD + SIZE + b"\n" + BODY,
    "header with bare CR": HEAD + b"x: y\rcontent-length: 0\r\n" + sized(BODY),
    "header with two CR": HEAD + b"x: y\r\r\n" + sized(BODY),
    "header with NUL": HEAD + b"x: a\0b\r\n" + sized(BODY),
    "header without a colon": HEAD + b"nonsense\r\n" + sized(BODY),
    "header without a name": HEAD + b": x\r\n" + sized(BODY),
    "no version": b"GET /healthz\r\n",
    "upgrade with both": HEAD
    + b"connection: upgrade\r\nupgrade: h2c\r\ncontent-length: 4\r\n"
    + CHUNKED
    + b"\r\n"
    + chunks(SMUGGLED),
}
"""Answered with one 400, and nothing after it."""

ANSWERED: dict[str, tuple[bytes, list[int]]] = {
    "three requests": ((HEAD + sized(BODY)) * 3, [200, 200, 200]),
    "length in spaces": (HEAD + sized(BODY, b"\t18  "), [200]),
    "length with zeros": (HEAD + sized(BODY, b"0018"), [200]),
    "another name": (HEAD + b"content_length: 0\r\n" + sized(BODY), [200]),
    "capital letters": (HEAD + b"Transfer-Encoding: CHUNKED\r\n\r\n" + chunks(BODY), [200]),
    "chunk extension": (HEAD + CHUNKED + b"\r\n" + chunks(BODY, b"12;a=b"), [200]),
    "chunk size with zeros": (HEAD + CHUNKED + b"\r\n" + chunks(BODY, b"0000012"), [200]),
    "extension of the last": (
        HEAD + CHUNKED + b"\r\n" + chunks(BODY, end=b"\r\n0;x=y\r\n\r\n"),
        [200],
    ),
    "trailer": (HEAD + CHUNKED + b"\r\n" + chunks(BODY, end=b"\r\n000\r\nx-t: 1\r\n\r\n"), [200]),
    "two chunks": (
        HEAD + CHUNKED + b"\r\n" + chunks(BODY[:10], end=b"\r\n" + chunks(BODY[10:])),
        [200],
    ),
    "body is a request": (HEAD + sized(SMUGGLED), [400]),
    "chunk is a request": (HEAD + CHUNKED + b"\r\n" + chunks(SMUGGLED), [400]),
    "body of GET": (
        GET + sized(SMUGGLED),
        [200],
    ),
    "chunk of GET": (
        GET + CHUNKED + b"\r\n" + chunks(SMUGGLED),
        [200],
    ),
    "body of HEAD": (
        GET.replace(b"GET", b"HEAD") + sized(SMUGGLED),
        [200],
    ),
    "body for nobody": (
        HEAD.replace(b"/v1/models/half:predict", b"/nowhere") + sized(SMUGGLED),
        [404],
    ),
    "body that is not taken": (
        HEAD.replace(b"/v1/models/half:predict", b"/healthz") + sized(SMUGGLED),
        [405],
    ),
    "empty lines before": (b"\r\n\r\n" + HEAD + sized(BODY), [200]),
    "upgrade with a body": (
        HEAD + b"connection: upgrade\r\nupgrade: h2c\r\n" + sized(SMUGGLED),
        [400],
    ),
}
"""Answered as listed; ``LAST`` is then answered with 200."""
