"""Where the REST interface is on the web, and which other sites may call it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelwright.core.errors import ConfigError

_ROOT_PATH = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+")
_OWN_PATHS = frozenset(("v1", "page", "docs", "monitoring", "healthz", "readyz", "openapi.json"))
_ORIGIN = re.compile(
    r"(?!https://.*:443$)(?!http://.*:80$)"
    r"[a-z][a-z0-9+.-]*://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?"
)


@dataclass(frozen=True)
class Site:
    """Where the REST interface and its page are on the web, and which other sites may call it."""

    root_path: str = ""
    """The prefix of a proxy, as ``/models``; requests may come with and without it."""
    cors_origins: tuple[str, ...] = ()
    """Origins whose pages may call from a browser, as ``https://app.example``; ``*`` for all."""


def check_site(site: Site) -> None:
    """Checks the prefix and the origins.

    Raises:
        ConfigError: a proxy or a browser never sends one of them as it is given.
    """
    if site.root_path and not _ROOT_PATH.fullmatch(site.root_path):
        raise ConfigError(
            f"--root-path was given '{site.root_path}'; expected the prefix that a proxy adds, as"
            " /models: it begins with / and has letters, digits, /, ., _, ~ and -, but no part"
            " '.' or '..'."
        )
    if site.root_path.split("/")[1:2] and site.root_path.split("/")[1].lower() in _OWN_PATHS:
        raise ConfigError(
            f"--root-path was given '{site.root_path}', which begins like a path of the server"
            " itself; expected another prefix, as /models."
        )
    for origin in site.cors_origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ConfigError(
                f"--cors-origin was given '{origin}'; expected * or an origin as a browser sends"
                " it, in small letters, without a path and without the usual port:"
                " https://app.example or http://localhost:3000. A part of it cannot be *, and"
                " browsers send a host of other letters as xn--…."
            )
