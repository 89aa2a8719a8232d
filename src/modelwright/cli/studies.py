"""The commands about studies: ``compare`` and ``reproduce``."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

import modelwright
from modelwright.cli.options import AsJson, OutputFolder, Quiet, Runner, Workers
from modelwright.cli.output import exit_if_stopped, print_report, show_progress
from modelwright.core.errors import ConfigError, RunError


def compare(
    study: Annotated[
        Path, typer.Argument(help="TOML file with variants and seeds; see the user guide.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Output folder; studies/NAME by default.")
    ] = None,
    runner: Runner = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train variants with several seeds and compare them; continue an interrupted study."""
    from modelwright.studies.plan_file import read_study_plan

    read_study_plan(study)  # Checked here, so that a mistake is reported before TensorFlow loads.
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.compare(
            study, out=out, runner=runner, workers=workers, progress=progress
        )
    print_report(report, as_json=as_json)
    exit_if_stopped(report.status)
    if report.failures:
        first = report.failures[0]
        raise RunError(
            f"{len(report.failures)} of {len(report.seeds) * len(report.variants)} trainings"
            f" failed, the first {first.variant}, seed {first.seed}: {first.error}"
        )


def reproduce(
    only: Annotated[
        list[str] | None, typer.Option(help="Study to reproduce; repeat for several.")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Train on few rows as a trial; store no result.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Train even where a result is stored.")
    ] = False,
    show: Annotated[bool, typer.Option("--list", help="List the studies; train nothing.")] = False,
    page: Annotated[
        bool,
        typer.Option("--page", help="Write the results pages from stored results; train nothing."),
    ] = False,
    out: OutputFolder = Path("studies"),
    results: Annotated[Path, typer.Option(help="Folder of stored results.")] = Path(
        "benchmarks/results"
    ),
    runner: Runner = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Compare every published accuracy with a measured one; train what is not stored."""
    from modelwright.publish.pages import write_pages
    from modelwright.publish.study_list import list_studies
    from modelwright.trials.registry import choose_runner

    if show + page + (quick or again) > 1 or (quick and again):
        raise ConfigError("--list, --page, --quick and --again were given together; expected one.")
    if (show or page) and (runner or workers):
        raise ConfigError("--list and --page train nothing; give them without --runner, --workers.")
    if page:
        if only:
            raise ConfigError("--page writes all tables of the pages; give it without --only.")
        print_report(write_pages(results, required=True), as_json=as_json)
        return
    if show:
        print_report(list_studies(only or (), results), as_json=as_json)
        return
    with ExitStack() as stack:
        progress = stack.enter_context(show_progress(quiet=quiet or as_json))
        place = choose_runner(runner, workers)
        report = modelwright.reproduce(
            only or (),
            again=again,
            quick=quick,
            out=out,
            results=results,
            runner=place and stack.enter_context(place),
            progress=progress,
        )
    print_report(report, as_json=as_json)
    exit_if_stopped(report.status)
    if report.failures:
        raise RunError(f"{len(report.failures)} failed, the first {report.failures[0]}")
