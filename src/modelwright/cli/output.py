"""What a command prints: a report as text or JSON, and progress while it runs."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelwright.core.console import can_show
from modelwright.core.errors import DataError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from modelwright.core.report import Report
    from modelwright.core.types import Progress
    from modelwright.servable.predictor import Prediction

_SECONDS_BETWEEN_LINES = 10.0


def print_report(report: Report, *, as_json: bool) -> None:
    """Prints a report on standard output."""
    if as_json:
        print_json(report.to_dict())
    else:
        sys.stdout.write(report.render() + "\n")


def print_json(value: Any) -> None:
    """Prints one JSON value on standard output, in ASCII where the console needs that."""
    text = json.dumps(value, ensure_ascii=False)
    sys.stdout.write((text if can_show(text) else json.dumps(value)) + "\n")


def answer_record(name: str, answer: Prediction | DataError) -> dict[str, Any]:
    """Returns an answer as JSON: with ``error`` null, or with an error and nothing else."""
    if isinstance(answer, DataError):
        nothing = dict.fromkeys(("label", "score", "probabilities"))
        return {"input": name, **nothing, "error": str(answer)}
    return {"input": name, **answer.to_dict(), "error": None}


def exit_if_stopped(status: str) -> None:
    """Ends the command as an interrupted one, so that a script does not continue."""
    if status == "stopped":
        raise KeyboardInterrupt


@contextmanager
def show_progress(*, quiet: bool) -> Iterator[Progress | None]:
    """Yields a callback that shows a bar on a terminal, or else a line every ten seconds."""
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
    """Shows one bar at a time; a description with another first word starts a new bar."""

    def __init__(self, bars: Bars) -> None:
        self.bars = bars
        self.kind = ""
        self.task: TaskID | None = None

    def __call__(self, description: str, done: int, total: int) -> None:
        kind = description.split(" ", 1)[0]
        if kind != self.kind or self.task is None:
            if self.task is not None:
                self.bars.remove_task(self.task)
            self.kind, self.task = kind, self.bars.add_task(description, total=total or None)
        self.bars.update(self.task, description=description, completed=done, total=total or None)


class _Lines:
    """Writes a line to standard error at most every ten seconds."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def __call__(self, description: str, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self.last >= _SECONDS_BETWEEN_LINES:
            self.last = now
            of = f"/{total:,}" if total else ""
            counted = f"  ({done:,}{of})" if done or total else ""
            sys.stderr.write(f"{description}{counted}\n")
            sys.stderr.flush()
