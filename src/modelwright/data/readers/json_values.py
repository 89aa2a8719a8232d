"""The values of JSON objects as cells of a table: names of nested keys, texts and labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from modelwright.core.terminal import shorten

_DEEPEST = 4


def column_names(objects: Sequence[dict[str, Any]]) -> list[str]:
    """Returns the keys of objects in order, those of nested objects as ``data.text``."""
    names: dict[str, None] = {}
    for value in objects:
        _add_names(value, "", names, _DEEPEST)
    return list(names)


def get_value(value: dict[str, Any], key: str) -> Any:
    """Returns the value under a key, or under ``data.text`` the value of a nested object."""
    if key in value:
        return value[key]
    found: Any = value
    for part in key.split("."):
        if not isinstance(found, dict):
            return None
        found = found.get(part)
    return found


def text(value: Any) -> str | TypeError | None:
    """Returns a value as text, or what is wrong with it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or isinstance(value, int):
        return None if value is None else str(value)
    if not isinstance(value, str):
        return TypeError("has a value that is not a text")
    try:
        value.encode()
    except UnicodeEncodeError:
        return TypeError("has a value that is not a text")
    return value


def read_label(value: Any, key: str) -> str | TypeError | None:
    """Returns a label as text, the entry of a list of one, or what is wrong with it."""
    if isinstance(value, list):
        if len(value) > 1:
            shown = shorten(", ".join(map(str, value)), 40)
            return TypeError(f"has {len(value)} labels ({shown}) in '{key}'; expected one")
        value = value[0] if value else None
    if isinstance(value, dict):
        inner = next(iter(value), "name")
        return TypeError(
            f"has an object with the keys {shorten(', '.join(value), 40)} as its label; name one "
            f'of them: data.label = "{key}.{inner}" (--label-column {key}.{inner})'
        )
    if isinstance(value, float) and not value.is_integer():
        return None if math.isnan(value) else str(value)
    return text(value)


def _add_names(value: dict[str, Any], prefix: str, names: dict[str, None], deepest: int) -> None:
    for key, inner in value.items():
        names.setdefault(f"{prefix}{key}")
        if isinstance(inner, dict) and deepest > 1:
            _add_names(inner, f"{prefix}{key}.", names, deepest - 1)
