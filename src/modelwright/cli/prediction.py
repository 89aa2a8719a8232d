"""The command ``predict``: texts and images, lines of standard input, and whole files."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

import modelwright
from modelwright.cli.options import (
    AsJson,
    Encoding,
    ImageColumn,
    Quiet,
    RayAddress,
    ServableFolder,
    TextColumn,
    without_unset,
)
from modelwright.cli.output import answer_record, print_json, print_report, show_progress
from modelwright.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from modelwright.scoring.ray_pool import RayWorkers

PROTECTED = "\0"
"""Stands before a text that begins with a minus sign, so that it is not read as an option."""
_OPTION = re.compile(r"-[A-Za-z]|--?[A-Za-z][\w-]*(=.*)?", re.DOTALL)


class PredictCommand(TyperCommand):
    """Takes texts that begin with a minus sign as texts."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Protects such texts, and says of other words with a minus sign how to give them."""
        options = {name for parameter in self.params for name in parameter.opts}
        args = [PROTECTED + one if _is_text(one, options) else one for one in args]
        try:
            return super().parse_args(ctx, list(args))
        except typer.Exit:
            raise
        except Exception as error:
            if type(error).__name__ == "NoSuchOption" and hasattr(error, "message"):
                # Of -awful, the parser names only -a.
                name = getattr(error, "option_name", "-")
                whole = next((one for one in args if one.startswith(name)), name)
                error.message += (
                    f". A text that begins with - goes after two of them: modelwright {self.name}"
                    f' MODEL -- "{whole}"'
                )
            raise


def _is_text(argument: str, options: set[str]) -> bool:
    """Returns whether an argument with a minus sign cannot be an option of the command."""
    if not argument.startswith("-") or argument in ("-", "--"):
        return False
    if argument.partition("=")[0] in options or _OPTION.fullmatch(argument):
        return False
    # -oFILE: an option with its value.
    return argument[:2] not in options or any(letter.isspace() for letter in argument)


def predict(
    servable: ServableFolder,
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Texts; or images, folders and patterns; - reads lines from standard input; with"
            " --output, one table, or folder of images or Parquet files."
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Score a whole file and write its rows with the answers: .csv, .tsv, .jsonl or"
            " .parquet.",
        ),
    ] = None,
    text_column: TextColumn = None,
    image_column: ImageColumn = None,
    encoding: Encoding = None,
    top: Annotated[int, typer.Option(min=1, help="Number of labels to show per input.")] = 1,
    engine: Annotated[str, typer.Option(help="Engine of the servable to use.")] = "auto",
    workers: Annotated[
        int | None,
        typer.Option(min=0, help="Processes that score a file; 0, the default, for one a core."),
    ] = None,
    runner: Annotated[
        str, typer.Option(help="Where a file is scored: local, or ray for a Ray cluster.")
    ] = "local",
    ray_address: RayAddress = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Classify texts or images with a servable, or score a whole file."""
    inputs = [one.removeprefix(PROTECTED) for one in inputs]
    data = without_unset({"text": text_column, "image": image_column, "encoding": encoding})
    placed = _place_workers(workers, runner, ray_address)
    if output is not None:
        if len(inputs) != 1 or inputs == ["-"]:
            raise ConfigError(
                "--output takes one file or folder, and writes one file; got"
                f" {', '.join(inputs)[:100]}. Standard input is answered on standard output."
            )
        if top != 1:
            raise ConfigError("--top is for answers on the screen; a file gets all probabilities.")
        options = (engine, placed, as_json, quiet)
        _score_file(servable, Path(inputs[0]), output, data, options)
        return
    for name, given in (("workers", workers is not None), ("runner", runner != "local")):
        if given:
            raise ConfigError(f"--{name} is for a file that is scored with --output NAME.csv.")
    if text_column or image_column:
        raise ConfigError(
            "--text-column and --image-column name a column of a table; score it with --output"
            " NAME.csv."
        )
    if inputs == ["-"]:
        from modelwright.cli.stream import answer_standard_input

        if not answer_standard_input(
            servable,
            engine,
            encoding=encoding if encoding not in (None, "auto") else "utf-8",
            top=top,
            as_json=as_json,
        ):
            raise typer.Exit(DataError.exit_code)
        return
    if "-" in inputs:
        raise ConfigError(
            "- reads the lines of standard input; give it as the only input, without"
            f" {', '.join(one for one in inputs if one != '-')[:100]}."
        )
    if encoding is not None:
        raise ConfigError("--encoding is for standard input (-) and for files (--output).")
    _classify(servable, inputs, (engine, top, as_json, quiet))


def _place_workers(workers: int | None, runner: str, address: str | None) -> int | RayWorkers:
    """Returns how many workers score a file, and where."""
    if runner not in ("local", "ray"):
        raise ConfigError(f"--runner was given '{runner}'; expected local or ray.")
    if runner == "local":
        if address is not None:
            raise ConfigError("--ray-address is for --runner ray; give both, or neither.")
        return workers or 0
    from modelwright.scoring.ray_pool import RayWorkers

    return RayWorkers(workers or 0, address or "")


def _score_file(
    servable: Path,
    source: Path,
    output: Path,
    data: dict[str, Any],
    options: tuple[str, int | RayWorkers, bool, bool],
) -> None:
    engine, workers, as_json, quiet = options
    try:
        with show_progress(quiet=quiet or as_json) as progress:
            report = modelwright.predict_file(
                servable, source, output, data=data, engine=engine, workers=workers,
                progress=progress,
            )  # fmt: skip
    except KeyboardInterrupt:
        sys.stderr.write("stopped; the same command goes on from here\n")
        raise
    print_report(report, as_json=as_json)
    if report.rejected:
        raise typer.Exit(DataError.exit_code)


def _classify(servable: Path, inputs: Sequence[str], options: tuple[str, int, bool, bool]) -> None:
    from modelwright.cli.inputs import expand_inputs
    from modelwright.servable.manifest import find_version, read_manifest

    engine, top, as_json, quiet = options
    task = read_manifest(find_version(servable)).task
    names, notes = expand_inputs(inputs, task, servable)
    answers = modelwright.load(servable, engine=engine).predict_each(names)
    errors = [answer for answer in answers if isinstance(answer, DataError)]
    if errors and len(answers) == 1 and not as_json:
        raise errors[0]
    if not quiet:
        for note in notes:
            sys.stderr.write(f"note: {note}\n")
    if as_json:
        pairs = zip(names, answers, strict=True)
        print_json([answer_record(str(name), answer) for name, answer in pairs])
    else:
        _print_table(names, answers, top)
    if errors:
        if not as_json:
            for error in errors:
                sys.stderr.write(f"error: {error}\n")
        sys.stderr.write(f"error: {len(errors):,} of {len(answers):,} inputs have no answer\n")
        raise typer.Exit(DataError.exit_code)


def _print_table(names: Sequence[object], answers: Sequence[Any], top: int) -> None:
    from modelwright.core.terminal import percent, shorten, table

    rows: list[tuple[str, str, str]] = []
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, DataError):
            continue
        for rank, (label, probability) in enumerate(answer.top(top)):
            shown = _shorten_path(name) if isinstance(name, Path) else shorten(str(name), 60)
            rows.append((shown if not rank else "", label, percent(probability)))
    if rows:
        sys.stdout.write(table(("input", "label", "probability"), rows) + "\n")


def _shorten_path(path: Path) -> str:
    """Returns a path of at most 60 characters that ends as the path does."""
    name = str(path)
    return name if len(name) <= 60 else f"…{name[-59:]}"
