"""The commands about runs: ``recipes``, ``train``, ``evaluate`` and ``layers``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import modelwright
from modelwright.cli.completion import (
    complete_recipe,
    complete_run,
    complete_source,
    complete_words,
)
from modelwright.cli.options import (
    AsJson,
    Encoding,
    ImageColumn,
    LabelColumn,
    Quiet,
    RunFolder,
    Settings,
    SplitColumn,
    Strict,
    TestTimeAugmentation,
    TextColumn,
    data_settings,
    without_unset,
)
from modelwright.cli.output import exit_if_stopped, print_report, show_progress
from modelwright.core.errors import ConfigError

if TYPE_CHECKING:
    from modelwright.core.types import SplitName

Split = Annotated[
    str | None,
    typer.Option(
        help="Split of the run's data: train, val or test (the default).",
        autocompletion=complete_words("test", "train", "val"),
    ),
]


def recipes(
    name: Annotated[
        str | None,
        typer.Argument(help="Recipe to show in full.", autocompletion=complete_recipe),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the recipes with their measured scores, or show one in full."""
    report = modelwright.show_recipe(name) if name else modelwright.list_recipes()
    print_report(report, as_json=as_json)


def train(
    config: Annotated[
        Path | None, typer.Argument(help="TOML file with settings; see the user guide.")
    ] = None,
    data: Annotated[
        list[str] | None,
        typer.Option(help="Path or named data set.", autocompletion=complete_source),
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    split_column: SplitColumn = None,
    image_column: ImageColumn = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="cnn, bilstm, … or package.module:function.", autocompletion=complete_recipe
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Maximum number of epochs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed.")] = None,
    sets: Settings = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; runs/NAME-TIME by default.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Run folder to continue.", autocompletion=complete_run)
    ] = None,
    encoding: Encoding = None,
    strict: Strict = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a model and write a run folder."""
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
        "train": without_unset({"epochs": epochs, "seed": seed}),
    }
    with show_progress(quiet=quiet or as_json) as progress:
        if resume is not None:
            if config or sets or out or any(tables.values()):
                raise ConfigError(
                    "--resume continues a run with its own settings; give it without any other."
                )
            report = modelwright.resume(resume, progress=progress)
        else:
            from modelwright.recipes.resolve import resolve_config

            # Resolved here, so that a mistake is reported before TensorFlow loads.
            resolved = resolve_config(config, tables, sets or ())
            report = modelwright.train(resolved, out=out, progress=progress)
    print_report(report, as_json=as_json)
    exit_if_stopped(report.status)


def evaluate(
    run: RunFolder,
    data: Annotated[
        str | None,
        typer.Option(
            help="Path or named data set to use instead of the run's data.",
            autocompletion=complete_source,
        ),
    ] = None,
    split: Split = None,
    tta: TestTimeAugmentation = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure a run on held-out rows; write figures and plots into its folder."""
    if split and data:
        raise ConfigError("--data measures all of its rows; give it without --split.")
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.evaluate(
            run, data=data, split=_split_name(split), tta=tta, progress=progress
        )
    print_report(report, as_json=as_json)


def layers(
    run: RunFolder,
    picture: Annotated[
        Path | None,
        typer.Argument(help="Image file; the run's first test row by default."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG to write; plots/layers.png in the run by default.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw the outputs of an image model's convolutions for one image."""
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.layers(run, picture, out=out, progress=progress)
    print_report(report, as_json=as_json)


def _split_name(split: str | None) -> SplitName:
    from modelwright.core.types import SPLITS

    for name in SPLITS:
        if (split or "test") == name:
            return name
    raise ConfigError(f"--split was given '{split}'; expected train, val or test.")
