"""``modelwright`` and its short alias ``mw``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

import modelwright
from modelwright.cli import (
    auditing,
    backbones,
    data,
    deployment,
    distillation,
    doctor,
    drift,
    explanation,
    prediction,
    reporting,
    runs,
    servables,
    server,
    streams,
    studies,
    training,
    tuning,
    updating,
)
from modelwright.cli.examples import epilog
from modelwright.core.backend import skip_unused_packages
from modelwright.core.console import drop_output, flush_or_drop, tolerate_any_console
from modelwright.core.errors import ModelwrightError, write_error

_SUMMARY = "Turn labeled images or texts into a small, verified, deployable classifier."
_COMMANDS = (
    training.recipes,
    training.train,
    training.evaluate,
    training.layers,
    auditing.audit,
    distillation.distill,
    reporting.report,
    studies.compare,
    studies.reproduce,
    streams.stream,
    servables.export,
    servables.quantize,
    servables.verify,
    servables.benchmark,
    prediction.predict,
    explanation.explain,
    drift.drift,
    server.serve,
    server.versions,
    server.rollback,
    updating.update,
    deployment.deploy,
    doctor.doctor,
)

_CLASSES: dict[object, type[TyperCommand]] = {
    prediction.predict: prediction.PredictCommand,
    explanation.explain: prediction.PredictCommand,
}
_INTERRUPTED = 130
_READER_GONE = 141
"""The exit code of a program whose reader has gone, such as ``head``."""

_MEANT = {
    "augment": "data show",
    "continual": "stream",
    "convert": "export",
    "delete": "runs rm",
    "download": "data fetch",
    "eval": "evaluate",
    "explanation": "explain",
    "fetch": "data fetch",
    "fit": "train",
    "infer": "predict",
    "inspect": "data inspect",
    "list": "runs",
    "ls": "runs",
    "monitor": "drift",
    "resume": "train --resume",
    "rm": "runs rm",
    "show": "runs show",
    "search": "tune",
    "test": "evaluate",
}
"""Commands of other tools, and words in the middle of a command here."""


class Commands(TyperGroup):
    """The commands. An unknown one gets the command that was probably meant."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Returns the command that the first argument names."""
        name = args[0] if args else ""
        if name in _MEANT and name not in self.commands:
            ctx.fail(f"No such command '{name}'. Did you mean 'modelwright {_MEANT[name]}'?")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    help=_SUMMARY,
    no_args_is_help=True,
    cls=Commands,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.add_typer(backbones.app, name="backbones")
app.add_typer(runs.app, name="runs")
app.add_typer(tuning.app, name="tune")
for command in _COMMANDS:
    app.command(cls=_CLASSES.get(command), epilog=epilog(command.__name__))(command)


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
    skip_unused_packages()
    try:
        _run()
    except BrokenPipeError:
        drop_output()
        sys.exit(_READER_GONE)


def _run() -> None:
    # The name decides how a shell's completion calls back: modelwright, or mw.
    name = Path(sys.argv[0]).stem
    try:
        app(prog_name=name if name in ("modelwright", "mw") else None)
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # typer turns a KeyboardInterrupt into this code
            sys.stderr.write("interrupted\n")
        if not flush_or_drop():
            sys.exit(_READER_GONE)
        raise end from None
    except ModelwrightError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(_INTERRUPTED)
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


if __name__ == "__main__":
    main()
