"""The command ``explain``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import modelwright
from modelwright.cli.completion import complete_servable_or_run
from modelwright.cli.explanation_summary import print_summary
from modelwright.cli.options import AsJson, Quiet
from modelwright.cli.output import print_json, print_report, show_progress
from modelwright.cli.prediction import PROTECTED
from modelwright.core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from modelwright.core.types import Task


def explain(
    model: Annotated[
        Path,
        typer.Argument(
            help="models/NAME/VERSION, models/NAME for its live version, or a run folder.",
            autocompletion=complete_servable_or_run,
        ),
    ],
    inputs: Annotated[
        list[str] | None,
        typer.Argument(
            help="Texts, or .txt files with one a line; or images, folders and patterns; - reads"
            " lines from standard input. None with --data and --evaluate."
        ),
    ] = None,
    method: Annotated[
        str,
        typer.Option(
            help="Method of explanation: in-and-out, leave-one-out, masks, occlusion, lime, for"
            " runs also grad-cam and integrated-gradients, or another that is registered; by"
            " default the most faithful for the model's task."
        ),
    ] = "auto",
    label: Annotated[
        str | None,
        typer.Option(help="Label to explain; the most probable one of each input by default."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Use the fastest method for the model's task.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Random seed.")] = 0,
    engine: Annotated[str, typer.Option(help="Engine of the servable to use.")] = "auto",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Also write a file: .png with heat maps over images, with --data a"
            " contact sheet; .html with marked texts.",
        ),
    ] = None,
    evaluate: Annotated[
        bool,
        typer.Option(
            "--evaluate",
            help="Measure how faithful each method is on held-out rows, compared with random"
            " segments. --method takes several names, separated by commas.",
        ),
    ] = False,
    rows: Annotated[
        int | None,
        typer.Option(
            min=2,
            help="Largest number of rows for --data and --evaluate: 200 by default; with --data"
            " 1,000 images.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Summarize a whole set, with or without labels: a table, a folder of images or a"
            " named set. With --evaluate: measure the methods on its rows."
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Explain why a model gives texts or images a label, and how far that is true."""
    if evaluate:
        given = {"INPUTS": inputs, "--label": label, "--quick": quick, "--output": output}
        if wrong := [name for name, value in given.items() if value]:
            raise ConfigError(
                f"--evaluate explains held-out rows of the model; leave out {', '.join(wrong)}."
                " Other rows are given with --data."
            )
        with show_progress(quiet=quiet or as_json) as progress:
            evaluation = modelwright.evaluate_explanations(
                model, rows=rows or 200, data=data, seed=seed, engine=engine, progress=progress,
                methods=[] if method == "auto" else method.split(","),
            )  # fmt: skip
        print_report(evaluation, as_json=as_json)
        return
    if quick and method != "auto":
        raise ConfigError(f"--quick selects the method; got --method {method}, too. Give one.")
    if data is not None:
        if inputs:
            raise ConfigError("--data explains the rows of a whole set; leave out INPUTS.")
        print_summary(
            model, data, rows=rows, label=label, method="quick" if quick else method, seed=seed,
            engine=engine, output=output, as_json=as_json, quiet=quiet,
        )  # fmt: skip
        return
    if rows is not None:
        raise ConfigError("--rows is for --data and --evaluate; give one of them, too.")
    if not inputs:
        raise ConfigError(
            "there is nothing to explain; give texts or images after the model, or --evaluate to"
            " measure the methods on held-out rows, or --data for a summary of a whole set."
        )
    _explain_inputs(
        model, inputs, engine=engine, output=output, as_json=as_json, quiet=quiet, label=label,
        method="quick" if quick else method, seed=seed,
    )  # fmt: skip


def _explain_inputs(
    model: Path,
    inputs: Sequence[str],
    *,
    engine: str,
    output: Path | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Explains inputs; ``settings`` are other arguments of ``modelwright.explain``."""
    from modelwright.api.explain import open_model
    from modelwright.explaining.output_file import check_output, write_explanations

    inputs = [one.removeprefix(PROTECTED) for one in inputs]
    opened = open_model(model, engine)
    task = opened.predictor.manifest.task
    if output is not None:
        check_output(output, task)
    names, notes = _expand(inputs, task, model)
    if not quiet:
        sys.stderr.writelines(f"note: {note}\n" for note in notes)
    with show_progress(quiet=quiet or as_json) as progress:
        report = modelwright.explain(opened, names, progress=progress, **settings)
    if len(names) == 1 and report.failed and not as_json:
        raise DataError(report.failed[0].reason)
    if output is not None and report.explained:
        write_explanations(output, report)
    if as_json:
        print_json(report.to_dict()["explanations"])
    elif report.explained:
        print_report(report, as_json=False)
        if output is not None:
            sys.stdout.write(f"\nwritten: {output}\n")
    if report.failed:
        if not as_json:
            sys.stderr.writelines(f"error: {one.reason}\n" for one in report.failed)
        count = f"{len(report.failed):,} of {len(names):,}"
        sys.stderr.write(f"error: {count} inputs have no explanation\n")
        raise typer.Exit(DataError.exit_code)


def _expand(inputs: Sequence[str], task: Task, model: Path) -> tuple[list[str | Path], list[str]]:
    """Returns the inputs that arguments name, and what was decided."""
    from modelwright.cli.inputs import expand_inputs, read_lines

    if "-" in inputs and len(inputs) > 1:
        raise ConfigError("- reads the lines of standard input; give it as the only input.")
    if inputs == ["-"]:
        lines = [line.strip() for line in sys.stdin if line.strip()]
        if not lines:
            raise ConfigError("standard input is empty; expected one input a line.")
        return expand_inputs(lines, task, model) if task == "image" else (list(lines), [])
    if task == "image":
        return expand_inputs(inputs, task, model)
    names: list[str | Path] = []
    notes: list[str] = []
    for one in inputs:
        is_lines = len(one) < 256 and one.lower().endswith(".txt") and Path(one).is_file()
        if is_lines:
            lines = read_lines(Path(one))
            notes.append(f"{one}: {len(lines):,} texts, one a line")
            names += lines
        else:
            names += expand_inputs([one], task, model)[0]
    return names, notes
