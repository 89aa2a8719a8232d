"""Which request of the REST interface a method and a path are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote_to_bytes

from modelwright.serve.errors import Refused
from modelwright.serve.service.service import Target

_TARGET = r"([^/:]+)(?:/versions/([0-9]+)|/labels/([^/:]+))?"
_ASK = re.compile(rf"/v1/models/{_TARGET}:(predict|classify|regress)", re.IGNORECASE)
_STATUS = re.compile(rf"/v1/models/{_TARGET}(/metadata)?", re.IGNORECASE)
_LARGEST = 2**63 - 1

Kind = Literal["predict", "classify", "regress", "status", "metadata", "list"]


@dataclass(frozen=True)
class Route:
    """What is asked, and of which model."""

    kind: Kind
    target: Target


LIST = Route("list", Target(""))


def find(method: str, path: str) -> Route:
    """The route of a path below ``/v1/``, which is still percent-encoded.

    Raises:
        Refused: there is none, in TensorFlow Serving's words.
    """
    if method == "POST" and (match := _ASK.fullmatch(path)):
        kind: Kind = match[4].lower()  # type: ignore[assignment]
        return Route(kind, _target(match[1], match[2], match[3]))
    if method in ("GET", "HEAD"):
        if path.lower().rstrip("/") == "/v1/models":
            return LIST
        if match := _STATUS.fullmatch(path):
            kind = "metadata" if match[4] else "status"
            return Route(kind, _target(match[1], match[2], match[3]))
    raise Refused("INVALID_ARGUMENT", f"Malformed request: {method} {path[:200]}")


def _target(name: str, version: str | None, label: str | None) -> Target:
    if version is None:
        return Target(_decoded(name), None, _decoded(label) if label else None)
    if int(version[:20]) > _LARGEST or len(version) > 20:
        raise Refused("INVALID_ARGUMENT", f"Failed to convert version: {version[:40]} to numeric.")
    return Target(_decoded(name), int(version))


def _decoded(name: str) -> str:
    return unquote_to_bytes(name).decode("utf-8", "replace") if "%" in name else name
