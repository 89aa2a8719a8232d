"""The options and arguments that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from modelwright.cli.completion import complete_model, complete_run, complete_servable

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
OutputFolder = Annotated[Path, typer.Option("--out", help="Output folder.")]

TextColumn = Annotated[
    str | None, typer.Option(help="Column that holds the text: a name, or #2 for the second.")
]
LabelColumn = Annotated[str | None, typer.Option(help="Column that holds the label.")]
SplitColumn = Annotated[
    str | None, typer.Option(help="Column that holds the split, or none to read no such column.")
]
ImageColumn = Annotated[str | None, typer.Option(help="Column that holds paths of images.")]
Encoding = Annotated[
    str | None, typer.Option(help="Text encoding of a table; UTF-8 or UTF-16 by default.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="Any setting, as table.key=value.")
]
DataRoot = Annotated[
    Path | None,
    typer.Option(help="Where the run's data is now, if it was moved: itself, or its folder."),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        help="HOST:PORT of a Ray cluster that this machine belongs to, or auto; RAY_ADDRESS by"
        " default, and without it a cluster of this machine alone."
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="Fail when a row is rejected.")]
Runner = Annotated[
    str | None,
    typer.Option(
        help="Where trainings run: local for processes of this machine, ray for a Ray cluster."
    ),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Number of trainings that run at the same time.")
]

TestTimeAugmentation = Annotated[
    bool, typer.Option("--tta", help="Average over mirrored and shifted copies of each image.")
]
NoBaselines = Annotated[
    bool,
    typer.Option("--no-baselines", help="Do not compare with simple models, which takes seconds."),
]
RunFolder = Annotated[Path, typer.Argument(help="Run folder.", autocompletion=complete_run)]
ServableFolder = Annotated[
    Path,
    typer.Argument(
        help="models/NAME/VERSION, or models/NAME for its live version.",
        autocompletion=complete_servable,
    ),
]
ModelFolder = Annotated[
    Path,
    typer.Argument(help="Folder of one model, models/NAME.", autocompletion=complete_model),
]


def data_settings(
    source: list[str] | None,
    *,
    text: str | None,
    label: str | None,
    split: str | None,
    image: str | None,
    encoding: str | None,
    strict: bool,
) -> dict[str, Any]:
    """Returns the ``[data]`` settings that the command line sets, without the others."""
    return without_unset(
        {
            "source": source[0] if source and len(source) == 1 else source,
            "text": text,
            "label": label,
            "split": split,
            "image": image,
            "encoding": encoding,
            "strict": strict or None,
        }
    )


def without_unset(values: dict[str, Any]) -> dict[str, Any]:
    """Returns the entries whose value is not None."""
    return {key: value for key, value in values.items() if value is not None}
