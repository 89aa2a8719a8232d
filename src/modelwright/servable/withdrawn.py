"""The list of a model's withdrawn versions, ``models/NAME/withdrawn.json``.

``rollback`` writes it, and Modelwright's server obeys it. A version that is exported later is newer
than every withdrawn one and goes live as usual. TensorFlow Serving does not read this file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from modelwright.core.errors import ServableError
from modelwright.core.files import write_json
from modelwright.servable.live_version import version_number

WITHDRAWN_FILE = "withdrawn.json"


def read_withdrawn(model: Path) -> frozenset[int]:
    """Returns the numbers of a model's withdrawn versions.

    Raises:
        ServableError: the file cannot be read.
    """
    path = model / WITHDRAWN_FILE
    try:
        listed = json.loads(path.read_text("utf-8"))["versions"]
        if not isinstance(listed, list):
            raise TypeError(f"versions is {listed!r}")
        return frozenset(map(_number, listed))
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServableError(
            f'{path} cannot be read: {error}; expected {{"versions": [NUMBER, ...]}}.'
        ) from None


def write_withdrawn(model: Path, versions: Iterable[int]) -> None:
    """Replaces the list of withdrawn versions."""
    write_json(model / WITHDRAWN_FILE, {"versions": sorted(versions)})


def _number(value: object) -> int:
    """Returns a version's number, which someone may have written as text."""
    number = version_number(str(value)) if type(value) in (int, str) else None
    if number is None:
        raise ValueError(f"{value!r} is no version")
    return number
