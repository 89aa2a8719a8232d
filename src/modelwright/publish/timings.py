"""The table of a benchmark's kept JSON: one row a side with its medians, and the ratios.

It reads what ``benchmarks/`` wrote, whichever script that was: every part that has ``medians``
becomes a table. It measures nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelwright.studies.tables import Rows, markdown_table
from modelwright.studies.translations import Language, say

Record = Mapping[str, Any]
_NONE = "—"
_COLUMNS = {
    "reviews": ("reviews", ",.0f"),
    "rows_per_second": ("rows/s", ",.0f"),
    "pictures_per_second": ("pictures/s", ",.0f"),
    "steps_per_second": ("steps/s", ".3f"),
    "reached_seconds": ("s to the target", ",.1f"),
    "reached_epoch": ("epoch of it", ".0f"),
    "seconds": ("s", ",.2f"),
    "step_seconds": ("s a step", ".4f"),
    "preparing_seconds": ("s to prepare", ".4f"),
    "waiting_share": ("waiting", ".1%"),
    "opening_seconds": ("s to open", ".2f"),
    "loading_seconds": ("s loading", ",.1f"),
    "vocabulary_seconds": ("s vocabulary", ",.1f"),
    "encoding_seconds": ("s encoding", ",.1f"),
    "training_seconds": ("s an epoch", ",.1f"),
    "measuring_seconds": ("s measuring", ",.1f"),
    "all_seconds": ("s in all", ",.1f"),
    "all_cpu": ("s of all cores", ",.1f"),
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
    "network_ms": ("ms of the network", ",.3f"),
    "cold_seconds": ("s cold", ",.2f"),
    "peak_mib": ("peak MiB", ",.0f"),
    "all_mib": ("peak MiB", ",.0f"),
    "grown_mib": ("of it for data", ",.0f"),
    "requests_per_second@1": ("requests/s at 1", ",.0f"),
    "p50_ms@1": ("p50 ms at 1", ",.2f"),
    "p99_ms@1": ("p99 ms at 1", ",.2f"),
    "requests_per_second@8": ("requests/s at 8", ",.0f"),
    "p50_ms@8": ("p50 ms at 8", ",.2f"),
    "p99_ms@8": ("p99 ms at 8", ",.2f"),
    "requests_per_second@64": ("requests/s at 64", ",.0f"),
    "p50_ms@64": ("p50 ms at 64", ",.2f"),
    "p99_ms@64": ("p99 ms at 64", ",.2f"),
    "cpu_ms@8": ("ms of processor at 8", ",.3f"),
    "ready_seconds": ("s to be ready", ",.2f"),
    "rss_mib_of_a_worker": ("MiB a worker", ",.0f"),
    "rss_mib": ("MiB resident", ",.0f"),
    "requests": ("requests", ",.0f"),
    "broken": ("rules broken", ",.0f"),
    "asked": ("honest requests", ",.0f"),
    "not_right": ("of them not right", ",.0f"),
    "failed": ("failed", ",.0f"),
    "wrong": ("wrong answers", ",.0f"),
    "retried_after_kill": ("sent again after a kill", ",.0f"),
    "not_shown": ("changes not seen", ",.0f"),
    "answered": ("answered", ",.0f"),
    "accepted": ("on their way at the stop", ",.0f"),
    "accepted_unanswered": ("of them not answered", ",.0f"),
    "seconds_to_end_max": ("s to the end at most", ",.2f"),
    "pss_mib_first": ("MiB at first", ",.0f"),
    "pss_mib_half": ("MiB half-way", ",.0f"),
    "pss_mib_last": ("MiB at last", ",.0f"),
    "pss_mib_max": ("MiB at most", ",.0f"),
    "rss_mib_max": ("MiB a worker at most", ",.0f"),
    "weights": ("weights", ",.0f"),
    "precision": ("precision", ""),
    "version": ("version", ""),
}
"""What is shown of the medians, in this order: the word of its column and its form."""
_FIGURES = ("medians", "totals")
"""Keys of what is shown, by side."""
_ABOUT = ("date", "machine", "load_before", "load_after", "options", "rounds", "batch")
"""Keys beside the results."""


def markdown(record: Record, language: Language = "en") -> str:
    """Tables, ratios, and what they were measured on."""
    parts = []
    for path, part in _parts(record, ()):
        headers, rows = _table(next(part[key] for key in _FIGURES if key in part), language)
        shown = [markdown_table(headers, rows)]
        if path:
            shown.insert(0, f"`{', '.join(path)}`")
        if ratios := list(_ratios(part, language)):
            shown.append("\n".join(f"- {line}" for line in ratios))
        parts += shown
    return "\n\n".join([*parts, "\n".join(f"- {line}" for line in _notes(record, language))])


def _parts(record: Record, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Record]]:
    """Every part that has figures, and under which keys it stands."""
    if any(key in record for key in _FIGURES):
        yield path, record
        return
    for key, value in record.items():
        if isinstance(value, Mapping) and not (not path and key in _ABOUT):
            yield from _parts(value, (*path, key))


def _table(medians: Record, language: Language) -> tuple[tuple[str, ...], Rows]:
    keys = [
        key for key in _COLUMNS if any(figures.get(key) is not None for figures in medians.values())
    ]
    rows: Rows = [
        (side, *(_cell(figures.get(key), _COLUMNS[key][1]) for key in keys))
        for side, figures in medians.items()
    ]
    return tuple(say(word, language) for word in ("side", *(_COLUMNS[k][0] for k in keys))), rows


def _cell(value: object, form: str) -> str:
    if value is None:
        return _NONE
    # A precision has its reason behind it.
    return format(value, form).replace("%", " %") if form else str(value).partition(" (")[0]


def _ratios(part: Record, language: Language) -> Iterator[str]:
    """What stands beside the medians, by the names that the JSON gives it."""
    for key, value in part.items():
        if key not in (*_FIGURES, "runs", "spread", *_ABOUT) and (shown := _shown(value)):
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


def _notes(record: Record, language: Language) -> Iterator[str]:
    machine = record["machine"]
    shown = (f"{name} {version}" for name, version in machine["versions"].items())
    about = f"{machine['processor']}, {machine['cores']} cores; {', '.join(shown)}"
    date = str(record.get("date", ""))[:10]
    line = say("{date}, {machine}", language, date=date, machine=about) if date else about
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
