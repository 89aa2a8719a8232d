"""``modelwright runs``: list, show, compare and delete runs."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from modelwright.cli.completion import complete_run, complete_runs
from modelwright.cli.examples import epilog
from modelwright.cli.options import AsJson, Quiet, RunFolder
from modelwright.cli.output import print_report, show_progress
from modelwright.core.errors import ConfigError

_LIST = "list"


class ListByDefault(TyperGroup):
    """A group that lists if its first word is no command: ``modelwright runs FOLDER``."""

    default = _LIST
    """The command that is meant then."""
    argument = "a folder"
    """What the first word may be besides a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the default command before arguments that name no command."""
        if ctx.resilient_parsing and not args:
            return super().parse_args(ctx, args)  # a shell asks what may come here
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            word = args[0] if args else ""
            similar = get_close_matches(word, self.commands, 1)
            if similar and not self.is_argument(word):
                ctx.fail(
                    f"'{word}' is neither a command nor {self.argument}. "
                    f"Did you mean '{similar[0]}'?"
                )
            args = [self.default, *args]
        return super().parse_args(ctx, args)

    def is_argument(self, word: str) -> bool:
        """Returns whether the first word is no command, however close to one."""
        return Path(word).exists()

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Returns the commands that begin so, and what else the first word may be."""
        commands = super().shell_complete(ctx, incomplete)
        make = self.commands[self.default].params[0].shell_complete
        return [*commands, *make(ctx, incomplete)]


app = typer.Typer(
    cls=ListByDefault,
    help="List the runs of a folder, best first; show, compare or delete runs.",
)


@app.command(name=_LIST, epilog=epilog("runs list"))
def list_(
    folder: Annotated[
        Path, typer.Argument(help="Folder with runs.", autocompletion=complete_runs)
    ] = Path("runs"),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """List the runs of a folder, best first among runs on the same rows."""
    from modelwright.runs.listing import list_runs

    with show_progress(quiet=quiet or as_json) as progress:
        report = list_runs(folder, progress=progress)
    print_report(report, as_json=as_json)


@app.command(epilog=epilog("runs show"))
def show(run: RunFolder, as_json: AsJson = False) -> None:
    """Show a run's settings, data, scores and exports, and the command that comes next."""
    from modelwright.runs.details import show_run

    print_report(show_run(run), as_json=as_json)


@app.command(epilog=epilog("runs diff"))
def diff(
    first: RunFolder,
    second: Annotated[
        Path,
        typer.Argument(help="Run folder to compare with the first.", autocompletion=complete_run),
    ],
    as_json: AsJson = False,
) -> None:
    """Show what differs between two runs, with a paired test on rows that both were measured on."""
    from modelwright.runs.difference import compare_runs

    print_report(compare_runs(first, second), as_json=as_json)


@app.command(epilog=epilog("runs rm"))
def rm(
    runs: Annotated[list[Path], typer.Argument(help="Run folders.", autocompletion=complete_run)],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Delete without asking.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete runs, after asking; exported servables stay."""
    from modelwright.runs.removal import plan_removal, remove_runs

    plan = plan_removal(runs)
    if not yes:
        _ask(plan.render())
    report = remove_runs(plan)
    print_report(report, as_json=as_json)


def _ask(plan: str) -> None:
    """Shows what will be deleted, and ends the command unless the user agrees."""
    if not sys.stdin.isatty():
        raise ConfigError(
            "runs rm asks before it deletes, and standard input is not a terminal; look at the"
            " runs with modelwright runs show, then add --yes."
        )
    sys.stderr.write(plan + "\n\n")
    if not typer.confirm("Delete?", err=True):
        raise typer.Exit(1)
