"""The file that repeats a stream study, written from its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import tomli_w

from modelwright.core.config import Config, check_table
from modelwright.core.errors import ModelwrightError
from modelwright.learning.lesson import Strength
from modelwright.recipes.resolve import merge_tables, nest_setting
from modelwright.reporting.commands_section import changed_settings
from modelwright.streams.orders import draw_orders
from modelwright.streams.stream_record import StreamRecord

COLUMN = "NAME OF THE COLUMN"
"""What stands for the column of the domains if the record does not have it."""
_JOINT = " + "


def stream_file(record: StreamRecord) -> str | None:
    """Returns the TOML file that gives a study, to be saved in the folder where it was run.

    The records of earlier versions do not name the column of the domains; then ``COLUMN`` stands
    for it.

    Returns:
        None if no file can say it: the recipe is not here, or the record was changed.
    """
    try:
        config = check_table(Config, record.config, "config")
        tables = _tables(record, config)
        return None if tables is None else tomli_w.dumps(tables)
    except (ModelwrightError, TypeError, ValueError):
        return None


def drawn_at_random(record: StreamRecord) -> bool:
    """Returns whether the orders of a study are those that are drawn for its names."""
    size = record.classes or 1
    try:
        drawn = draw_orders(len(record.orders), record.domains, size)
    except (ModelwrightError, ValueError):
        return False
    return tuple(one.names for one in drawn) == record.orders


def _tables(record: StreamRecord, config: Config) -> dict[str, Any] | None:
    changed = changed_settings(config)
    orders = _orders(record)
    if changed is None or orders is None:
        return None
    sources = record.settings.get("sources")
    own: dict[str, Any] = {"name": record.name, "data": {}, "model": {"recipe": config.recipe}}
    if not sources:
        own["data"] = {"source": config.data.source}
    tables = merge_tables(own, *(nest_setting(key, value) for key, value in changed.items()))
    if not tables["data"]:
        del tables["data"]
    return {**tables, "stream": {**_stream(record, sources), "orders": orders, **_rest(record)}}


def _stream(record: StreamRecord, sources: Mapping[str, str] | None) -> dict[str, Any]:
    if record.classes is not None:
        return {"classes": record.classes}
    if sources:
        named = [{"name": name, "source": source} for name, source in sources.items()]
        return {"domain": named}
    return {"domains": record.settings.get("domains") or COLUMN}


def _orders(record: StreamRecord) -> int | list[list[str]] | None:
    if drawn_at_random(record):
        return len(record.orders)
    orders = [list(order) for order in record.orders]
    if record.classes is not None:
        orders = [[name for step in order for name in step.split(_JOINT)] for order in orders]
    known = sorted(record.domains)
    return orders if all(sorted(order) == known for order in orders) else None


def _rest(record: StreamRecord) -> dict[str, Any]:
    settings, usual = record.settings, vars(Strength())
    strength = {
        key: value
        for key, value in (settings.get("strength") or {}).items()
        if usual.get(key) != value
    }
    found: dict[str, Any] = {
        "seeds": list(record.seeds),
        "strategies": [one.name for one in record.strategies],
        "keep": record.keep,
        "limit": settings.get("limit"),
        "grow_tokens": settings.get("grow_tokens") or None,
        "epochs": settings.get("epochs"),
        "rate": settings.get("rate"),
        "strength": strength or None,
    }
    return {key: value for key, value in found.items() if value is not None}
