"""The command ``distill``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import modelwright
from modelwright.cli.completion import complete_recipe, complete_source, complete_words
from modelwright.cli.options import (
    AsJson,
    Encoding,
    LabelColumn,
    Quiet,
    Settings,
    SplitColumn,
    TextColumn,
    data_settings,
    without_unset,
)
from modelwright.cli.output import exit_if_stopped, print_report, show_progress
from modelwright.core.errors import ConfigError


def distill(
    teacher: Annotated[
        str,
        typer.Argument(
            help="Run folder, servable, folder of a sentence encoder in ONNX, or"
            " package.module:function that takes texts or images."
        ),
    ],
    data: Annotated[
        list[str] | None,
        typer.Option(
            help="Labeled rows: path or named set; those of the teacher's run by default.",
            autocompletion=complete_source,
        ),
    ] = None,
    unlabeled: Annotated[
        list[str] | None,
        typer.Option(
            help="Texts without labels: path or named set.", autocompletion=complete_source
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Recipe of the student; one that fits by default.",
            autocompletion=complete_recipe,
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            help="What a function returns: probabilities, vectors, or auto.",
            autocompletion=complete_words("auto", "probabilities", "vectors"),
        ),
    ] = "auto",
    prefix: Annotated[
        str | None,
        typer.Option(
            help="Text that a sentence encoder gets before each text; what its folder says by"
            " default."
        ),
    ] = None,
    pooling: Annotated[
        str | None,
        typer.Option(
            help="How a sentence encoder's tokens become one vector: mean, cls, max, or lasttoken;"
            " what its folder says by default.",
            autocompletion=complete_words("mean", "cls", "max", "lasttoken"),
        ),
    ] = None,
    weight: Annotated[
        float | None,
        typer.Option(help="Share of the teacher in what is learned of labeled rows, 0 to below 1."),
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="Softens the answers to images before they are compared; 4 by default."),
    ] = None,
    seeds: Annotated[
        int, typer.Option(help="Trainings of each student that the comparison averages.")
    ] = 1,
    baseline: Annotated[
        bool,
        typer.Option(help="Also train the student from the labels alone, for comparison."),
    ] = True,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    split_column: SplitColumn = None,
    sets: Settings = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder of the teacher's stored scores; the user's cache by default."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; runs/NAME-TIME by default.")
    ] = None,
    encoding: Encoding = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a small network on a teacher's answers, and write a run folder."""
    from modelwright.distillation.settings import resolve_distillation

    if output not in ("auto", "probabilities", "vectors"):
        raise ConfigError(
            f"--output was given '{output}'; expected auto, probabilities or vectors."
        )
    tables = {
        "data": data_settings(
            data,
            text=text_column,
            label=label_column,
            split=split_column,
            image=None,
            encoding=encoding,
            strict=False,
        ),
        "model": without_unset({"recipe": recipe}),
    }
    with show_progress(quiet=quiet or as_json) as progress:
        # Resolved here, so that a mistake is reported before TensorFlow loads.
        resolved = resolve_distillation(
            teacher, None, tables, unlabeled or (), sets or (), progress
        )
        from modelwright.core.backend import load_keras

        load_keras()
        from modelwright.distillation.distill import Distilling
        from modelwright.distillation.encoder import EncoderOptions

        encoder = EncoderOptions(prefix, pooling)
        options = Distilling(
            output,  # type: ignore[arg-type]
            baseline,
            cache,
            encoder,
            weight,
            temperature,
            seeds,
        )
        report = modelwright.distill(teacher, resolved, options=options, out=out, progress=progress)
    print_report(report, as_json=as_json)
    exit_if_stopped(report.status)
