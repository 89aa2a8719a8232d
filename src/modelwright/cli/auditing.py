"""The command ``audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import modelwright
from modelwright.cli.completion import complete_recipe, complete_source
from modelwright.cli.options import (
    AsJson,
    Encoding,
    ImageColumn,
    LabelColumn,
    Quiet,
    Settings,
    SplitColumn,
    Strict,
    TextColumn,
    data_settings,
    without_unset,
)
from modelwright.cli.output import exit_if_stopped, print_report, show_progress


def audit(
    data: Annotated[
        list[str],
        typer.Argument(
            help="Path or named data set; several are read as one.", autocompletion=complete_source
        ),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Recipe of the models that judge the rows; a fast one by default.",
            autocompletion=complete_recipe,
        ),
    ] = None,
    folds: Annotated[
        int, typer.Option(help="Number of folds. Each is judged by a model of the others.")
    ] = 5,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    split_column: SplitColumn = None,
    image_column: ImageColumn = None,
    sets: Settings = None,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Output folder; audits/NAME-TIME by default. That of a stopped audit goes on."
        ),
    ] = None,
    encoding: Encoding = None,
    strict: Strict = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List rows whose labels are probably wrong, duplicates, outliers and overlapping classes."""
    from modelwright.auditing.settings import resolve_audit

    tables = {
        "data": data_settings(
            data,
            text=text_column,
            label=label_column,
            split=split_column,
            image=image_column,
            encoding=encoding,
            strict=strict,
        ),
        "model": without_unset({"recipe": recipe}),
    }
    with show_progress(quiet=quiet or as_json) as progress:
        # Resolved here, so that a mistake is reported before TensorFlow loads.
        resolved = resolve_audit(tables, folds, sets or (), progress)
        report = modelwright.audit(resolved, out=out, progress=progress)
    print_report(report, as_json=as_json)
    exit_if_stopped(report.status)
