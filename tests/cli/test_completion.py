"""What a shell offers at Tab, and that it loads nothing heavy for it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.cli import completion
from modelwright.data.named.definitions import SET_NAMES
from modelwright.recipes.recipe import recipe_names

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with runs, models and rows; files are empty."""
    for name in (
        "runs/imdb/run.json", "runs/照片/run.json", "runs/.partial/run.json", "notes/a.txt",
        "models/imdb/1/modelwright.json", "models/imdb/2/modelwright.json",
        "models/cat/1/saved_model.pb", "reviews.csv",
    ):  # fmt: skip
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folders_of_the_kind_that_a_command_takes(tree: Path) -> None:
    assert completion.complete_run("") == ["runs/imdb", "runs/照片"]
    assert completion.complete_run("runs/i") == ["runs/imdb"]
    assert completion.complete_run("no") == ["notes/"]
    assert completion.complete_run(f"{tree}/runs/照") == [f"{tree}/runs/照片"]
    assert completion.complete_servable("m") == ["models/cat", "models/imdb"]
    assert completion.complete_servable("models/imdb/") == ["models/imdb/1", "models/imdb/2"]
    assert completion.complete_model("models/") == ["models/cat", "models/imdb"]
    assert completion.complete_models("") == ["models"]
    assert completion.complete_runs("") == ["runs"]
    assert completion.complete_run("nowhere/") == []


def test_places_of_a_report(tree: Path) -> None:
    for name in ("studies/a/study.json", "tunings/b/tuning.json", "streams/c/stream.json"):
        (tree / name).parent.mkdir(parents=True)
        (tree / name).touch()
    assert completion.complete_place("s") == ["streams/c", "studies/a"]
    assert completion.complete_place("tu") == ["tunings/b"]
    assert completion.complete_place("models/c") == ["models/cat"]


def test_names_and_sources(tree: Path) -> None:
    assert set(completion.NAMED_SETS) == set(SET_NAMES)
    assert completion.complete_recipe("") == recipe_names()
    assert completion.complete_recipe("cifar-f") == ["cifar-fast"]
    assert completion.complete_source("im") == ["imdb", "imdb-unlabelled"]
    assert completion.complete_source("re") == ["reviews.csv"]
    assert completion.complete_source("runs/") == ["runs/imdb", "runs/照片"]
    assert completion.complete_words("train", "test")("te") == ["test"]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("modelwright evaluate ", ["runs/imdb", "runs/照片"]),
        ("modelwright predict models/i", ["models/imdb"]),
        ("modelwright train --recipe cifar-", ["cifar-best", "cifar-fast"]),
        ("modelwright train --resume ", ["runs/imdb", "runs/照片"]),
        ("modelwright data fetch mn", ["mnist"]),
        ("modelwright runs sh", ["show"]),
        ("modelwright runs ru", ["runs"]),
        ("modelwright runs diff runs/imdb ", ["runs/imdb", "runs/照片"]),
        ("modelwright serve ", ["models"]),
        ("modelwright deploy k", ["kserve", "kubernetes"]),
        ("modelwright tra", ["train"]),
    ],
)
def test_bash_offers_them(
    cli: Cli, tree: Path, monkeypatch: pytest.MonkeyPatch, line: str, offered: list[str]
) -> None:
    monkeypatch.setenv("_MODELWRIGHT_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", line)
    monkeypatch.setenv("COMP_CWORD", str(line.count(" ")))
    code, out, _ = cli()
    assert code == 0 and out.split() == offered


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_offer_them(
    cli: Cli, tree: Path, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    monkeypatch.setenv("_MODELWRIGHT_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "modelwright evaluate runs/i")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    code, out, _ = cli()
    assert code == 0 and "runs/imdb" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, shell: str
) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: (shell, f"/bin/{shell}"))
    code, out, _ = cli("--show-completion")
    assert code == 0 and "_MODELWRIGHT_COMPLETE" in out


def test_a_completion_loads_no_heavy_package(tree: Path) -> None:
    code = (
        "import sys; sys.argv = ['modelwright']\nfrom modelwright.cli.main import app\n"
        "try: app()\nfinally: print(sorted(sys.modules), file=sys.stderr)"
    )
    environment = {"_MODELWRIGHT_COMPLETE": "complete_bash", "COMP_CWORD": "3",
                   "COMP_WORDS": "modelwright train --recipe b",
                   "PYTHONPATH": ":".join(sys.path)}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True, env=environment)  # fmt: skip
    assert done.stdout.split() == ["bilstm", "bilstm-tutorial"]
    for heavy in ("tensorflow", "keras", "numpy", "pyarrow", "matplotlib"):
        assert f"'{heavy}'" not in done.stderr
