"""Every command explains itself, shared options read the same everywhere, and help is instant."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import pytest

from command_tree import whole_command
from modelwright.cli.examples import EXAMPLES
from modelwright.cli.options import data_settings

Cli = Callable[..., tuple[int, str, str]]
SHARED = {
    "--json", "--quiet", "--text-column", "--label-column", "--image-column", "--encoding",
    "--strict", "--tta",
}  # fmt: skip


def commands() -> dict[str, Any]:
    """Returns every command by its full name."""
    top: Any = whole_command()
    found = {}
    for name, command in top.commands.items():
        inside = getattr(command, "commands", None)
        found |= (
            {f"{name} {word}": one for word, one in inside.items()} if inside else {name: command}
        )
    return found


@pytest.mark.parametrize("name", commands())
def test_a_command_and_all_its_parameters_have_a_help_text(name: str) -> None:
    command = commands()[name]
    assert command.help
    for parameter in command.params:
        assert parameter.name == "help" or parameter.help, f"{name}: {parameter.name}"


def test_shared_options_have_one_help_text_and_one_default() -> None:
    texts = defaultdict(set)
    for command in commands().values():
        for parameter in command.params:
            for option in SHARED & set(parameter.opts):
                texts[option].add((parameter.help, parameter.default))
    assert texts.keys() == SHARED
    assert {option: len(found) for option, found in texts.items() if len(found) > 1} == {}


def test_help_loads_no_heavy_package() -> None:
    probe = (
        "import json, sys\nfrom modelwright.cli.main import app\n"
        "try: app(['--help'])\nexcept SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert "train" in done.stdout
    loaded = set(json.loads(done.stderr))
    assert not loaded & {"tensorflow", "keras", "numpy", "pyarrow", "pydantic", "matplotlib"}


def test_data_settings_hold_only_what_was_set() -> None:
    unset: dict[str, Any] = dict.fromkeys(("text", "label", "split", "image", "encoding"))
    assert data_settings(None, **unset, strict=False) == {}
    assert data_settings(["a"], **unset, strict=True) == {"source": "a", "strict": True}
    assert data_settings(["a", "b"], **{**unset, "label": "y"}, strict=False) == {
        "source": ["a", "b"],
        "label": "y",
    }


@pytest.mark.parametrize("name", commands())
def test_help_ends_with_examples_that_parse(name: str, cli: Cli) -> None:
    code, out, _ = cli(*name.split(), "--help")
    shown = [line.strip() for line in out.split("Examples:")[1].splitlines() if line.strip()]
    assert code == 0 and " ".join(shown) == " ".join(EXAMPLES[name])
    for example in EXAMPLES[name]:
        words = shlex.split(example.partition(" < ")[0])[1:]
        command: Any = whole_command()
        outer = name.split()[0]
        if name in ("runs list", "backbones list", "tune run"):  # short for it: without the word
            words[1:1] = name.split()[1:]
        for word in name.split():
            assert words.pop(0) == word
            command = command.commands[word]
        command.make_context(outer, words)


def test_every_example_belongs_to_a_command() -> None:
    assert set(EXAMPLES) == set(commands())


@pytest.mark.parametrize(
    ("word", "meant"),
    [("trian", "'train'"), ("fit", "modelwright train"), ("rm", "modelwright runs rm")],
)
def test_an_unknown_command_gets_the_one_that_was_meant(cli: Cli, word: str, meant: str) -> None:
    code, out, err = cli(word)
    assert (code, out) == (2, "")
    assert f"No such command '{word}'. Did you mean" in err and meant in err
