"""``modelwright tune`` and ``tune show`` as commands, with trials of a known function."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import plugin_package
from sample_data import sentences, write_csv

Cli = Callable[..., tuple[int, str, str]]
RUNNERS = """
from fake_trials import FakeRunner
saved = {}

class Interrupted(FakeRunner):
    def next_event(self, timeout=None):
        if sum(self.saved.values()) == 6:
            raise KeyboardInterrupt
        return super().next_event(timeout)

def known(workers):
    return FakeRunner({}, slots=workers)

def failing(workers):
    return FakeRunner({}, failures=dict.fromkeys(range(9), "no layer fits"))

def interrupted(workers):
    return Interrupted(saved)

def going_on(workers):
    return FakeRunner(saved)
"""
SPACE = '[space]\n"train.learning_rate" = { from = 0.001, to = 0.01 }\n[search]\ntrials = 6\n'


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    names = ("known", "failing", "interrupted", "going_on")
    package = tmp_path / "package"
    package.mkdir()
    plugin_package.install(
        package, monkeypatch, "modelwright.runners",
        {name: f"acme_runners:{name}" for name in names}, {"acme_runners": RUNNERS},
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("modelwright.tuning.tune.write_views", lambda _: None)
    monkeypatch.setattr("modelwright.tuning.tune.draw_where_possible", lambda _: None)
    write_csv(tmp_path / "notes.csv", sentences(80), ("text", "label"))
    base = '[base.data]\nsource = "notes.csv"\n[base.model]\nrecipe = "bilstm"\n'
    search = tmp_path / "search.toml"
    search.write_text(f'name = "notes"\n{base}[base.train]\nepochs = 4\n{SPACE}', "utf-8")
    return tmp_path


def test_a_search_file_gives_a_folder_and_json(cli: Cli) -> None:
    code, out, err = cli("tune", "search.toml", "--runner", "known", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["folder"], found["status"]) == ("tunings/notes", "finished")
    assert sum(found["trials"].values()) == 6
    assert found["command"] == "modelwright tune tunings/notes --runner known"
    code, out, _ = cli("tune", "show", "tunings/notes", "--json")
    assert code == 0
    assert json.loads(out) == found


def test_data_is_searched_in_the_space_of_its_recipe(cli: Cli) -> None:
    arguments = ("notes.csv", "--recipe", "bilstm", "--trials", "2", "--set", "train.epochs=4")
    code, out, _ = cli("tune", *arguments, "--runner", "known", "-q")
    assert code == 0
    assert "modelwright train --recipe tunings/notes/best.toml" in " ".join(out.split())
    code, out, _ = cli("tune", "tunings/notes", "--trials", "3", "--runner", "known", "--json")
    assert code == 0
    assert sum(json.loads(out)["trials"].values()) == 3
    # The same command with more trials goes on, too.
    more = (*arguments[:4], "4", *arguments[5:])
    code, out, _ = cli("tune", *more, "--runner", "known", "--json")
    assert sum(json.loads(out)["trials"].values()) == 4


def test_the_commands_that_follow_a_search_can_be_pasted_into_a_shell(cli: Cli) -> None:
    code, out, _ = cli("tune", "search.toml", "--runner", "known", "-q", "--out", "空 间")
    assert code == 0
    study = "modelwright compare '空 间/search-check.toml'\n"
    assert study in out
    assert "modelwright train --recipe '空 间/best.toml'\n" in out
    for name in ("best.toml", "search-check.toml"):
        assert study in Path("空 间", name).read_text("utf-8")


def test_minutes_that_end_before_the_first_trial_are_said(cli: Cli) -> None:
    arguments = ("tune", "search.toml", "--runner", "known", "-q", "--minutes")
    code, out, _ = cli(*arguments, "1e-9")
    assert code == 0
    assert "note: the time ended before the first trial. The same command with more minutes" in out
    code, out, _ = cli(*arguments, "9")
    assert (code, "the time ended" in out) == (0, False)


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("trials/0000/trial.json", "{", "Expecting property name"),
        ("trials/0000/trial.json", '{"number": 0}', "values: Field required"),
        ("trials/0001/trial.json", '{"number": 0, "values": {}}', "it is the record of trial 0"),
    ],
)
def test_a_record_with_garbage_is_named_and_begun_again_once_deleted(
    cli: Cli, file: str, content: str, fault: str
) -> None:
    assert cli("tune", "search.toml", "--runner", "known", "-q")[0] == 0
    record = Path("tunings/notes") / file
    record.write_text(content, "utf-8")
    code, _, err = cli("tune", "search.toml", "--runner", "known", "-q")
    assert code == 4
    assert f"{file} cannot be read: {fault}" in err and "delete its folder" in err
    shutil.rmtree(record.parent)
    Path("tunings/notes/elapsed.json").write_text('{"seconds": NaN}', "utf-8")
    code, out, _ = cli("tune", "search.toml", "--runner", "known", "--json")
    found = json.loads(out)
    assert (code, sum(found["trials"].values())) == (0, 6)
    assert found["seconds"] < 600


def test_the_long_form_is_the_same(cli: Cli) -> None:
    assert cli("tune", "run", "search.toml", "--runner", "known", "-q")[0] == 0


def test_ctrl_c_shows_the_table_so_far_and_the_search_goes_on(cli: Cli) -> None:
    code, out, _ = cli("tune", "search.toml", "--runner", "interrupted", "-q")
    assert code == 130
    assert "status" in out and "stopped" in out
    code, out, _ = cli("tune", "search.toml", "--runner", "going_on", "--json")
    assert code == 0
    assert json.loads(out)["trials"]["running"] == 0


def test_a_search_that_failed_exits_with_4_and_the_reason(cli: Cli) -> None:
    code, out, err = cli("tune", "search.toml", "--runner", "failing", "-q")
    assert code == 4
    assert "no layer fits" in out
    assert "error: the search failed: 3 trials in a row failed: no layer fits. Remove" in err
    assert "--retry-failed" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("none.toml",), 2, "there is no search file none.toml"),
        (("search.toml", "notes.csv"), 2, "expected one search"),
        (("search.toml", "--recipe", "bilstm"), 2, "names its recipe and data in [base]"),
        (("search.toml", "--text-column", "text"), 2, "names its recipe and data in [base]"),
        (("search.toml", "--sampler", "tpa"), 2, "'search.sampler' was given 'tpa'"),
        (("search.toml", "--set", "train.epochz=1"), 2, "unknown key 'train.epochz'"),
        (("search.toml", "--runner", "nowhere"), 2, "there is no runner 'nowhere'"),
        (("search.toml", "--workers", "0"), 2, "greater than or equal to 1"),
        (("notes.csv", "--recipe", "bilsmt"), 2, "unknown recipe 'bilsmt'"),
        (("nowhere.csv", "--recipe", "bilstm"), 3, "nowhere.csv"),
        (
            ("show", "notes.csv"),
            4,
            "notes.csv is a file; expected a folder that 'modelwright tune'",
        ),
        (("shwo", "tunings/x"), 2, "Did you mean 'show'?"),
        ((), 2, "Missing argument"),
    ],
)
def test_a_mistake_has_its_message_and_exit_code(
    cli: Cli, arguments: tuple[str, ...], code: int, message: str
) -> None:
    found, _, err = cli("tune", *arguments, *(() if "show" in arguments else ("--quiet",)))
    assert found == code, err
    assert message in " ".join(err.replace("│", " ").split())
