"""The tables of a benchmark's JSON: a row with the medians of each side, and the ratios.

It reads the JSON of every script in ``benchmarks/``: each part with ``medians`` becomes a table.
This module measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelwright.core import markdown
from modelwright.studies.tables import EMPTY, TableHeaders, TextRows
from modelwright.studies.translations import PageLanguage, say

JsonPart = Mapping[str, Any]
_COLUMNS = {
    "reviews": ("reviews", ",.0f"),
    "rows_per_second": ("rows/s", ",.0f"),
    "cpu_us_per_row": ("CPU µs per row", ",.1f"),
    "pictures_per_second": ("images/s", ",.0f"),
    "steps_per_second": ("steps/s", ".3f"),
    "reached_seconds": ("seconds to target", ",.1f"),
    "reached_epoch": ("epoch at target", ".0f"),
    "seconds": ("s", ",.2f"),
    "step_seconds": ("s per step", ".4f"),
    "preparing_seconds": ("s to prepare a batch", ".4f"),
    "waiting_share": ("waiting", ".1%"),
    "opening_seconds": ("s to open", ".2f"),
    "loading_seconds": ("s loading", ",.1f"),
    "vocabulary_seconds": ("s for the vocabulary", ",.1f"),
    "encoding_seconds": ("s encoding", ",.1f"),
    "training_seconds": ("s per epoch", ",.1f"),
    "measuring_seconds": ("s measuring", ",.1f"),
    "all_seconds": ("s in total", ",.1f"),
    "all_cpu": ("CPU s", ",.1f"),
    "epochs": ("epochs", ".4g"),
    "val_accuracy": ("validation", ".2%"),
    "best_val_accuracy": ("best validation", ".2%"),
    "end_val_accuracy": ("validation at the end", ".2%"),
    "test_accuracy": ("test", ".2%"),
    "mib": ("MiB", ",.2f"),
    "times_smaller": ("times smaller", ".2f"),
    "accuracy": ("accuracy", ".2%"),
    "points": ("points", "+.2f"),
    "flips": ("flips", ".2%"),
    "max_difference": ("largest difference", ".1e"),
    "p50_ms": ("p50 ms", ",.3f"),
    "p95_ms": ("p95 ms", ",.3f"),
    "p99_ms": ("p99 ms", ",.3f"),
    "network_ms": ("network ms", ",.3f"),
    "cold_seconds": ("cold start s", ",.2f"),
    "peak_mib": ("peak MiB", ",.0f"),
    "all_mib": ("peak MiB", ",.0f"),
    "grown_mib": ("MiB for data", ",.0f"),
    "requests_per_second@1": ("requests/s at 1", ",.0f"),
    "p50_ms@1": ("p50 ms at 1", ",.2f"),
    "p99_ms@1": ("p99 ms at 1", ",.2f"),
    "requests_per_second@8": ("requests/s at 8", ",.0f"),
    "p50_ms@8": ("p50 ms at 8", ",.2f"),
    "p99_ms@8": ("p99 ms at 8", ",.2f"),
    "requests_per_second@64": ("requests/s at 64", ",.0f"),
    "p50_ms@64": ("p50 ms at 64", ",.2f"),
    "p99_ms@64": ("p99 ms at 64", ",.2f"),
    "cpu_ms@8": ("CPU ms at 8", ",.3f"),
    "ready_seconds": ("s until ready", ",.2f"),
    "rss_mib_of_a_worker": ("MiB per worker", ",.0f"),
    "rss_mib": ("MiB resident", ",.0f"),
    "requests": ("requests", ",.0f"),
    "broken": ("broken rules", ",.0f"),
    "asked": ("valid requests", ",.0f"),
    "not_right": ("wrong answers to them", ",.0f"),
    "failed": ("failed", ",.0f"),
    "wrong": ("wrong answers", ",.0f"),
    "retried_after_kill": ("sent again after a kill", ",.0f"),
    "not_shown": ("changes not seen", ",.0f"),
    "answered": ("answered", ",.0f"),
    "accepted": ("in flight at the stop", ",.0f"),
    "accepted_unanswered": ("unanswered of these", ",.0f"),
    "seconds_to_end_max": ("max s to exit", ",.2f"),
    "pss_mib_first": ("MiB at the start", ",.0f"),
    "pss_mib_half": ("MiB halfway", ",.0f"),
    "pss_mib_last": ("MiB at the end", ",.0f"),
    "pss_mib_max": ("max MiB", ",.0f"),
    "rss_mib_max": ("max MiB per worker", ",.0f"),
    "weights": ("weights", ",.0f"),
    "precision": ("precision", ""),
    "version": ("version", ""),
}
"""The medians that are shown, in this order: the header of each column and its format."""
_TABLE_KEYS = ("medians", "totals")
"""Keys of the parts that become tables, by side."""
_METADATA = ("date", "machine", "load_before", "load_after", "options", "rounds", "batch")
"""Keys that are not results."""


def benchmark_markdown(record: JsonPart, language: PageLanguage = "en") -> str:
    """Returns the tables of a benchmark, the ratios, and the machine they were measured on."""
    parts = []
    for path, part in _parts(record, ()):
        headers, rows = _table(next(part[key] for key in _TABLE_KEYS if key in part), language)
        shown = [markdown.table(headers, rows)]
        if path:
            shown.insert(0, f"`{', '.join(path)}`")
        if ratios := list(_ratios(part, language)):
            shown.append("\n".join(f"- {line}" for line in ratios))
        parts += shown
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in _notes(record, language))])


def _parts(record: JsonPart, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], JsonPart]]:
    """Yields every part that has a table, with the path of keys to it."""
    if any(key in record for key in _TABLE_KEYS):
        yield path, record
        return
    for key, value in record.items():
        if isinstance(value, Mapping) and not (not path and key in _METADATA):
            yield from _parts(value, (*path, key))


def _table(medians: JsonPart, language: PageLanguage) -> tuple[TableHeaders, TextRows]:
    keys = [
        key for key in _COLUMNS if any(figures.get(key) is not None for figures in medians.values())
    ]
    rows: TextRows = [
        (side, *(_cell(figures.get(key), _COLUMNS[key][1]) for key in keys))
        for side, figures in medians.items()
    ]
    return tuple(say(word, language) for word in ("side", *(_COLUMNS[k][0] for k in keys))), rows


def _cell(value: object, spec: str) -> str:
    if value is None:
        return EMPTY
    # The reason for a precision follows it in parentheses.
    return format(value, spec).replace("%", " %") if spec else str(value).partition(" (")[0]


def _ratios(part: JsonPart, language: PageLanguage) -> Iterator[str]:
    """Yields the values next to the medians, under their names in the JSON."""
    for key, value in part.items():
        if key not in (*_TABLE_KEYS, "runs", "spread", *_METADATA) and (shown := _shown(value)):
            yield say("{name}: {values}", language, name=f"`{key}`", values=shown)


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        pairs = ((name, _shown(one)) for name, one in value.items())
        return ", ".join(
            f"{name} ({one})" if isinstance(value[name], Mapping) else f"{name} {one}"
            for name, one in pairs
            if one
        )
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, int | float) else ""


def _notes(record: JsonPart, language: PageLanguage) -> Iterator[str]:
    machine = record["machine"]
    shown = (f"{name} {version}" for name, version in machine["versions"].items())
    described = f"{machine['processor']}, {machine['cores']} cores; {', '.join(shown)}"
    date = str(record.get("date", ""))[:10]
    line = say("{date}, {machine}", language, date=date, machine=described) if date else described
    yield line
    if "load_before" in record:
        before, after = (f"{record[key]:.1f}" for key in ("load_before", "load_after"))
        yield say("load average {before} before, {after} after", language,
                  before=before, after=after)  # fmt: skip
    options = {
        key: value
        for key, value in record.get("options", {}).items()
        if value not in (None, "", 0, [], False)
    }
    if options:
        values = ", ".join(f"{key} {_option(value)}" for key, value in options.items())
        yield say("options: {values}", language, values=values)


def _option(value: object) -> str:
    return " ".join(map(str, value)) if isinstance(value, list) else str(value)
