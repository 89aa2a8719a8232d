"""``modelwright`` and its short alias ``mw``."""

from __future__ import annotations

import sys

import typer

import modelwright
from modelwright.cli import data, models, serving, studies
from modelwright.core.errors import ModelwrightError

app = typer.Typer(
    help="Labelled pictures or texts in, a small, verified, deployable classifier out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.command()(studies.recipes)
app.command()(models.train)
app.command()(models.evaluate)
app.command()(models.layers)
app.command()(studies.compare)
app.command()(studies.reproduce)
app.command()(models.export)
app.command()(models.quantize)
app.command()(models.verify)
app.command()(models.benchmark)
app.command()(models.predict)
app.command()(serving.serve)
app.command()(serving.versions)
app.command()(serving.rollback)
app.command()(serving.deploy)
app.command()(models.doctor)


@app.callback(invoke_without_command=True)
def version(
    show: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    """Labelled pictures or texts in, a small, verified, deployable classifier out."""
    if show:
        sys.stdout.write(f"modelwright {modelwright.__version__}\n")
        raise typer.Exit


def main() -> None:
    """Run a command; end with the exit code that ``modelwright.core.errors`` lists."""
    try:
        app()
    except ModelwrightError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
    except OSError as error:
        # A full disk, a folder that may not be written: the machine's refusal, not a bug.
        what = f" ({error.filename})" if error.filename else ""
        sys.stderr.write(f"error: {error.strerror or error}{what}\n")
        sys.exit(ModelwrightError.exit_code)


if __name__ == "__main__":
    main()
