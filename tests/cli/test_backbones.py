"""``modelwright backbones``: the list, one backbone, and getting its weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.cli.completion import complete_backbone
from modelwright.models.backbone_names import BACKBONE_NAMES

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("MODELWRIGHT_BACKBONES", raising=False)


def test_the_list_and_one_in_full(cli: Cli) -> None:
    code, out, _ = cli("backbones")
    assert code == 0 and all(name in out for name in BACKBONE_NAMES)
    assert "unclear (2)" in out and "modelwright backbones get NAME" in out
    code, out, _ = cli("backbones", "--json")
    assert [one["name"] for one in json.loads(out)["backbones"]] == list(BACKBONE_NAMES)
    code, out, _ = cli("backbones", "mobilenetv3-small", "--json")
    one = json.loads(out)
    assert (code, one["path"], one["source"]) == (0, None, None)
    assert one["license"] == "unclear" and "MODELWRIGHT_BACKBONES=FOLDER" in one["how_to_get"]


def test_what_cannot_be_had_is_one_line(tmp_path: Path, cli: Cli) -> None:
    wrong = tmp_path / "efficientnet-lite0-57934424.pth"
    wrong.write_bytes(b"half of it")
    code, out, err = cli("backbones", "get", "efficientnet-lite0", "--folder", wrong)
    assert (code, out, err.count("\n")) == (3, "", 1)
    assert "expected 579344248a93e230" in err
    code, _, err = cli("backbones", "get", "efficientnet-lite")
    assert code == 2 and "Did you mean 'efficientnet-lite" in err


@pytest.mark.parametrize(("word", "hint"), [("gett", "Did you mean 'get'"), ("lite0", "-lite0'?")])
def test_a_wrong_word_gets_a_hint(cli: Cli, word: str, hint: str) -> None:
    code, _, err = cli("backbones", word)
    assert code == 2 and hint in err


def test_names_are_completed() -> None:
    assert complete_backbone("mob") == ["mobilenetv3-large", "mobilenetv3-small"]
