"""Reads JSON files that this program wrote, perhaps in another version, and says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from modelwright.core.errors import RunError


class StoredRecord(BaseModel):
    """A part of a JSON file. Unknown keys are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


Record = TypeVar("Record", bound=BaseModel)


def read_record(
    path: Path, record: type[Record], *, kind: str, version: int, command: str
) -> Record | None:
    """Returns what a JSON file records, or None if the file holds something else.

    Args:
        path: the file.
        record: what it is read as.
        kind: its ``kind``, such as ``study``.
        version: its ``format``.
        command: the command that writes such files.

    Raises:
        RunError: the file cannot be read, or has another format.
    """
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read as a {kind}'s JSON: {error}.") from None
    if not isinstance(content, dict) or content.get("kind") != kind:
        return None
    if content.get("format") != version:
        raise RunError(f"{path} has format {content.get('format')}; this version reads {version}.")
    try:
        return record.model_validate(content)
    except ValidationError as error:
        key, fault = first_fault(error)
        raise RunError(
            f"{path} is not a {kind} as modelwright {command} writes it: '{key}': {fault}."
        ) from None


def first_fault(error: ValidationError) -> tuple[str, str]:
    """Returns the key of the first fault, empty for the whole file, and what is wrong with it."""
    first = error.errors(include_url=False)[0]
    return ".".join(map(str, first["loc"])), first["msg"]


def describe_fault(error: ValidationError) -> str:
    """Returns the first fault in one line, with its key."""
    key, fault = first_fault(error)
    return f"{key}: {fault}" if key else fault
