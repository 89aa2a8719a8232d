"""Reads the report of an update back from its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from modelwright.updating.gate import Change, Verdict
from modelwright.updating.report import Tried, UpdateReport


def report_from_record(record: Mapping[str, Any]) -> UpdateReport:
    """Returns the report that ``UpdateReport.to_dict`` described."""
    known = {one.name for one in fields(UpdateReport)}
    values = {key: value for key, value in record.items() if key in known}
    labels = tuple(record["labels"])
    classes = {
        labels.index(one["label"]): (one["before"], one["after"], 0.0) for one in record["classes"]
    }
    values |= {
        "model": Path(record["model"]),
        "path": Path(record["path"]) if record["path"] else None,
        "old": _change(record["old"], classes),
        "new": _change(record["new"]),
        "candidates": tuple(map(_tried, record["candidates"])),
        "labels": labels,
        "notes": tuple(record["notes"]),
    }
    return UpdateReport(**values)


def _tried(record: Mapping[str, Any]) -> Tried:
    old, new = _change(record["old"]), _change(record["new"])
    reasons = () if record["passed"] else (record["reason"],)
    verdict = Verdict(old, new, reasons) if old and new else None
    return Tried(record["name"], verdict, record["reason"], record["seconds"])


def _change(
    record: Mapping[str, Any] | None,
    classes: Mapping[int, tuple[float, float, float]] | None = None,
) -> Change | None:
    if record is None:
        return None
    low, high = record["interval"]
    return Change(
        record["rows"],
        record["before"],
        record["after"],
        (low, high),
        record["level"],
        classes or {},
    )
