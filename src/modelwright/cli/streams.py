"""The command ``stream``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import modelwright
from modelwright.cli.options import AsJson, Quiet
from modelwright.cli.output import exit_if_stopped, print_report, show_progress
from modelwright.core.errors import RunError


def stream(
    study: Annotated[
        Path, typer.Argument(help="TOML file with domains and strategies; see the user guide.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Output folder; streams/NAME by default. A stopped study goes on."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Learn domain after domain with several strategies; measure what is gained and forgotten."""
    from modelwright.streams.plan_file import read_stream_plan

    with show_progress(quiet=quiet or as_json) as progress:
        # Checked here, so that a mistake is reported before TensorFlow loads.
        read_stream_plan(study, progress)
        report = modelwright.stream(study, out=out, progress=progress)
    print_report(report, as_json=as_json)
    exit_if_stopped(report.status)
    if report.failures:
        planned = len(report.orders) * len(report.seeds) * len(report.strategies)
        raise RunError(
            f"{len(report.failures)} of {planned} cells failed, the first {report.failures[0]}"
        )
