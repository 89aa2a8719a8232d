"""Running in this process what the package runs in child processes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest


def run_without_child_process(patch: pytest.MonkeyPatch, *modules: ModuleType) -> None:
    """Runs the given modules' child processes in this process, without importing all anew.

    For tests of what is written, not of the process that writes it.
    """
    from modelwright.core.child_process import main_of_child
    from modelwright.exporting import conversion
    from modelwright.servable import replay

    functions = {conversion: conversion._convert, replay: replay._answer}

    def run_child(module: str, arguments: Sequence[str], out: Path, **_: object) -> str | None:
        function = functions[sys.modules[module]]
        code = main_of_child(function, list(arguments))
        return None if code == 0 and out.exists() else f"exit code {code}"

    for module in modules:
        patch.setattr(module, "run_child", run_child)
