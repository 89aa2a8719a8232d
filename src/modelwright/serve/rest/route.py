"""What a route of the REST interface is: its request, its handler, and its description.

``routes.py`` holds the table of all routes. Both the routing in ``api.py`` and the OpenAPI document
in ``openapi.py`` follow from that table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

VERSION = "[version]"
"""Stands in a path for an optional ``/versions/NUMBER`` or ``/labels/LABEL``."""
_PARTS = re.compile(r"(\{model\}|\[version\])")
_PATTERNS = {
    "{model}": r"(?P<model>[^/:]+)",
    VERSION: r"(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?",
}


class VersionPath(NamedTuple):
    """One way to name a version in a path."""

    path: str
    suffix: str
    """Ends the operation's name in OpenAPI."""
    words: str
    """Completes the operation's summary."""


VERSION_PATHS = (
    VersionPath("", "", "the live version"),
    VersionPath("/versions/{version}", "Version", "one version"),
    VersionPath("/labels/{label}", "Label", "the version under a label"),
)


@dataclass(frozen=True)
class Content:
    """A body in OpenAPI: a JSON schema by name with named examples, or text of a media type."""

    description: str = ""
    schema: str = ""
    examples: tuple[str, ...] = ()
    media_type: str = "application/json"


@dataclass(frozen=True)
class Docs:
    """The description of a route in OpenAPI."""

    tag: str
    summary: str
    """``{version}`` stands for the words that say which version is meant."""
    answers: Mapping[int, Content]
    refusals: tuple[int, ...]
    description: str = ""
    body: Content | None = None
    without_version: str = VERSION_PATHS[0].words
    """Replaces ``{version}`` in the summary of the path that names no version."""


@dataclass(frozen=True)
class Route:
    """One row of the table: a request, the handler that answers it, and whether it needs a key."""

    name: str
    method: Literal["GET", "POST"]
    """A GET route answers HEAD too."""
    path: str
    handler: str
    """The name of a method of ``RestHandlers``."""
    key: bool
    """Whether the request needs an API key, if the server has keys."""
    docs: Docs
    measured_as: str = ""
    """The label ``API`` in the histogram of latencies; empty for a route that is not measured."""
    pattern: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", _pattern(self.path))

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it answers."""
        return ("GET", "HEAD") if self.method == "GET" else (self.method,)

    @property
    def versioned(self) -> bool:
        """Whether the path may name a version."""
        return VERSION in self.path


def _pattern(path: str) -> re.Pattern[str]:
    """Returns what matches a path. As in TensorFlow Serving, case does not matter."""
    parts = [_PATTERNS.get(part) or re.escape(part) for part in _PARTS.split(path)]
    end = "" if len(parts) > 1 else "/*"
    return re.compile("".join(parts) + end, re.IGNORECASE)
