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

WITHDRAWN_FILE = "withdrawn.json"


def read_withdrawn(model: Path) -> frozenset[int]:
    """Returns the numbers of a model's withdrawn versions.

    Raises:
        ServableError: the file cannot be read.
    """
    path = model / WITHDRAWN_FILE
    try:
        return frozenset(
            int(version) for version in json.loads(path.read_text("utf-8"))["versions"]
        )
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServableError(
            f'{path} cannot be read: {error}; expected {{"versions": [NUMBER, ...]}}.'
        ) from None


def write_withdrawn(model: Path, versions: Iterable[int]) -> None:
    """Replaces the list of withdrawn versions."""
    write_json(model / WITHDRAWN_FILE, {"versions": sorted(versions)})
