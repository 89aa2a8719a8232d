"""The files of the web page to try models, and of the API reference.

The page loads everything from the server itself, so it works without a network. It has no template
language: it fetches what it shows and writes it as text. This package only reads files.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from types import MappingProxyType

_SCRIPT = "text/javascript; charset=utf-8"
_HTML = "text/html; charset=utf-8"

ASSETS = MappingProxyType(
    {
        "/": ("index.html", _HTML),
        "/docs": ("docs.html", _HTML),
        "/page/answer.js": ("answer.js", _SCRIPT),
        "/page/curl.js": ("curl.js", _SCRIPT),
        "/page/docs.js": ("docs.js", _SCRIPT),
        "/page/dom.js": ("dom.js", _SCRIPT),
        "/page/explanation.js": ("explanation.js", _SCRIPT),
        "/page/icon.svg": ("icon.svg", "image/svg+xml"),
        "/page/input.js": ("input.js", _SCRIPT),
        "/page/page.css": ("page.css", "text/css; charset=utf-8"),
        "/page/page.js": ("page.js", _SCRIPT),
        "/page/server.js": ("server.js", _SCRIPT),
        "/page/translations.js": ("translations.js", _SCRIPT),
    }
)
"""Maps the path of a request to the name of a file, and its content type."""

HEADERS = MappingProxyType(
    {
        # Scripts, styles and requests go to this server only; a chosen image is shown from memory.
        # With trusted types, no script can turn a text, such as a label, into HTML.
        "content-security-policy": "; ".join(
            (
                "default-src 'none'",
                "script-src 'self'",
                "style-src 'self'",
                "img-src 'self' data: blob:",
                "connect-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
            )
        ),
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cross-origin-resource-policy": "same-origin",
        "permissions-policy": "camera=(), geolocation=(), microphone=()",
        "cache-control": "no-cache",
    }
)
"""Headers of every answer with one of the files; names in small letters, as in ASGI."""


def asset(path: str) -> tuple[bytes, str] | None:
    """Returns the content and the content type for a request's path; None if no file has it.

    Only files in ``ASSETS`` are opened, so no path can lead elsewhere. Each file is read once.

    >>> content, content_type = asset("/page/page.css")
    >>> content_type
    'text/css; charset=utf-8'
    """
    if path not in ASSETS:
        return None
    name, content_type = ASSETS[path]
    return _read_file(name), content_type


@cache
def _read_file(name: str) -> bytes:
    return files(__name__).joinpath(name).read_bytes()
