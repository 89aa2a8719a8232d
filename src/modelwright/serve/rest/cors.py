"""Cross-origin requests: which other sites' pages may call the REST interface from a browser.

A browser sends no cookies and no certificates with these requests, because no answer allows it. A
page shows an API key as any other client, in the header ``Authorization``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

ANY = "*"
_ALLOWED = b"authorization, content-type, content-encoding, x-request-id"
_EXPOSED = b"x-model-version, x-request-id, retry-after"
_SECONDS = b"600"

Headers = list[tuple[bytes, bytes]]


class Cors:
    """The origins that may call, each as a browser writes it, or ``*`` for all."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origin.encode("latin-1") for origin in origins)
        self._any = ANY in origins

    def headers(self, request: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Returns the headers that let a page read an answer; none for other origins."""
        headers: Headers = [] if self._any else [(b"vary", b"origin")]
        origin = _value(request, b"origin")
        if origin is not None and (self._any or origin in self._origins):
            allowed = ANY.encode() if self._any else origin
            headers.append((b"access-control-allow-origin", allowed))
            headers.append((b"access-control-expose-headers", _EXPOSED))
        return headers

    def preflight(
        self, request: Iterable[tuple[bytes, bytes]], methods: Sequence[str]
    ) -> tuple[tuple[str, str], ...]:
        """Returns the headers that answer a browser's question before a request.

        Args:
            request: the headers of the question.
            methods: those that its path takes.
        """
        asked = _value(request, b"access-control-request-method") is not None
        if not asked or len(self.headers(request)) < 2:
            return ()
        return (
            ("access-control-allow-methods", ", ".join(methods)),
            ("access-control-allow-headers", _ALLOWED.decode()),
            ("access-control-max-age", _SECONDS.decode()),
        )


def _value(headers: Iterable[tuple[bytes, Any]], name: bytes) -> bytes | None:
    return next((value for key, value in headers if key == name), None)
