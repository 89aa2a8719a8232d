"""What a command prints: its report for a person or a machine, and progress meanwhile."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from modelwright.core.types import Progress, Report

Json = typer.Option(False, "--json", help="Print JSON and nothing else.")
Quiet = typer.Option(False, "--quiet", "-q", help="Show no progress.")

_SECONDS_BETWEEN_LINES = 10.0


def emit(report: Report, *, as_json: bool) -> None:
    """Print a report on standard output."""
    if as_json:
        emit_json(report.to_dict())
    else:
        sys.stdout.write(report.render() + "\n")


def emit_json(value: Any) -> None:
    """Print one JSON value on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


@contextmanager
def shown(*, quiet: bool) -> Iterator[Progress | None]:
    """Something to report progress to: a bar on a terminal, else a line now and then."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet:
        yield None
    elif console.is_terminal:
        with _bars(console) as bars:
            yield _Bar(bars)
    else:
        yield _Lines()


def _bars(console: Console) -> Bars:
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    return Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


class _Bar:
    """One bar a kind of work: the first word of what is being done tells them apart."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.kind = ""
        self.task: TaskID | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        kind = what.split(" ", 1)[0]
        if kind != self.kind or self.task is None:
            if self.task is not None:
                self.bars.remove_task(self.task)
            self.kind, self.task = kind, self.bars.add_task(what, total=total or None)
        self.bars.update(self.task, description=what, completed=done, total=total or None)


class _Lines:
    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last >= _SECONDS_BETWEEN_LINES:
            self.last = now
            of = f"/{total:,}" if total else ""
            sys.stderr.write(f"{what}  ({done:,}{of})\n")
            sys.stderr.flush()
