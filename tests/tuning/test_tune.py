"""``modelwright.tune``: one folder, one search, and what is refused."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

import modelwright
from fake_trials import ROWS, FakeRunner
from modelwright.core.errors import ConfigError, DataError, RunError, WriteError
from modelwright.recipes.resolve import resolve_config
from modelwright.studies.plan_file import read_study_plan
from modelwright.tuning.search_folder import SearchFolder
from modelwright.tuning.search_record import read_search_record
from modelwright.tuning.tune import show_tuning
from sample_data import sentences, write_csv

Search = dict[str, Any]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    return write_csv(folder / "notes.csv", sentences(80), ("text", "label"))


@pytest.fixture
def search(source: Path) -> Search:
    return {
        "name": "notes",
        "base": {
            "data": {"source": str(source)},
            "model": {"recipe": "bilstm"},
            "train": {"epochs": 4},
        },
        "space": {
            "train.learning_rate": {"from": 0.001, "to": 0.01},
            "model.cell": ["lstm", "gru"],
        },
        "search": {"trials": 6},
    }


@pytest.fixture(autouse=True)
def without_plots(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws nothing, which takes a second for each search, except for tests of what is drawn."""
    if "drawn" not in request.node.name:
        monkeypatch.setattr("modelwright.tuning.tune.write_views", lambda _: None)


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flushes nothing to the disk: processes die in these tests, not machines."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def tune(search: Search, folder: Path, runner: Any = None, **options: Any) -> Any:
    return modelwright.tune(search, out=folder, runner=runner or FakeRunner({}), **options)


def changed(search: Search, table: str, **values: Any) -> Search:
    return {**search, table: {**search[table], **values}}


def test_a_search_ends_with_its_best_settings_as_files(search: Search, tmp_path: Path) -> None:
    report = tune(search, tmp_path / "a")
    assert report.status == "finished"
    assert sum(report.trials.values()) == 6
    assert report.best is not None
    best = tomllib.loads((tmp_path / "a/best.toml").read_text("utf-8"))
    config = resolve_config(options={"model": {"recipe": str(tmp_path / "a/best.toml")}})
    assert best["train"]["learning_rate"] == report.best.settings["train.learning_rate"]
    assert config.train.learning_rate == report.best.settings["train.learning_rate"]
    assert config.model.options["cell"] == report.best.settings["model.cell"]
    check = read_study_plan(tmp_path / "a/search-check.toml")
    assert check.split == "test" and len(check.seeds) == 3
    names = [variant.name for variant in check.variants]
    assert names[:2] == ["before the search", f"trial {report.best.number}"]
    assert 2 <= len(names) <= 4
    assert read_search_record(tmp_path / "a/tuning.json") is not None
    assert json.loads((tmp_path / "a/tuning.json").read_text()) == report.to_dict()


def test_the_plots_and_the_journal_are_drawn(search: Search, tmp_path: Path) -> None:
    search["base"]["train"]["tensorboard"] = False
    tune(search, tmp_path / "a")
    assert (tmp_path / "a/plots/history.png").is_file()
    assert (tmp_path / "a/optuna.log").is_file()


def test_the_json_has_what_a_script_needs(search: Search, tmp_path: Path) -> None:
    found = tune(search, tmp_path / "a").to_dict()
    assert set(found["trials"]) == {"finished", "pruned", "failed", "running"}
    assert set(found["best"]) >= {"number", "objective", "settings", "run"}
    assert (
        found["best"]["run"] == (tmp_path / "a/runs" / f"{found['best']['number']:04}").as_posix()
    )
    assert found["folder"] == (tmp_path / "a").as_posix()
    assert found["seconds"] >= 0


def test_the_report_says_what_chose_what(search: Search, tmp_path: Path) -> None:
    report = tune(search, tmp_path / "a")
    text = " ".join(report.render().split())
    assert f"is the best of {report.trials['finished']} finished trials" in text
    assert "validation rows, which chose it" in text
    check = f"modelwright compare {(tmp_path / 'a').as_posix()}/search-check.toml"
    assert check.replace(" ", "") in text.replace(" ", "")  # a long path is broken at its slashes
    assert report.best is not None
    share = (report.best.objective * ROWS + 1) / (ROWS + 2)
    assert report.best.error == pytest.approx((share * (1 - share) / (ROWS + 2)) ** 0.5)


def test_it_goes_on_after_ctrl_c_with_the_same_trials(search: Search, tmp_path: Path) -> None:
    expected = tune(search, tmp_path / "whole")
    saved: dict[Any, int] = {}

    class Interrupted(FakeRunner):
        def next_event(self, timeout: float | None = None) -> Any:
            if sum(saved.values()) == 7:
                raise KeyboardInterrupt
            return super().next_event(timeout)

    report = tune(search, tmp_path / "a", Interrupted(saved))
    assert report.status == "stopped"
    assert report.trials["running"] == 1
    assert show_tuning(tmp_path / "a").status == "stopped"
    again = tune(search, tmp_path / "a", FakeRunner(saved))
    assert again.status == "finished"
    plain = [one.model_dump(exclude={"seconds"}) for one in again.records]
    assert plain == [one.model_dump(exclude={"seconds"}) for one in expected.records]


def test_the_folder_itself_is_a_search_to_go_on_with(search: Search, tmp_path: Path) -> None:
    tune(changed(search, "search", trials=3), tmp_path / "a")
    for given in (tmp_path / "a", tmp_path / "a/search.toml"):
        report = modelwright.tune(given, runner=FakeRunner({}))
        assert report.folder == tmp_path / "a"
        assert sum(report.trials.values()) == 3
    longer = changed(search, "search", trials=5)
    assert sum(tune(longer, tmp_path / "a").trials.values()) == 5


def test_a_finished_search_is_shown_again_without_its_data(
    search: Search, source: Path, tmp_path: Path
) -> None:
    own = write_csv(tmp_path / "own.csv", sentences(80), ("text", "label"))
    search["base"]["data"]["source"] = str(own)
    first = tune(search, tmp_path / "a")
    own.unlink()
    runner = FakeRunner({})
    assert tune(search, tmp_path / "a", runner).records == first.records
    assert runner.started == []


@pytest.mark.parametrize(
    ("table", "values", "message"),
    [
        ("base", {"train": {"epochs": 5}}, "train.epochs 4 is now 5"),
        ("space", {"model.cell": ["gru", "lstm"]}, "model.cell of .'lstm', 'gru'. is now"),
        ("space", {"train.learning_rate": {"from": 0.002, "to": 0.01}}, "0.001 to 0.01 is now"),
        ("space", {"model.pooling": ["last", "max"]}, "no model.pooling is now model.pooling"),
        ("search", {"sampler": "random"}, "search.sampler tpe is now random"),
        ("search", {"objective": "val_loss"}, "search.objective val_accuracy is now val_loss"),
        ("base", {"model": {"recipe": "bilstm-tutorial"}}, "recipe bilstm is now bilstm-tutorial"),
        ("search", {"seed": 1}, "search.seed 0 is now 1"),
        ("search", {"max_size": 3}, "search.max_size None is now 3"),
    ],
)
def test_a_changed_search_is_refused_with_the_difference(
    search: Search, tmp_path: Path, table: str, values: Search, message: str
) -> None:
    tune(changed(search, "search", trials=1), tmp_path / "a")
    with pytest.raises(RunError, match=f"the search changed.*{message}.*--out"):
        tune(changed(search, table, **values), tmp_path / "a")


def test_two_searches_in_one_folder_are_refused(search: Search, tmp_path: Path) -> None:
    class Second(FakeRunner):
        def start(self, trial: Any) -> None:
            with pytest.raises(RunError, match="another process searches in"):
                tune(search, tmp_path / "a")
            assert show_tuning(tmp_path / "a").status == "running"
            super().start(trial)

    assert tune(search, tmp_path / "a", Second({})).status == "finished"


def test_a_folder_of_something_else_is_refused(search: Search, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match="not the folder of a search.*thesis.tex"):
        tune(search, tmp_path)
    with pytest.raises(RunError, match="is a file"):
        tune(search, tmp_path / "thesis.tex")


def test_rows_that_changed_are_refused(search: Search, tmp_path: Path) -> None:
    own = write_csv(tmp_path / "own.csv", sentences(80), ("text", "label"))
    search["base"]["data"]["source"] = str(own)
    tune(changed(search, "search", trials=1), tmp_path / "a")
    write_csv(own, sentences(90, seed=3), ("text", "label"))
    with pytest.raises(RunError, match="changed since the search in .* began: its fingerprint"):
        tune(search, tmp_path / "a")


def test_a_finished_search_does_not_answer_for_other_rows(search: Search, tmp_path: Path) -> None:
    own = write_csv(tmp_path / "own.csv", sentences(80), ("text", "label"))
    search["base"]["data"]["source"] = str(own)
    tune(search, tmp_path / "a")
    best = (tmp_path / "a/best.toml").read_text("utf-8")
    search["base"]["data"]["source"] = str(tmp_path / "gone.csv")
    with pytest.raises(DataError, match="gone.csv"):
        tune(search, tmp_path / "a")
    other = write_csv(tmp_path / "other.csv", sentences(90, seed=3), ("text", "label"))
    search["base"]["data"]["source"] = str(other)
    with pytest.raises(RunError, match="other.csv changed since the search in .* began"):
        tune(search, tmp_path / "a")
    assert (tmp_path / "a/best.toml").read_text("utf-8") == best


def test_without_validation_rows_there_is_no_objective(search: Search, tmp_path: Path) -> None:
    search["base"]["data"]["val"] = 0
    with pytest.raises(ConfigError, match="val_accuracy needs validation rows, but .* has none"):
        tune(search, tmp_path / "a")


def test_missing_data_is_said_before_any_trial(search: Search, tmp_path: Path) -> None:
    search["base"]["data"]["source"] = str(tmp_path / "none.csv")
    runner = FakeRunner({})
    with pytest.raises(DataError, match="none.csv"):
        tune(search, tmp_path / "a", runner)
    assert runner.started == []
    with pytest.raises(DataError, match="none.csv"):  # and the folder is free for another try
        tune(search, tmp_path / "a", runner)


def test_failed_trials_are_tried_again_only_if_asked(search: Search, tmp_path: Path) -> None:
    report = tune(search, tmp_path / "a", FakeRunner({}, failures={1: "no layer fits"}))
    assert report.trials["failed"] == 1
    assert "no layer fits" in report.render()
    again = tune(search, tmp_path / "a")
    assert again.trials["failed"] == 1
    retried = tune(search, tmp_path / "a", retry_failed=True)
    assert retried.trials["failed"] == 0
    assert retried.records[1].attempts == 2


def test_a_search_that_fails_says_why_and_goes_on_later(search: Search, tmp_path: Path) -> None:
    always = dict.fromkeys(range(9), "no layer fits")
    report = tune(search, tmp_path / "a", FakeRunner({}, failures=always))
    assert (report.status, report.best) == ("failed", None)
    assert report.reason == "3 trials in a row failed: no layer fits"
    assert not (tmp_path / "a/best.toml").exists()
    again = tune(search, tmp_path / "a", retry_failed=True)
    assert (again.status, sum(again.trials.values())) == ("finished", 6)


def test_limits_choose_among_small_trials_and_show_the_front(
    search: Search, tmp_path: Path
) -> None:
    search = changed(search, "search", max_size=2, pruner="none", trials=12)
    report = tune(search, tmp_path / "a")
    assert report.best is not None
    best = report.records[report.best.number]
    assert best.figures["size_mib"] <= 2
    better = [one.number for one in report.records if (one.objective or 0) > report.best.objective]
    assert all(report.records[number].figures["size_mib"] > 2 for number in better)
    sizes = [report.records[number].figures["size_mib"] for number in report.pareto]
    values = [report.records[number].objective or 0 for number in report.pareto]
    assert sizes == sorted(sizes, reverse=True) and values == sorted(values, reverse=True)
    assert "Pareto front" in report.render()
    none = tune(changed(search, "search", max_size=0.001), tmp_path / "b")
    assert none.best is None
    assert "max_size is 0.001, and the least of a trial" in none.render()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_a_write_error(search: Search, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WriteError):
        tune(search, tmp_path / "a")


def test_a_full_disk_is_a_write_error_and_the_search_goes_on_later(
    search: Search, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = tune(search, tmp_path / "whole")
    write, left = SearchFolder.write_record, [9]

    def full(self: SearchFolder, record: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, os.strerror(28), str(self.path))
        write(self, record)

    saved: dict[Any, int] = {}
    with monkeypatch.context() as patch:
        patch.setattr(SearchFolder, "write_record", full)
        with pytest.raises(WriteError, match="No space left on device"):
            tune(search, tmp_path / "a", FakeRunner(saved))
    again = tune(search, tmp_path / "a", FakeRunner(saved))
    plain = [one.model_dump(exclude={"seconds"}) for one in again.records]
    assert plain == [one.model_dump(exclude={"seconds"}) for one in expected.records]


def test_showing_a_folder_without_a_search_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not exist; expected a folder that 'modelwright tune'"):
        show_tuning(tmp_path / "none")
    with pytest.raises(RunError, match="has no search"):
        show_tuning(tmp_path)


def test_a_record_that_was_changed_is_named(search: Search, tmp_path: Path) -> None:
    tune(search, tmp_path / "a")
    (tmp_path / "a/trials/0002/trial.json").write_text("{", "utf-8")
    with pytest.raises(RunError, match="0002/trial.json cannot be read"):
        tune(search, tmp_path / "a")
    (tmp_path / "a/tuning.json").write_text('{"kind": "search", "format": 2}', "utf-8")
    with pytest.raises(RunError, match="has format 2"):
        show_tuning(tmp_path / "a")
