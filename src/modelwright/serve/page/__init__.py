"""The page on which models can be tried, and the reference of the API: files from this folder.

Everything comes from the server itself, so that the page works on a machine without a network.
This package reads files and answers no requests. There is no language of templates: what a
page shows it fetches, and writes as text.
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
        "/page/icon.svg": ("icon.svg", "image/svg+xml"),
        "/page/input.js": ("input.js", _SCRIPT),
        "/page/page.css": ("page.css", "text/css; charset=utf-8"),
        "/page/page.js": ("page.js", _SCRIPT),
        "/page/server.js": ("server.js", _SCRIPT),
        "/page/words.js": ("words.js", _SCRIPT),
    }
)
"""Path of a request: name of the file here, and its content type."""

HEADERS = MappingProxyType(
    {
        # Scripts, styles and requests from this server only; a picture that was chosen is shown
        # from memory. With trusted types no script can turn a text, such as a label, into HTML.
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
"""Headers of every answer that carries one of the files, names in small letters as in ASGI."""


@cache
def asset(path: str) -> tuple[bytes, str] | None:
    """The content and the content type of a path of a request, or None where it is none of ours.

    Only names in ``ASSETS`` are ever opened, so that no path leads elsewhere. Each is read once.

    >>> content, kind = asset("/page/page.css")
    >>> kind
    'text/css; charset=utf-8'
    """
    if path not in ASSETS:
        return None
    name, kind = ASSETS[path]
    return files(__name__).joinpath(name).read_bytes(), kind
