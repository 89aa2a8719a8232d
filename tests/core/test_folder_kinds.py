"""What a folder is, and what a command says about one of another kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from modelwright.core.folders import Kind, Wanted, kind_of, wrong_folder

Cli = Callable[..., tuple[int, str, str]]
FILES = (
    "runs/a/run.json", "runs/1/run.json", "half/config.toml", "half/history.csv",
    "models/m/1/modelwright.json", "models/m/2/saved_model.pb", "photos/cat/1.png", "rows.csv",
)  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("runs/a", "run"), ("half", "run"), ("runs", "runs"), ("models", "models"),
        ("models/m", "model"), ("models/m/1", "version"), ("models/m/2", "version"),
        ("photos", "folder"), ("rows.csv", "file"), ("nowhere", "nothing"),
    ],
)  # fmt: skip
def test_a_folder_is_told_by_its_files(path: str, kind: Kind) -> None:
    assert kind_of(Path(path)) == kind


@pytest.mark.parametrize(
    ("path", "wanted", "message"),
    [
        ("runs/a", "servable", "modelwright export runs/a models/a and give that folder."),
        ("runs/a", "models", "modelwright export runs/a models/a and give the folder models."),
        ("runs", "servable", "It holds runs/1, runs/a; modelwright runs runs lists them."),
        ("runs", "run", "runs is a folder of runs; expected a run folder"),
        ("models/m", "run", "is a servable, not a run;"),
        ("models/m/1", "run", "modelwright runs lists the runs and where each was exported."),
        ("models", "servable", "is a folder of models; expected a model folder"),
        ("models", "model", "It holds models/m."),
        ("models/m/1", "model", "is one version of a model; expected the folder of one model"),
        ("models/m/1", "model", "here models/m."),
        ("models/m/1", "models", "here models."),
        ("photos", "servable", "photos holds no version;"),
        ("photos", "run", "photos is not a run: run.json is missing;"),
        ("photos", "source", "photos is neither a run nor a servable; expected a run folder, or a"),
        ("runs", "source", "runs is a folder of runs; expected a run folder, or a model folder"),
        ("models", "source", "is a folder of models; expected a run folder, or a model folder"),
        ("rows.csv", "run", "rows.csv is a file; expected a run folder"),
        ("run/a", "run", "Did you mean 'runs/a'?"),
        ("modles/m", "servable", "Did you mean 'models/m'?"),
        ("zzz", "run", "zzz does not exist; expected a run folder"),
    ],
)
def test_the_message_says_what_it_is_and_what_to_do(
    path: str, wanted: Wanted, message: str
) -> None:
    assert message in wrong_folder(Path(path), wanted)


def test_a_name_with_a_space_is_quoted(tmp_path: Path) -> None:
    Path("runs/a").rename("runs/my run")
    said = wrong_folder(Path("runs/my run"), "servable")
    assert "modelwright export 'runs/my run' 'models/my run'" in said


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("predict", "runs/a", "text"), 5, "modelwright export runs/a models/a"),
        (("verify", "models"), 5, "It holds models/m."),
        (("versions", "runs/a"), 5, "modelwright export runs/a models/a"),
        (("rollback", "models/m/1"), 5, "here models/m."),
        (("serve", "runs/a"), 5, "give the folder models."),
        (("serve", "runs"), 5, "runs is a folder of runs"),
        (("deploy", "compose", "runs/a"), 5, "give the folder models."),
        (("deploy", "compose", "models/m/1"), 5, "here models."),
        (("train", "--resume", "models/m"), 4, "is a servable, not a run"),
        (("train", "runs/a"), 3, "to continue it, run: modelwright train --resume runs/a."),
        (("train", "photos", "photos"), 3, "the source photos is given twice"),
        (("compare", "runs/a"), 2, "runs/a is a folder; expected the study file, in TOML."),
    ],
)
def test_commands_point_to_the_next_one(
    cli: Cli, words: tuple[str, ...], code: int, message: str
) -> None:
    found, out, err = cli(*words)
    assert (found, out) == (code, "")
    assert message in err and err.count("\n") == 1


def test_the_record_of_a_run_is_no_config_file(cli: Cli) -> None:
    Path("runs/a/config.toml").write_text('recipe = "cnn"\n')
    code, _, err = cli("train", "runs/a/config.toml")
    assert code == 2 and "modelwright train --resume runs/a." in err
