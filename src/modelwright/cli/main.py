"""``modelwright`` and its short alias ``mw``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from typer.core import TyperCommand

import modelwright
from modelwright.cli import (
    data,
    deployment,
    doctor,
    prediction,
    runs,
    servables,
    server,
    studies,
    training,
)
from modelwright.core.console import drop_output, flush_or_drop, tolerate_any_console
from modelwright.core.errors import ModelwrightError, write_error

_SUMMARY = "Turn labeled images or texts into a small, verified, deployable classifier."
_COMMANDS = (
    training.recipes,
    training.train,
    training.evaluate,
    training.layers,
    studies.compare,
    studies.reproduce,
    servables.export,
    servables.quantize,
    servables.verify,
    servables.benchmark,
    prediction.predict,
    server.serve,
    server.versions,
    server.rollback,
    deployment.deploy,
    doctor.doctor,
)

_CLASSES: dict[object, type[TyperCommand]] = {prediction.predict: prediction.PredictCommand}
_READER_GONE = 141
"""The exit code of a program whose reader has gone, such as ``head``."""

app = typer.Typer(
    help=_SUMMARY,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.add_typer(runs.app, name="runs")
for command in _COMMANDS:
    app.command(cls=_CLASSES.get(command))(command)


@app.callback(invoke_without_command=True, help=_SUMMARY)
def print_version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Prints the version if the option is set."""
    if version:
        sys.stdout.write(f"modelwright {modelwright.__version__}\n")
        raise typer.Exit


def main() -> None:
    """Runs a command and exits with a code that ``modelwright.core.errors`` lists."""
    tolerate_any_console()
    try:
        _run()
    except BrokenPipeError:
        drop_output()
        sys.exit(_READER_GONE)


def _run() -> None:
    try:
        app()
    except SystemExit as end:
        if not flush_or_drop():
            sys.exit(_READER_GONE)
        raise end from None
    except ModelwrightError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except BrokenPipeError:  # an OSError, too, but no refusal of the machine
        raise
    except OSError as error:
        # The machine refuses, for example a full disk or a read-only folder. It is not a bug.
        if refused := write_error(error):
            sys.stderr.write(f"error: {refused}\n")
            sys.exit(refused.exit_code)
        file = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"error: {error.strerror or error}{file}\n")
        sys.exit(ModelwrightError.exit_code)
