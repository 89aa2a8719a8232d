"""``modelwright backbones``: list pretrained backbones, show one, fetch its weights."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import modelwright
from modelwright.cli.completion import complete_backbone
from modelwright.cli.examples import epilog
from modelwright.cli.options import AsJson, Quiet
from modelwright.cli.output import print_report, show_progress
from modelwright.cli.runs import ListByDefault


class ListBackbones(ListByDefault):
    """``modelwright backbones NAME`` shows one backbone."""

    argument = "a backbone"

    def is_argument(self, word: str) -> bool:
        """Returns whether the word is part of a backbone's name."""
        from modelwright.models.backbone_names import BACKBONE_NAMES

        return any(word.lower() in name for name in BACKBONE_NAMES)


app = typer.Typer(
    cls=ListBackbones,
    help="List the pretrained backbones, show one, or fetch its weights.",
)


@app.command(name="list", epilog=epilog("backbones list"))
def list_(
    name: Annotated[
        str | None,
        typer.Argument(help="Backbone to show in full.", autocompletion=complete_backbone),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the backbones: size, license, where the weights lie; or show one in full."""
    report = modelwright.show_backbone(name) if name else modelwright.list_backbones()
    print_report(report, as_json=as_json)


@app.command(epilog=epilog("backbones get"))
def get(
    name: Annotated[
        str, typer.Argument(help="Name of the backbone.", autocompletion=complete_backbone)
    ],
    folder: Annotated[
        Path | None,
        typer.Option(help="Folder or file to search for the weights before downloading."),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Download the weights of a backbone into the local cache and verify their checksum."""
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.fetch_backbone(name, folder=folder, progress=progress)
    print_report(report, as_json=as_json)
