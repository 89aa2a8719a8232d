"""Versions that were taken back: a list beside a model's versions, which servers read.

``models/NAME/withdrawn.json``. What is exported later is newer than what was withdrawn, and is
served as usual. TensorFlow Serving does not read it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from modelwright.core.errors import ServableError
from modelwright.core.files import write_json

FILE = "withdrawn.json"


def read(model: Path) -> frozenset[int]:
    """The numbers of a model's withdrawn versions.

    Raises:
        ServableError: the file cannot be read.
    """
    path = model / FILE
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


def write(model: Path, versions: Iterable[int]) -> None:
    """Withdraw these versions and no others."""
    write_json(model / FILE, {"versions": sorted(versions)})
