"""Requests that no honest client sends; every one is bytes, made from a seeded generator."""

from __future__ import annotations

import base64
import functools
import gzip
import json
import random
import struct
import zlib
from collections.abc import Callable
from typing import Any

from served.client import HOST, http
from served.smuggling import smuggling

DEPTH = 100_000
BOMB = 200 * 2**20
"""Bytes that a gzip bomb unpacks to."""
LARGE = 17 * 2**20
"""Bytes of a body, above the server's limit."""
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_SCALARS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, -(2**63), 2**64, 10**400, -0.0, 1e308, 5e-324),
    *("", "a", "0", "NaN", "\x00", "\ud800", "\udfff\ud800", "\U0010ffff", "é" * 5_000),
    *("a " * 20_000, "<script>", "../../etc/passwd", "%s%n", "\u202e", "{}", [], {}),
    *({"b64": ""}, {"b64": "===="}, {"b64": "AA"}, {"b64": 1}, {"b64": "AAAA", "x": 1}),
)
_TOKENS = (
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"-1e999",
    b"01",
    b"+1",
    b".5",
    b"1e",
    b"--1",
)
_KEYS = ("instances", "inputs", "signature_name", "examples", "context", "x", "", "b64", "\x00")
_NAMES = ("input_text", "image_bytes", "ids", "pixels", "probabilities", "")


class Hostile:
    """Makes one case after another."""

    def __init__(self, seed: int, models: dict[str, dict[str, Any]]) -> None:
        """Take a good instance of each model."""
        self.random = random.Random(seed)  # noqa: S311 - cases that can be made again
        self._models = models

    def json(self) -> bytes:
        """A well-formed HTTP request whose body is wrong in one way or several."""
        name = self.random.choice(sorted(self._models))
        verb = self.random.choice(("predict",) * 4 + ("classify", "regress"))
        return http("POST", f"/v1/models/{name}:{verb}", self._body(name))

    def deep(self) -> bytes:
        """A body nested very deeply."""
        opened, closed = self.random.choice(
            ((b"[", b"]"), (b'{"a":', b"}"), (b'{"instances":', b"}"), (b'[{"b64":', b"}]"))
        )
        inner = opened * DEPTH + b"1" + self.random.choice((b"", closed * DEPTH))
        key = self.random.choice((b"instances", b"inputs", b"examples", b"signature_name"))
        content = self.random.choice((inner, b'{"%b":%b}' % (key, inner)))
        return http("POST", self._predict(), content)

    def gzip(self) -> bytes:
        """A gzip body: a bomb, cut, broken, doubled, or with more behind it."""
        good = gzip.compress(self._good(), mtime=0)
        flipped = bytearray(good)
        flipped[self.random.randrange(len(flipped))] ^= 1 << self.random.randrange(8)
        content = self.random.choice(
            (
                bomb(),
                gzip.compress(bomb(), mtime=0),
                good[: self.random.randrange(len(good))],
                bytes(flipped),
                good + good,
                good + self.random.randbytes(50),
                self.random.randbytes(200),
                good * 500,
            )
        )
        coding = self.random.choice(("gzip",) * 6 + ("gzip, gzip", "deflate", "br", "x-gzip"))
        return http("POST", self._predict(), content, {"content-encoding": coding})

    def large(self) -> bytes:
        """More than the server takes: a body, sent or only announced, a header, a line."""
        path = self._predict()
        kind = self.random.randrange(6)
        if kind == 0:
            return http("POST", path, b'{"instances":["' + b"a" * LARGE + b'"]}')
        if kind == 1:
            return http("POST", path, b"[" * 100, {"content-length": str(10**15)})
        if kind == 2:
            chunks = (b"%x\r\n%b\r\n" % (2**16, b"a" * 2**16)) * (LARGE // 2**16)
            head = f"POST {path} HTTP/1.1\r\nhost: {HOST}\r\ntransfer-encoding: chunked\r\n\r\n"
            return head.encode() + chunks
        if kind == 3:
            return http(
                "GET", path, headers={"x-large": "a" * self.random.randrange(60_000, 300_000)}
            )
        if kind == 4:
            return http("GET", "/" + "a" * self.random.randrange(60_000, 300_000))
        return http("GET", path, headers={f"x-{number}": "a" * 20 for number in range(5_000)})

    def path(self) -> bytes:
        """A method and a path that mean little, with characters that a client can send."""
        parts = ["v1", "models", "V1", "..", ".", "%2e%2e", "%00", "%ff", "%", "", "metadata"]
        parts += ["versions", "labels", "1", "-1", "0" * 50, "9" * 100, "stable", ":predict"]
        parts += [*self._models, *(f"{name}:predict" for name in self._models), "%E4%BD%A0"]
        parts += ["a" * 5_000, "healthz", "readyz", "?a=b", "#", "monitoring", "openapi.json"]
        chosen = self.random.choices(parts, k=self.random.randrange(1, 7))
        start = self.random.choice(
            ("/", "/v1/models/", "/v1/models/", f"/v1/models/{self._name()}/")
        )
        methods = ("GET",) * 4 + ("POST",) * 4 + ("PUT", "DELETE", "HEAD", "OPTIONS", "PATCH")
        method = self.random.choice(methods)
        content = self._body(self._name()) if method == "POST" else b""
        return http(method, start + "/".join(chosen), content)

    def malformed(self) -> bytes:
        """Bytes that are no HTTP, or only nearly."""
        good = http("POST", self._predict(), self._good())
        kinds: tuple[Callable[[], bytes], ...] = (
            lambda: self.random.randbytes(self.random.randrange(1, 500)),
            lambda: good[: self.random.randrange(1, len(good))],
            lambda: self._mutated(good),
            lambda: good.replace(b"\r\n", b"\n"),
            lambda: good.replace(
                b"HTTP/1.1", self.random.choice((b"HTTP/9.9", b"HTTP/0.9", b"HTTP"))
            ),
            lambda: self._with_header(b"content-length: %b" % self._length()),
            lambda: self._with_header(b"transfer-encoding: chunked\r\ncontent-length: 4"),
            lambda: self._with_header(b"transfer-encoding: %b" % self._coding()),
            lambda: self._with_header(b"a\x00b: c"),
            lambda: self._with_header(b" folded: a\r\n more"),
            lambda: self._with_header(
                b"expect: 100-continue\r\nconnection: upgrade\r\nupgrade: h2c"
            ),
            lambda: self._with_header(b"host: a\r\nhost: b"),
            lambda: PREFACE + self._frame(),
            lambda: b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + self.random.randbytes(300),
            lambda: b"GET /" + self.random.randbytes(30) + b" HTTP/1.1\r\nhost: a\r\n\r\n",
            lambda: good * 3 + self.random.randbytes(20),
            lambda: b"\r\n" * 2_000,
        )
        return bytes(self.random.choice(kinds)())

    def smuggling(self) -> tuple[bytes, int]:
        """A request with another one hidden in its body, and the most answers to it."""
        return smuggling(self.random, self._good(), self._predict())

    def frames(self) -> bytes:
        """HTTP/2 with frames that are cut, random, or far too many."""
        settings = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
        ping = b"\x00\x00\x08\x06\x00\x00\x00\x00\x00" + bytes(8)
        reset = b"".join(
            self._frame(1, 5, number, b"\x82\x84\x86") + self._frame(3, 0, number, bytes(4))
            for number in range(1, 400, 2)
        )
        kinds: tuple[Callable[[], bytes], ...] = (
            lambda: self.random.randbytes(self.random.randrange(1, 400)),
            lambda: PREFACE[: self.random.randrange(1, len(PREFACE))],
            lambda: PREFACE + settings + self.random.randbytes(self.random.randrange(400)),
            lambda: PREFACE + settings + b"".join(self._frame() for _ in range(8)),
            lambda: PREFACE + settings * 500,
            lambda: PREFACE + settings + ping * 500,
            lambda: PREFACE + settings + reset,
            lambda: PREFACE + settings + self._frame(1, 0, 1, b"\x82") + self._frame(9, 0, 1) * 200,
            lambda: PREFACE + settings + self._frame(1, 4, 1, self.random.randbytes(100)),
            lambda: PREFACE + settings + b"\xff\xff\xff\x00\x00\x00\x00\x00\x01" + bytes(100),
        )
        return self.random.choice(kinds)()

    def message(self, good: bytes) -> bytes:
        """The bytes of a gRPC message that is not what it should be."""
        group = b"\x0b" * self.random.choice((10, 1_000, DEPTH))
        kinds: tuple[Callable[[], bytes], ...] = (
            lambda: good[: self.random.randrange(len(good))],
            lambda: self._mutated(good),
            lambda: self._mutated(good),
            lambda: self.random.randbytes(self.random.randrange(300)),
            lambda: group,
            lambda: good + group,
            lambda: good * self.random.randrange(2, 50),
            lambda: b"",
        )
        return self.random.choice(kinds)()

    def _body(self, name: str) -> bytes:
        kind = self.random.randrange(10)
        if kind == 0:
            return self._mutated(self._good(name))
        if kind == 1:
            token = self.random.choice(_TOKENS)
            return b'{"instances":[%b]}' % self.random.choice((token, b"[%b,1]" % token))
        if kind == 2:
            return b'{"instances":["' + self.random.randbytes(20) + b'"]}'
        if kind == 3:
            return json.dumps({"instances": [self._picture()]}).encode()
        if kind == 4:
            return b'{"instances":[{"%b":"\\ud800"}]}' % self.random.choice(_NAMES).encode()
        if kind == 5:
            count = self.random.choice((0, 1, 2, 1_000, 1_025, 5_000))
            return json.dumps({"instances": [self._value(1)] * count}).encode()
        pairs = [
            json.dumps(self.random.choice(_KEYS)) + ":" + json.dumps(self._value(3))
            for _ in range(self.random.randrange(4))
        ]
        wanted = json.dumps(self.random.choice(_KEYS[:2])) + ":" + json.dumps(self._value(3))
        return ("{" + ",".join([*pairs, wanted]) + "}").encode("utf-8", "surrogatepass")

    def _value(self, depth: int) -> Any:
        """Anything that JSON can say, more often something near to what is right."""
        kind = self.random.randrange(8 if depth else 3)
        if kind < 2:
            return self.random.choice(_SCALARS)
        if kind == 2:
            good = self._models[self._name()]
            return self.random.choice((good, *good.values()))
        if kind < 6:
            return [self._value(depth - 1) for _ in range(self.random.randrange(4))]
        keys = self.random.choices((*_NAMES, *_KEYS), k=self.random.randrange(3))
        return {key: self._value(depth - 1) for key in keys}

    def _picture(self) -> dict[str, Any]:
        """Bytes of a picture that is broken, or says that it is enormous."""
        width = self.random.choice((0, 1, 32, 40_000, 2**31 - 1, 2**32 - 1))
        header = struct.pack(
            ">IIBBBBB", width, width, 8, self.random.choice((0, 2, 3, 6, 9)), 0, 0, 0
        )
        chunk = b"IHDR" + header
        made = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk
        made += struct.pack(">I", zlib.crc32(chunk)) + self.random.randbytes(
            self.random.randrange(80)
        )
        given = self._models[self._picture_name()]["image_bytes"]["b64"]
        content = self.random.choice(
            (made, self._mutated(base64.b64decode(given)), b"GIF89a" + self.random.randbytes(60))
        )
        return {"image_bytes": {"b64": base64.b64encode(content).decode()}}

    def _mutated(self, content: bytes) -> bytes:
        changed = bytearray(content)
        for _ in range(self.random.randrange(1, 6)):
            place = self.random.randrange(len(changed) or 1)
            kind = self.random.randrange(4)
            if kind == 0:
                changed[place : place + 1] = self.random.randbytes(1)
            elif kind == 1:
                del changed[place : place + self.random.randrange(1, 20)]
            elif kind == 2:
                changed[place:place] = self.random.randbytes(self.random.randrange(1, 10))
            else:
                changed[place:place] = changed[place : place + 40]
        return bytes(changed)

    def _frame(
        self, kind: int | None = None, flags: int | None = None, stream: int = 0, body: bytes = b""
    ) -> bytes:
        if kind is None:
            kind, flags = self.random.randrange(12), self.random.randrange(256)
            stream = self.random.choice((0, 1, 2, 3, 2**31 - 1))
            body = self.random.randbytes(self.random.randrange(60))
        length = struct.pack(">I", len(body))[1:]
        return length + bytes((kind, flags or 0)) + struct.pack(">I", stream) + body

    def _with_header(self, line: bytes) -> bytes:
        content = self._good()
        path = self._predict().encode()
        return b"POST %b HTTP/1.1\r\nhost: a\r\n%b\r\n\r\n%b" % (path, line, content)

    def _length(self) -> bytes:
        lengths = (
            b"-1",
            b"abc",
            b"",
            b"1e3",
            b"0x10",
            b"9" * 40,
            b"+5",
            b"5, 5",
            b"5\r\ncontent-length: 6",
        )
        return self.random.choice(lengths)

    def _coding(self) -> bytes:
        codings = (
            b"chunked, chunked",
            b"gzip, chunked",
            b"identity",
            b"xchunked",
            b"chunked\x00",
            b"",
        )
        return self.random.choice(codings)

    def _good(self, name: str | None = None) -> bytes:
        return json.dumps({"instances": [self._models[name or self._name()]]}).encode()

    def _name(self) -> str:
        return self.random.choice(sorted(self._models))

    def _picture_name(self) -> str:
        return next(name for name, row in self._models.items() if "image_bytes" in row)

    def _predict(self) -> str:
        return f"/v1/models/{self._name()}:predict"


@functools.cache
def bomb() -> bytes:
    """Zeros that unpack to ``BOMB`` bytes."""
    return gzip.compress(bytes(BOMB), 9, mtime=0)
