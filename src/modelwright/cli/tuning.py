"""``modelwright tune``: search for better settings, and show a search."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import modelwright
from modelwright.cli.completion import (
    complete_recipe,
    complete_source,
    complete_tuning,
    complete_words,
)
from modelwright.cli.examples import epilog
from modelwright.cli.options import (
    AsJson,
    Encoding,
    ImageColumn,
    LabelColumn,
    Quiet,
    Runner,
    Settings,
    SplitColumn,
    Strict,
    TextColumn,
    Workers,
    data_settings,
    without_unset,
)
from modelwright.cli.output import exit_if_stopped, print_report, show_progress
from modelwright.cli.runs import ListByDefault
from modelwright.core.errors import ConfigError, RunError

if TYPE_CHECKING:
    from modelwright.core.types import Progress
    from modelwright.tuning.search_plan import SearchPlan


class TuneByDefault(ListByDefault):
    """``modelwright tune SOURCE`` is short for ``modelwright tune run SOURCE``."""

    default = "run"
    argument = "data or a search"


app = typer.Typer(
    cls=TuneByDefault,
    help="Search for better settings (modelwright tune SOURCE), or show a search."
    " 'modelwright tune run --help' lists all options.",
    epilog=epilog("tune run"),
)


@app.command(epilog=epilog("tune run"))
def run(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SEARCH.toml|FOLDER|DATA...",
            help="TOML file of a search, folder of a search to go on with, or data.",
            autocompletion=complete_source,
        ),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(
            help="Recipe whose own space is searched, with data; one that fits by default.",
            autocompletion=complete_recipe,
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Number of trials; 30 by default.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Time of all sessions of the search together.")
    ] = None,
    objective: Annotated[
        str | None,
        typer.Option(
            help="val_accuracy (the default), macro_f1 or val_loss.",
            autocompletion=complete_words("macro_f1", "val_accuracy", "val_loss"),
        ),
    ] = None,
    sampler: Annotated[str | None, typer.Option(help="tpe (the default), random, grid, …")] = None,
    pruner: Annotated[
        str | None, typer.Option(help="asha (the default), median, hyperband or none.")
    ] = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    split_column: SplitColumn = None,
    image_column: ImageColumn = None,
    encoding: Encoding = None,
    strict: Strict = False,
    sets: Settings = None,
    runner: Runner = None,
    workers: Workers = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try the trials again that failed.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Output folder; tunings/NAME by default.")
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Search for better settings on the validation rows; continue a stopped search."""
    search = without_unset(
        {
            "trials": trials,
            "minutes": minutes,
            "objective": objective,
            "sampler": sampler,
            "pruner": pruner,
        }
    )
    data = data_settings(
        None,
        text=text_column,
        label=label_column,
        split=split_column,
        image=image_column,
        encoding=encoding,
        strict=strict,
    )
    with show_progress(quiet=quiet or as_json) as progress:
        plan, place = _plan(sources, recipe, data, sets or [], search, progress)
        report = modelwright.tune(
            plan,
            out=out or place,
            runner=runner or "local",
            workers=1 if workers is None else workers,
            retry_failed=retry_failed,
            progress=progress,
        )
    print_report(report, as_json=as_json)
    exit_if_stopped(report.status)
    if report.status == "failed":
        raise RunError(
            f"the search failed: {report.reason.rstrip('.')}. Remove the cause; the same command"
            " goes on, and --retry-failed tries the failed trials again."
        )


@app.command(epilog=epilog("tune show"))
def show(
    folder: Annotated[
        Path, typer.Argument(help="Folder of a search.", autocompletion=complete_tuning)
    ],
    as_json: AsJson = False,
) -> None:
    """Show a search as far as it has come: its trials, the best one, what they mean."""
    from modelwright.tuning.tune import show_tuning

    print_report(show_tuning(folder), as_json=as_json)


def _plan(
    sources: list[str],
    recipe: str | None,
    data: dict[str, Any],
    sets: list[str],
    search: dict[str, Any],
    progress: Progress | None,
) -> tuple[SearchPlan, Path | None]:
    """Returns the plan, and the folder that it goes on in if the command names one."""
    from modelwright.recipes.resolve import is_config_file
    from modelwright.tuning.search_file import plan_for_data, read_search_plan
    from modelwright.tuning.search_folder import own_folder

    files = [name for name in sources if is_config_file(name) or own_folder(name)]
    if not files:
        table = data | {"source": sources[0] if len(sources) == 1 else sources}
        tables = {"data": table, "model": without_unset({"recipe": recipe})}
        return plan_for_data(tables, sets, search, progress), None
    if len(sources) > 1:
        raise ConfigError(
            f"tune was given {', '.join(sources)}; expected one search, or data without a search."
        )
    if recipe or data:
        raise ConfigError(
            f"{files[0]} is a search, which names its recipe and data in [base]; give it without"
            " --recipe and without options of the data, or change them with --set."
        )
    return read_search_plan(files[0], sets, search), own_folder(files[0])
