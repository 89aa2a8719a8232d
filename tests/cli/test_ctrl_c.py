"""Ctrl-C, before and while a command runs."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import pytest

from modelwright.__main__ import main


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_while_the_code_loads_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(builtins, "__import__", interrupt)
    with pytest.raises(SystemExit) as stop:
        main()
    assert (stop.value.code, capsys.readouterr().err) == (130, "interrupted\n")


def test_ctrl_c_in_a_command_says_so(
    cli: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelwright.cli.training.print_report", interrupt)
    code, _, error = cli("recipes")
    assert (code, error) == (130, "interrupted\n")
