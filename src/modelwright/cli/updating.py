"""The command ``update``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import modelwright
from modelwright.cli.completion import (
    complete_servable_or_run,
    complete_source,
    complete_strategy,
)
from modelwright.cli.options import (
    AsJson,
    DataRoot,
    Encoding,
    ImageColumn,
    LabelColumn,
    Quiet,
    Settings,
    SplitColumn,
    Strict,
    TextColumn,
    data_settings,
)
from modelwright.cli.output import print_report, show_progress


def update(
    model: Annotated[
        Path,
        typer.Argument(
            help="models/NAME for its live version, models/NAME/VERSION, or a run's folder.",
            autocompletion=complete_servable_or_run,
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            "--data",
            help="New labeled rows: a path or a named set.",
            autocompletion=complete_source,
        ),
    ],
    strategy: Annotated[
        str,
        typer.Option(
            help="How it learns; auto takes the best that passes.", autocompletion=complete_strategy
        ),
    ] = "auto",
    max_drop: Annotated[
        float,
        typer.Option(
            help="Points of macro-F1 that old rows may lose, the interval's end included."
        ),
    ] = 0.5,
    max_class_drop: Annotated[
        float, typer.Option(help="Points of F1 that a single old class may lose.")
    ] = 3.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Measure, and write nothing.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an update that was stopped.")
    ] = False,
    memory: Annotated[
        int, typer.Option(help="Most old rows to keep as examples; 0 keeps no rows.")
    ] = 2000,
    minutes: Annotated[
        float | None, typer.Option(help="Time for all strategies; the first always runs.")
    ] = None,
    old_data: Annotated[
        str | None,
        typer.Option(
            help="Rows of the training, if they cannot be found.", autocompletion=complete_source
        ),
    ] = None,
    new_classes: Annotated[
        bool, typer.Option("--new-classes", help="Labels that the model lacks are new classes.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Random seed.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the new run, for a run; RUN-2 by default.")
    ] = None,
    data_root: DataRoot = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    split_column: SplitColumn = None,
    image_column: ImageColumn = None,
    sets: Settings = None,
    encoding: Encoding = None,
    strict: Strict = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Let a model learn new rows, and write a version only if held-out rows show that it pays."""
    from modelwright.recipes.resolve import merge_tables, parse_set
    from modelwright.updating.settings import UpdateOptions, resolve_update

    own = data_settings(
        None,
        text=text_column,
        label=label_column,
        split=split_column,
        image=image_column,
        encoding=encoding,
        strict=strict,
    )
    options: UpdateOptions = {
        "max_class_drop": max_class_drop,
        "memory": memory,
        "minutes": minutes,
        "old_data": old_data,
        "data_root": data_root,
        "settings": merge_tables({"data": own}, *map(parse_set, sets or ())),
        "new_classes": new_classes,
        "seed": seed,
        "dry_run": dry_run,
        "resume": resume,
    }
    # Checked here, so that a mistake is reported before TensorFlow loads.
    resolve_update(strategy, max_drop, **options)
    try:
        with show_progress(quiet=quiet or as_json) as progress:
            report = modelwright.update(
                model,
                data,
                strategy=strategy,
                max_drop=max_drop,
                out=out,
                progress=progress,
                **options,
            )
    except KeyboardInterrupt:
        if not dry_run:
            typer.echo(
                "nothing was written; the same command with --resume goes on after the last"
                " finished strategy",
                err=True,
            )
        raise
    print_report(report, as_json=as_json)
    raise typer.Exit(report.exit_code)
