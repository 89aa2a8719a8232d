"""The command line as a tree of commands, built once: that takes a tenth of a second each time."""

from __future__ import annotations

from functools import cache
from typing import Any

import typer.main

get_command = cache(typer.main.get_command)
"""Typer's function of that name, which builds a new tree at each call."""


def whole_command() -> Any:
    """Returns the command ``modelwright`` with all of its subcommands."""
    from modelwright.cli.main import app

    return get_command(app)
