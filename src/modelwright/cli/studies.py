"""``modelwright recipes`` and ``modelwright compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

import modelwright
from modelwright.cli.output import Json, Quiet, emit, shown
from modelwright.core.errors import RunError


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
    from modelwright.studies import plan

    plan.read(study)  # before TensorFlow takes its seconds to load
    with shown(quiet=quiet or as_json) as progress:
        report = modelwright.compare(study, out=out, progress=progress)
    emit(report, as_json=as_json)
    if report.status == "stopped":
        raise KeyboardInterrupt  # so that a script does not go on as if it had finished
    if report.failures:
        first = report.failures[0]
        raise RunError(
            f"{len(report.failures)} of {len(report.seeds) * len(report.variants)} trainings"
            f" failed, the first {first['variant']}, seed {first['seed']}: {first['error']}"
        )
