"""``modelwright recipes``, ``modelwright compare`` and ``modelwright reproduce``."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

import modelwright
from modelwright.cli.output import Json, Quiet, emit, shown
from modelwright.core.errors import ConfigError, RunError


def recipes(
    name: Optional[str] = typer.Argument(None, help="Show this one whole."),  # noqa: UP045
    as_json: bool = Json,
) -> None:
    """List the recipes with their measured scores, or show one whole."""
    emit(modelwright.show_recipe(name) if name else modelwright.list_recipes(), as_json=as_json)


def compare(
    study: Path = typer.Argument(help="A TOML file with variants and seeds; see the user guide."),
    out: Optional[Path] = typer.Option(None, help="The study's folder; studies/NAME."),  # noqa: UP045
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Train variants with several seeds and lay them side by side; goes on where it was stopped."""
    from modelwright.studies.plan_file import read_study_plan

    read_study_plan(study)  # before TensorFlow takes its seconds to load
    with shown(quiet=quiet or as_json) as progress:
        report = modelwright.compare(study, out=out, progress=progress)
    emit(report, as_json=as_json)
    if report.status == "stopped":
        raise KeyboardInterrupt  # so that a script does not go on as if it had finished
    if report.failures:
        first = report.failures[0]
        raise RunError(
            f"{len(report.failures)} of {len(report.seeds) * len(report.variants)} trainings"
            f" failed, the first {first.variant}, seed {first.seed}: {first.error}"
        )


def reproduce(
    only: Optional[list[str]] = typer.Option(None, help="This study; can be given again."),  # noqa: UP045
    quick: bool = typer.Option(False, "--quick", help="A try that shows the shape only."),
    again: bool = typer.Option(False, "--again", help="Train anew what is kept or finished."),
    show: bool = typer.Option(False, "--list", help="List the studies; train nothing."),
    page: bool = typer.Option(
        False, "--page", help="Only write the results pages from what is kept; train nothing."
    ),
    out: Path = typer.Option(Path("studies"), help="Where the studies' folders are."),
    results: Path = typer.Option(Path("benchmarks/results"), help="Where studies are kept."),
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Put every published accuracy beside what is measured; trains what is not kept."""
    from modelwright.publish.pages import write_pages
    from modelwright.publish.study_list import list_studies

    if show + page + (quick or again) > 1 or (quick and again):
        raise ConfigError("--list, --page, --quick and --again were given together; expected one.")
    if page:
        if only:
            raise ConfigError("--page writes all tables of the pages; give it without --only.")
        emit(write_pages(results, required=True), as_json=as_json)
        return
    if show:
        emit(list_studies(only or (), results), as_json=as_json)
        return
    with shown(quiet=quiet or as_json) as progress:
        report = modelwright.reproduce(
            only or (), again=again, quick=quick, out=out, results=results, progress=progress
        )
    emit(report, as_json=as_json)
    if report.status == "stopped":
        raise KeyboardInterrupt  # so that a script does not go on as if it had finished
    if report.failures:
        raise RunError(f"{len(report.failures)} failed, the first {report.failures[0]}")
