"""``modelwright report``: one HTML file about runs, servables, studies, searches and streams."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import modelwright
from modelwright.cli.completion import complete_place, complete_words
from modelwright.cli.options import AsJson, DataRoot, Quiet
from modelwright.cli.output import print_report, show_progress


def report(
    places: Annotated[
        list[Path],
        typer.Argument(
            help="Folders of runs, servables (models/NAME or models/NAME/VERSION), studies,"
            " searches or streams.",
            autocompletion=complete_place,
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="HTML file to write.")] = Path(
        "report.html"
    ),
    lang: Annotated[
        str,
        typer.Option(
            help="Language of the page: en or zh.", autocompletion=complete_words("en", "zh")
        ),
    ] = "en",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    data_root: DataRoot = None,
    audit: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the audit whose suspects to show; by default the one whose suspects"
            " were dropped, or the newest one of the same rows in audits."
        ),
    ] = None,
    drift: Annotated[
        list[Path] | None,
        typer.Option(
            help="File with the JSON of modelwright drift --json, to show in the chapter of its"
            " model. Can be given several times.",
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write one HTML file with everything that was measured, to read or to hand on."""
    with show_progress(quiet=quiet or as_json) as progress:
        written = modelwright.report(
            places,
            out,
            lang,
            force=force,
            data_root=data_root,
            audit=audit,
            drift=drift or (),
            progress=progress,
        )
    print_report(written, as_json=as_json)
