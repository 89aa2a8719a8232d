"""The commands about runs: ``recipes``, ``train``, ``evaluate`` and ``layers``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import modelwright
from modelwright.cli.completion import (
    complete_recipe,
    complete_run,
    complete_servable_or_run,
    complete_source,
    complete_words,
)
from modelwright.cli.options import (
    AsJson,
    DataRoot,
    Encoding,
    ImageColumn,
    LabelColumn,
    NoBaselines,
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
from modelwright.core.backend import load_keras
from modelwright.core.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelwright.core.types import Progress, SplitName
    from modelwright.recipes.resolve import ResolvedConfig
    from modelwright.training.extras import Extras

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
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[CONFIG.toml] [DATA]...",
            help="TOML file with settings, and paths or named data sets; each may be left out.",
        ),
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
            help="cnn, bilstm, … or package.module:function; one that fits by default.",
            autocompletion=complete_recipe,
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Maximum number of epochs.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed.")] = None,
    start_from: Annotated[
        Path | None,
        typer.Option(
            help="Run or servable whose weights are the first ones, and whose recipe is taken.",
            autocompletion=complete_servable_or_run,
        ),
    ] = None,
    start_layers: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Layers to copy, such as embedding*; all by default."),
    ] = None,
    freeze: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Layers that are not trained: features for all but the last, or names.",
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE.csv",
            help="Leave out the rows that this file lists, such as suspects.csv.",
        ),
    ] = None,
    sets: Settings = None,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; runs/NAME-TIME by default.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(help="Run folder to continue.", autocompletion=complete_run)
    ] = None,
    data_root: DataRoot = None,
    processes: Annotated[
        int | None,
        typer.Option(min=1, help="Processes that train together; alone, starts them all here."),
    ] = None,
    rank: Annotated[
        int | None, typer.Option(min=0, help="Number of this process among them, from 0.")
    ] = None,
    coordinator: Annotated[
        str | None, typer.Option(metavar="HOST:PORT", help="Address of the process with rank 0.")
    ] = None,
    encoding: Encoding = None,
    strict: Strict = False,
    no_baselines: NoBaselines = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train a model and write a run folder."""
    config, sources = _config_and_data(inputs or [], data)
    tables = {
        "data": data_settings(
            sources,
            text=text_column,
            label=label_column,
            split=split_column,
            image=image_column,
            encoding=encoding,
            strict=strict,
        )
        | without_unset({"drop": drop or None}),
        "model": without_unset({"recipe": recipe}),
        "train": without_unset({"epochs": epochs, "seed": seed}),
    }
    from modelwright.cli.cluster_processes import is_silent, start_or_join

    given = without_unset({"processes": processes, "rank": rank, "coordinator": coordinator})
    quiet = quiet or as_json or is_silent()
    if resume is not None:
        started = start_from or start_layers or freeze
        if config or sets or out or started or any(tables.values()):
            raise ConfigError(
                "--resume continues a run with its own settings; give it without any other."
            )
        cluster, _ = start_or_join(given)
        with show_progress(quiet=quiet) as progress:
            report = modelwright.resume(
                resume,
                data_root=data_root,
                baselines=not no_baselines,
                cluster=cluster,
                progress=progress,
            )
    elif data_root is not None:
        raise ConfigError("--data-root is for --resume; a new training takes its data as --data.")
    else:
        with show_progress(quiet=quiet) as progress:
            # Resolved here, so that a mistake is reported before TensorFlow loads.
            resolved = _resolve(
                config, {**tables, "cluster": given}, sets or (), start_from, freeze, progress
            )
        cluster, notes = start_or_join(resolved.cluster)
        load_keras()  # without TensorFlow's messages
        from modelwright.training.train import train as train_config

        with show_progress(quiet=quiet) as progress:
            report = train_config(
                resolved.config,
                out=out,
                extras=_extras(start_from, start_layers, freeze),
                notes=(*resolved.notes, *notes),
                baselines=not no_baselines,
                cluster=cluster,
                progress=progress,
            )
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
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    image_column: ImageColumn = None,
    encoding: Encoding = None,
    sets: Settings = None,
    strict: Strict = False,
    tta: TestTimeAugmentation = False,
    no_baselines: NoBaselines = False,
    data_root: DataRoot = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure a run on held-out rows; write figures and plots into its folder."""
    if split and data:
        raise ConfigError("--data measures all of its rows; give it without --split.")
    settings = data_settings(
        None,
        text=text_column,
        label=label_column,
        split=None,
        image=image_column,
        encoding=encoding,
        strict=strict,
    )
    with show_progress(quiet=quiet or as_json) as progress:
        wanted, name = _with_sets(settings, sets), _split_name(split)
        load_keras()
        from modelwright.training.evaluate import EvaluatedRows, EvaluationParts, evaluate_rows

        report = evaluate_rows(
            run,
            EvaluatedRows(data, wanted, name, data_root),
            tta=tta,
            parts=EvaluationParts(baselines=not no_baselines),
            progress=progress,
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
    data_root: DataRoot = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Draw the outputs of an image model's convolutions for one image."""
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.layers(run, picture, out=out, data_root=data_root, progress=progress)
    print_report(report, as_json=as_json)


def _config_and_data(
    inputs: list[str], data: list[str] | None
) -> tuple[Path | None, list[str] | None]:
    """Returns the config file and the sources among the arguments of ``train``."""
    from modelwright.recipes.resolve import is_config_file

    files = [name for name in inputs if is_config_file(name)]
    sources = [name for name in inputs if name not in files]
    if len(files) > 1:
        raise ConfigError(f"train was given the config files {', '.join(files)}; expected one.")
    if sources and data:
        raise ConfigError(
            f"the data was given as {', '.join(sources)} and with --data as {', '.join(data)};"
            " give it once."
        )
    return Path(files[0]) if files else None, sources or data


def _resolve(
    config: Path | None,
    tables: dict[str, Any],
    sets: Sequence[str],
    start_from: Path | None,
    freeze: list[str] | None,
    progress: Progress | None,
) -> ResolvedConfig:
    """Returns the settings of a training; those of the model that it starts from where it does."""
    from modelwright.recipes.resolve import resolve_or_choose
    from modelwright.training.source_settings import resolve_start

    if start_from is None:
        return resolve_or_choose(config, tables, sets, progress)
    return resolve_start(start_from, freeze or (), config, tables, sets)


def _extras(
    start_from: Path | None, layers: list[str] | None, freeze: list[str] | None
) -> Extras | None:
    from modelwright.training.extras import Extras
    from modelwright.training.starting_weights import StartFrom

    if layers and start_from is None:
        raise ConfigError(
            "--start-layers names layers of the model to start from; give it with --start-from."
        )
    if start_from is None and not freeze:
        return None
    chosen = tuple(layers) if layers else None
    start = None if start_from is None else StartFrom(start_from, chosen, new_classes=True)
    return Extras(start, tuple(freeze or ()))


def _with_sets(settings: dict[str, Any], sets: list[str] | None) -> dict[str, Any]:
    """Returns settings of ``[data]`` with those of ``--set data.key=value`` on top."""
    from modelwright.recipes.resolve import merge_tables, parse_set

    tables = merge_tables({"data": settings}, *map(parse_set, sets or ()))
    if others := [name for name in tables if name != "data"]:
        raise ConfigError(
            f"--set was given a key of '{others[0]}'; an evaluation reads only data.key=value."
        )
    return dict(tables["data"])


def _split_name(split: str | None) -> SplitName:
    from modelwright.core.types import SPLITS

    for name in SPLITS:
        if (split or "test") == name:
            return name
    raise ConfigError(f"--split was given '{split}'; expected train, val or test.")
