"""An answer of the REST interface before it is sent."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from modelwright.serve.errors import HTTP, Refused
from modelwright.serve.rest.body import BodyTooLarge

JSON = "application/json"
TOO_LARGE = 413
NOT_ALLOWED = 405

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Reply:
    """A status, a body, its content type, and further headers."""

    status: int
    content: bytes = b""
    content_type: str = JSON
    headers: Headers = ()


def json_reply(value: Any, status: int = 200, headers: Headers = ()) -> Reply:
    """Returns a reply whose body is JSON."""
    content = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return Reply(status, content, JSON, headers)


def refusal_reply(error: Refused) -> Reply:
    """Returns the reply to a refused request, with its error message as JSON."""
    status = TOO_LARGE if isinstance(error, BodyTooLarge) else HTTP[error.code]
    headers: Headers = ()
    if error.retry_after is not None:
        headers = (("retry-after", str(math.ceil(error.retry_after))),)
    if status == HTTP["UNAUTHENTICATED"]:
        headers = (*headers, ("www-authenticate", "Bearer"))
    return json_reply({"error": error.message}, status, headers)


def not_allowed_reply(method: str, path: str, allowed: tuple[str, ...]) -> Reply:
    """Returns the reply to a method that a path does not take."""
    message = {"error": f"{path} takes {' and '.join(allowed)}; {method[:20]} was given."}
    headers = (("allow", ", ".join(allowed)),)
    return Reply(NOT_ALLOWED, json.dumps(message).encode(), headers=headers)
