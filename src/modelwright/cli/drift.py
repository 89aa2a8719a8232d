"""The command ``drift``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import modelwright
from modelwright.cli.completion import complete_servable_or_run, complete_source
from modelwright.cli.options import (
    AsJson,
    DataRoot,
    Encoding,
    ImageColumn,
    LabelColumn,
    Quiet,
    TextColumn,
    without_unset,
)
from modelwright.cli.output import print_report, show_progress
from modelwright.core.errors import DRIFTED


def drift(
    model: Annotated[
        Path,
        typer.Argument(
            help="models/NAME/VERSION, models/NAME for its live version, or a run folder.",
            autocompletion=complete_servable_or_run,
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            help="New rows, with or without labels: a table, a folder of images or a named set.",
            autocompletion=complete_source,
        ),
    ],
    rows: Annotated[
        int, typer.Option(min=20, help="Largest number of new rows, drawn at random.")
    ] = 5000,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the drawn rows.")] = 0,
    fail: Annotated[
        bool, typer.Option("--fail", help=f"End with exit code {DRIFTED} if the data drifted.")
    ] = False,
    engine: Annotated[str, typer.Option(help="Engine of the servable to use.")] = "auto",
    data_root: DataRoot = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    encoding: Encoding = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Test whether new data differs from the data of a model, in what, and how much."""
    columns = {"text": text_column, "label": label_column, "image": image_column}
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.drift(
            model,
            data,
            rows=rows,
            seed=seed,
            engine=engine,
            data_root=data_root,
            reading=without_unset({**columns, "encoding": encoding}),
            progress=progress,
        )
    print_report(report, as_json=as_json)
    if fail and report.drifted:
        raise typer.Exit(DRIFTED)
