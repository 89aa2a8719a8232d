"""The files of a study's folder, besides its cells: report, page, plots, and a lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from modelwright.core.blocks import Figure
from modelwright.core.errors import RunError
from modelwright.core.file_lock import try_lock
from modelwright.core.files import explained_refusals, write_json, write_text
from modelwright.core.folders import STREAM_RECORD
from modelwright.learning.strategy import Strategy
from modelwright.plots.stream import StreamLine, draw_curves, draw_losses
from modelwright.streams.cell_result import CellKey, CellResult
from modelwright.streams.domains import StreamData
from modelwright.streams.orders import Order
from modelwright.streams.plan import StreamPlan
from modelwright.streams.report import CURVES, LOSSES, StreamReport, stream_page
from modelwright.streams.stream_record import LOWER_BOUND, CellName, summarize

_LOCK = ".lock"
PAGE = "stream.md"
Known = tuple[Mapping[CellKey, CellResult], Sequence[str]]
"""The results by cell, those of failed cells too, and notes."""


def write_report(
    plan: StreamPlan,
    folder: Path,
    command: str,
    data: StreamData,
    orders: Sequence[Order],
    strategies: Sequence[Strategy],
    known: Known,
) -> StreamReport:
    """Writes ``stream.json``, ``stream.md`` and the plots, and returns the report."""
    report = build_report(plan, folder, command, data, orders, strategies, known)
    with explained_refusals(folder):
        write_json(folder / STREAM_RECORD, report.to_dict())
        write_text(folder / PAGE, stream_page(report, _draw(folder, report)))
    return report


def build_report(
    plan: StreamPlan,
    folder: Path,
    command: str,
    data: StreamData,
    orders: Sequence[Order],
    strategies: Sequence[Strategy],
    known: Known,
) -> StreamReport:
    """Returns the report of a study, finished or not."""
    results, notes = known
    good = [one for one in results.values() if one.error is None]
    failed = [one for one in results.values() if one.error is not None]
    naive = _of(LOWER_BOUND, good)
    missing = tuple(
        CellName(order=order.number, seed=seed, strategy=strategy.name)
        for strategy in strategies
        for seed in plan.seeds
        for order in orders
        if CellKey(order.number, seed, strategy.name) not in results
    )
    machines = {str(one.machine): one.machine for one in good}
    return StreamReport(
        name=plan.name,
        folder=folder,
        status="stopped" if missing else "failed" if failed else "finished",
        source=data.data.source,
        recipe=plan.config.recipe,
        fingerprint=data.fingerprint,
        domains=data.tags,
        classes=plan.domains.classes,
        rows={name: len(rows.tags) for name, rows in data.rows.items()},
        orders=tuple(order.names for order in orders),
        seeds=plan.seeds,
        keep=plan.keep,
        config=plan.config.model_dump(mode="json"),
        settings=_settings(plan),
        machines=tuple(machines.values()),
        date=max((one.date for one in good), default=""),
        command=command,
        strategies=tuple(
            summarize(one.name, one.summary, one.needs, _of(one.name, good), naive)
            for one in strategies
        ),
        failures=tuple(f"{one.key}: {one.error}" for one in failed),
        missing=len(missing),
        missing_cells=missing,
        notes=(*notes, *data.notes),
    )


def _of(strategy: str, results: Sequence[CellResult]) -> list[CellResult]:
    return [one for one in results if one.strategy == strategy]


def _settings(plan: StreamPlan) -> dict[str, Any]:
    return {
        "domains": plan.domains.column,
        "sources": dict(plan.domains.sources),
        "limit": plan.limit,
        "grow_tokens": plan.grow_tokens,
        "epochs": plan.epochs,
        "rate": plan.rate,
        "strength": dict(plan.strength),
    }


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Marks a study as being measured while the block runs.

    Raises:
        RunError: another process measures it.
    """
    with explained_refusals(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / _LOCK).open("wb")
    with lock:
        if not try_lock(lock):
            raise RunError(
                f"the study {folder} is being measured by another process; wait for its end, or"
                " give another folder with --out."
            )
        yield


def _draw(folder: Path, report: StreamReport) -> list[Figure]:
    lines = [StreamLine(one.name, one.curve, one.losses) for one in report.strategies if one.cells]
    if not lines:
        return []
    names = report.orders[0] if len(report.orders) == 1 else ()
    title = f"{report.name}: {report.recipe}"
    draw_curves(folder / CURVES, lines, title=title, names=names)
    draw_losses(folder / LOSSES, lines, title=title)
    return [
        Figure(Path(CURVES), "Macro-F1 over the domains learned so far, after each step"),
        Figure(Path(LOSSES), "What is lost of each domain until the end"),
    ]
