"""The report of a stream study: its tables, on a terminal and as the page ``stream.md``."""

from __future__ import annotations

from collections.abc import Sequence

from modelwright.core import markdown
from modelwright.core.blocks import Block, Figure, Note, Table
from modelwright.core.report import Report
from modelwright.core.terminal import percent, shorten
from modelwright.streams.statistics import MeanInterval
from modelwright.streams.stream_record import LOWER_BOUND, StrategyRecord, StreamRecord

CURVES, LOSSES = "stream.png", "domains.png"
_EMPTY = "—"
_Rows = list[tuple[str, ...]]
_MOST_NAMES = 12
_NEEDS = {
    "new": "new rows",
    "kept": "kept rows",
    "state": "its own state",
    "old": "all old rows",
}


class StreamReport(StreamRecord, Report):
    """What ``modelwright.stream`` returns: the record of a study, and its tables."""

    def blocks(self) -> Sequence[Block]:
        """Returns the tables and notes of the study."""
        return [
            *(Table(headers, rows, width=130) for headers, rows in _tables(self)),
            Note("\n".join(_notes(self))),
            Note(f"files: {self.folder}"),
        ]


def stream_page(report: StreamRecord, figures: Sequence[Figure]) -> str:
    """Returns a study as the page ``stream.md``."""
    lines = [markdown.render([Figure(one.path, one.caption)]) for one in figures]
    parts = [
        f"# {report.name}",
        f"{report.source}, recipe {report.recipe}; {len(report.orders)} orders of"
        f" {len(report.orders[0])} steps, seeds {', '.join(map(str, report.seeds))}.",
        *(markdown.table(headers, rows) for headers, rows in _tables(report)),
        *lines,
        "\n".join(f"- {line}" for line in _notes(report)),
        f"```sh\n{report.command}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _tables(report: StreamRecord) -> list[tuple[tuple[str, ...], _Rows]]:
    measured = [one for one in report.strategies if one.cells]
    return [_kept(measured, report), _gains(measured), _costs(measured)] if measured else []


def _kept(
    strategies: Sequence[StrategyRecord], report: StreamRecord
) -> tuple[tuple[str, ...], _Rows]:
    planned = len(report.orders) * len(report.seeds)
    headers = ("strategy", "cells", "macro-F1", "95 %", "decay", "95 %",
               f"less than {LOWER_BOUND}", "95 %")  # fmt: skip
    rows: _Rows = [
        (
            one.name,
            str(one.cells) if one.cells == planned else f"{one.cells} of {planned}",
            _share(one.average),
            _interval(one.average),
            _points(one.decay),
            _interval(one.decay),
            _EMPTY if one.less_decay is None else f"{100 * one.less_decay.value:.0f} %",
            _whole_interval(one.less_decay),
        )
        for one in strategies
    ]
    return headers, rows


def _gains(
    strategies: Sequence[StrategyRecord],
) -> tuple[tuple[str, ...], _Rows]:
    headers = ("strategy", f"above {LOWER_BOUND}", "95 %", "when learned", "forgetting", "95 %",
               "backward", "forward", "accuracy")  # fmt: skip
    rows: _Rows = [
        (
            one.name,
            _signed(one.difference),
            _interval(one.difference),
            _share(one.learned),
            _points(one.forgetting),
            _interval(one.forgetting),
            _signed(one.backward),
            _signed(one.forward),
            _share(one.accuracy),
        )
        for one in strategies
    ]
    return headers, rows


def _costs(
    strategies: Sequence[StrategyRecord],
) -> tuple[tuple[str, ...], _Rows]:
    headers = ("strategy", "reads", "rows kept", "share", "KiB", "seconds")
    rows: _Rows = [
        (
            one.name,
            _NEEDS[one.needs],
            f"{one.rows_kept:,.0f}",
            percent(one.share_kept),
            f"{one.bytes_kept / 1024:,.1f}",
            f"{one.seconds:.1f}",
        )
        for one in strategies
    ]
    return headers, rows


def _notes(report: StreamRecord) -> list[str]:
    """Returns what a reader must know to read the tables."""
    names = [shorten(name, 24) for name in report.domains[:_MOST_NAMES]]
    more = len(report.domains) - len(names)
    kept = f"{100 * report.keep:g} %" if isinstance(report.keep, float) else f"{report.keep:,}"
    orders = len(report.orders)
    unit = "orders, whose seeds are averaged" if orders > 1 else "seeds"
    interval = (
        f"95 %: Student's t over {orders if orders > 1 else len(report.seeds)} {unit}; of less"
        f" than {LOWER_BOUND}: Fieller's interval of a ratio"
    )
    if orders == len(report.seeds) == 1:
        interval = "95 %: no interval, because there is one order with one seed"
    what = "classes" if report.classes else "domains"
    lines = [
        f"{what}: {', '.join(names)}{f' and {more} more' if more else ''}",
        f"rows: {', '.join(f'{count:,} {name}' for name, count in report.rows.items())}; at most"
        f" {kept} of the training rows kept",
        "macro-F1: mean over all domains at the end; decay: what is lost, in points, of the"
        " macro-F1 right after each domain was learned",
        f"less than {LOWER_BOUND}: by how much the decay is below that of going on training with"
        " new rows alone",
        interval,
        f"above {LOWER_BOUND}: points of macro-F1 at the end; when learned: macro-F1 right after"
        " each domain was learned",
        "forgetting, backward and forward transfer: in points of macro-F1; seconds: of all lessons"
        " after the first domain, the median over the cells",
        *(f"machine: {one.name}" for one in report.machines),
        *report.notes,
        *(f"failed: {failure}" for failure in report.failures),
    ]
    if report.missing:
        lines.append(f"cells still to come: {report.missing}; the same command goes on with them")
    return lines


def _share(value: MeanInterval | None) -> str:
    return _EMPTY if value is None else percent(value.value)


def _points(value: MeanInterval | None) -> str:
    return _EMPTY if value is None else f"{100 * value.value:.2f}"


def _signed(value: MeanInterval | None) -> str:
    return _EMPTY if value is None else f"{100 * value.value:+.2f}"


def _interval(value: MeanInterval | None) -> str:
    if value is None or value.low is None or value.high is None:
        return _EMPTY
    return f"{100 * value.low:.2f} to {100 * value.high:.2f}"


def _whole_interval(value: MeanInterval | None) -> str:
    if value is None or value.low is None or value.high is None:
        return _EMPTY
    return f"{100 * value.low:.0f} to {100 * value.high:.0f}"
