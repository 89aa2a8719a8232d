"""The loop of a search: what it records, how it ends, and that any death changes nothing."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fake_trials import (
    ROWS,
    Died,
    FakeRunner,
    Fate,
    FollowingSampler,
    MeanPruner,
    NoPruner,
    make_plan,
    new_folder,
    plain,
)
from modelwright.core.errors import WriteError
from modelwright.tuning.search import Ending, Search
from modelwright.tuning.search_plan import SearchPlan
from modelwright.tuning.trial_record import TrialRecord


@pytest.fixture(autouse=True)
def without_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flushes nothing to the disk: processes die in these tests, not machines."""
    monkeypatch.setattr(os, "fsync", lambda _: None)


def make_search(path: Path, runner: FakeRunner, plan: SearchPlan | None = None) -> Search:
    folder = new_folder(path, runner.fate)
    return Search(plan or make_plan(), folder, runner, FollowingSampler(), MeanPruner())


def undisturbed(path: Path, plan: SearchPlan | None = None) -> list[TrialRecord]:
    search = make_search(path, FakeRunner({}), plan)
    assert search.run() == Ending()
    return search.ordered()


def test_each_trial_is_recorded_with_its_epochs_and_its_end(tmp_path: Path) -> None:
    records = undisturbed(tmp_path)
    assert [one.number for one in records] == [0, 1, 2, 3, 4]
    states = {one.state for one in records}
    assert states == {"finished", "pruned"}
    for one in records:
        if one.state == "finished":
            assert len(one.epochs) == 4
            assert one.objective == one.figures["accuracy"] == one.epochs[-1]
        else:
            assert len(one.epochs) < 4, "a trial is not pruned after its last epoch"
            assert one.objective == max(one.epochs)
            assert f"after epoch {len(one.epochs)}" in one.reason
    folder = new_folder(tmp_path)
    assert folder.read_records() == records


def test_a_death_at_any_moment_changes_no_trial(tmp_path: Path) -> None:
    plan = make_plan(trials=5)
    expected = plain(undisturbed(tmp_path / "whole", plan))
    assert {one["state"] for one in expected} == {"finished", "pruned"}
    for death in itertools.count(1):
        fate, saved = Fate(death), dict[Any, int]()
        path = tmp_path / str(death)
        try:
            make_search(path, FakeRunner(saved, fate), plan).run()
        except Died:
            pass
        else:
            break
        again = make_search(path, FakeRunner(saved), plan)
        assert again.run() == Ending()
        assert plain(again.ordered()) == expected, f"after a death at moment {death}"
    assert death > 50, "the deaths reached every part of the loop"


def test_two_deaths_in_a_row_change_no_trial(tmp_path: Path) -> None:
    expected = plain(undisturbed(tmp_path / "whole"))
    for death in range(3, 60, 7):
        saved: dict[Any, int] = {}
        path = tmp_path / str(death)
        for last in (death, 4, 5):
            with pytest.raises(Died):
                make_search(path, FakeRunner(saved, Fate(last))).run()
        again = make_search(path, FakeRunner(saved))
        again.run()
        assert plain(again.ordered()) == expected


def test_a_trial_whose_folder_was_deleted_is_begun_again_with_its_values(tmp_path: Path) -> None:
    expected = plain(undisturbed(tmp_path))
    shutil.rmtree(tmp_path / "trials/0001")
    again = make_search(tmp_path, FakeRunner({}))
    assert again.run() == Ending()
    assert [one.number for one in again.ordered()] == [0, 1, 2, 3, 4]
    found = plain(again.ordered())
    assert found[1]["values"] == expected[1]["values"]
    assert [found[number] for number in (0, 2, 3, 4)] == [expected[one] for one in (0, 2, 3, 4)]


def test_more_trials_go_on_where_fewer_ended(tmp_path: Path) -> None:
    expected = plain(undisturbed(tmp_path / "whole", make_plan(trials=7)))
    saved: dict[Any, int] = {}
    make_search(tmp_path / "a", FakeRunner(saved), make_plan(trials=3)).run()
    again = make_search(tmp_path / "a", FakeRunner(saved), make_plan(trials=7))
    again.run()
    assert plain(again.ordered()) == expected


@pytest.mark.parametrize("slots", [2, 3])
def test_several_at_a_time_make_as_many_trials(tmp_path: Path, slots: int) -> None:
    runner = FakeRunner({}, slots=slots)
    search = make_search(tmp_path, runner, make_plan(trials=7))
    assert search.run() == Ending()
    assert [one.number for one in search.ordered()] == list(range(7))
    assert all(one.state != "running" for one in search.ordered())


def failing(tmp_path: Path, failures: Mapping[int, str], **plan: Any) -> Search:
    runner = FakeRunner({}, failures=failures)
    return make_search(tmp_path, runner, make_plan(**plan))


def test_a_failed_trial_is_recorded_and_the_search_goes_on(tmp_path: Path) -> None:
    search = failing(tmp_path, {1: "the loss is no longer a number"})
    assert search.run() == Ending()
    failed = search.records[1]
    assert (failed.state, failed.reason) == ("failed", "the loss is no longer a number")
    assert failed.objective is None
    assert len(search.records) == 5


def test_three_failures_in_a_row_for_one_reason_end_the_search(tmp_path: Path) -> None:
    reasons = {number: f"out of memory in step {number}" for number in (1, 2, 3)}
    search = failing(tmp_path, reasons)
    ending = search.run()
    assert ending.status == "failed"
    assert ending.reason == "3 trials in a row failed: out of memory in step 3"
    assert len(search.records) == 4
    again = failing(tmp_path, {})
    again.failed_before = True
    again.__post_init__()
    assert again.run() == Ending(), "it can go on when the cause is gone"


def test_failures_for_other_reasons_or_not_in_a_row_do_not(tmp_path: Path) -> None:
    other = {0: "out of memory", 1: "the loss is no longer a number", 2: "out of memory"}
    assert failing(tmp_path / "other", other).run() == Ending()
    apart = {0: "out of memory", 1: "out of memory", 3: "out of memory"}
    assert failing(tmp_path / "apart", apart).run() == Ending()


def test_a_search_without_a_single_success_has_failed(tmp_path: Path) -> None:
    ending = failing(tmp_path, {0: "one", 1: "another"}, trials=2).run()
    assert ending == Ending("failed", "all trials failed, trial 0: one")


def test_a_trial_whose_process_died_goes_on_once_with_its_epochs(tmp_path: Path) -> None:
    expected = plain(undisturbed(tmp_path / "whole"))
    killed = "its process was killed (SIGKILL), perhaps out of memory"
    search = failing(tmp_path / "killed", {1: killed})
    assert search.run() == Ending()
    found = plain(search.ordered())
    assert found[1].pop("attempts") == 2
    assert expected[1].pop("attempts") == 1
    assert found == expected
    twice = failing(tmp_path / "twice", {1: killed, 2: killed})
    twice.run()
    assert (twice.records[1].state, twice.records[1].reason) == ("failed", killed)
    never = failing(tmp_path / "never", {1: killed}, retries=0)
    never.run()
    assert never.records[1].state == "failed"


@pytest.mark.parametrize(
    "full",
    [
        "/runs/0001 cannot be written: No space left on device. Free space there.",
        "OSError: [Errno 28] No space left on device: '/runs/0001'",
    ],
)
def test_a_full_disk_ends_the_search_and_fails_no_trial(tmp_path: Path, full: str) -> None:
    with pytest.raises(WriteError, match="No space left on device.*can go on later"):
        failing(tmp_path, {1: full}).run()
    assert [one.state for one in new_folder(tmp_path).read_records()][1] == "running"
    again = failing(tmp_path, {})
    again.run()
    assert all(one.state != "failed" for one in again.ordered())


def test_a_file_that_cannot_be_read_is_a_failure_of_the_trial(tmp_path: Path) -> None:
    search = failing(tmp_path, {1: "PermissionError: [Errno 13] Permission denied: 'tokens.txt'"})
    assert search.run() == Ending()
    assert search.records[1].state == "failed"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_epoch_without_a_number_fails_its_trial(tmp_path: Path, value: float) -> None:
    runner = FakeRunner({}, epoch_values={"val_loss": value})
    search = make_search(tmp_path, runner, make_plan(objective="val_loss", trials=1))
    ending = search.run()
    assert f"no usable val_loss after epoch 1: it is {value}" in ending.reason
    assert search.records[0].epochs == ()


def test_settings_that_give_no_config_fail_their_trial(tmp_path: Path) -> None:
    class Wrong(FollowingSampler):
        def propose(self, number: int, records: Any) -> dict[str, Any] | None:
            return {"model.units": [-1]} if number == 1 else super().propose(number, records)

    search = make_search(tmp_path, FakeRunner({}))
    search.sampler = Wrong()
    assert search.run() == Ending()
    assert search.records[1].state == "failed"
    assert "'model.units' was given [-1]" in search.records[1].reason


def test_a_space_that_is_used_up_ends_the_search(tmp_path: Path) -> None:
    class Short(FollowingSampler):
        def propose(self, number: int, records: Any) -> dict[str, Any] | None:
            return None if number == 2 else super().propose(number, records)

    search = make_search(tmp_path, FakeRunner({}))
    search.sampler = Short()
    assert search.run() == Ending(reason="the space has no more settings after 2 trials")
    assert len(search.records) == 2


def test_minutes_stop_trials_at_the_end_of_an_epoch_and_more_minutes_go_on(tmp_path: Path) -> None:
    expected = plain(undisturbed(tmp_path / "whole"))
    saved: dict[Any, int] = {}

    class Slow(FakeRunner):
        def next_event(self, timeout: float | None = None) -> Any:
            if sum(self.saved.values()) == 6:
                search._seconds_before = 100.0  # a minute has passed
            return super().next_event(timeout)

    path = tmp_path / "short"
    search = make_search(path, Slow(saved), make_plan(minutes=1))
    assert search.run() == Ending(reason="its 1 minutes are used up")
    assert [one.state for one in search.ordered()][-1] == "running"
    assert len(search.ordered()[-1].epochs) == sum(saved.values()) - 4 * (len(saved) - 1)
    used = make_search(path, FakeRunner(saved), make_plan(minutes=1))
    assert used.run() == Ending(reason="its 1 minutes are used up")
    assert used.runner.started == []
    longer = make_search(path, FakeRunner(saved), make_plan(minutes=50))
    assert longer.run() == Ending()
    assert plain(longer.ordered()) == expected


def test_the_loss_is_that_of_the_best_epoch_and_lower_is_better(tmp_path: Path) -> None:
    search = make_search(tmp_path, FakeRunner({}), make_plan(objective="val_loss"))
    search.pruner = NoPruner()
    search.run()
    for one in search.ordered():
        assert one.objective == one.epochs[-1] == pytest.approx(1 - one.figures["accuracy"])


def test_macro_f1_is_that_of_the_measurement(tmp_path: Path) -> None:
    search = make_search(tmp_path, FakeRunner({}), make_plan(objective="macro_f1"))
    search.pruner = NoPruner()
    search.run()
    for one in search.ordered():
        assert one.objective == one.figures["macro_f1"] == pytest.approx(one.epochs[-1] - 0.01)


def test_latency_is_asked_only_with_a_limit(tmp_path: Path) -> None:
    asked: list[Path] = []

    def measure(run: Path) -> float:
        asked.append(run)
        return 1.5

    without = make_search(tmp_path / "without", FakeRunner({}))
    without.measure_latency = measure
    without.run()
    assert asked == []
    limited = make_search(tmp_path / "with", FakeRunner({}), make_plan(max_latency=2))
    limited.measure_latency = measure
    limited.run()
    finished = [one for one in limited.ordered() if one.state == "finished"]
    assert asked == [limited.folder.run(one.number) for one in finished]
    assert all(one.figures["latency_ms"] == 1.5 for one in finished)


def test_only_the_runs_of_the_best_are_kept_if_asked(tmp_path: Path) -> None:
    class Writing(FakeRunner):
        def start(self, trial: Any) -> None:
            trial.run.mkdir(parents=True, exist_ok=True)
            super().start(trial)

    search = make_search(tmp_path, Writing({}), make_plan(trials=8, keep="best"))
    search.run()
    finished = [one for one in search.ordered() if one.state == "finished"]
    ranked = sorted(finished, key=lambda one: (-(one.objective or 0), one.number))
    kept = sorted(path.name for path in (tmp_path / "runs").iterdir())
    assert kept == sorted(f"{one.number:04}" for one in ranked[:3])


def test_a_runner_that_loses_its_trials_is_a_bug_and_not_waited_for(tmp_path: Path) -> None:
    class Losing(FakeRunner):
        def next_event(self, timeout: float | None = None) -> Any:
            return None

    with pytest.raises(RuntimeError, match=r"lost the trials \[0\]"):
        make_search(tmp_path, Losing({})).run()


def test_progress_has_the_trial_its_epoch_and_the_best(tmp_path: Path) -> None:
    shown: list[tuple[str, int, int]] = []
    search = make_search(tmp_path, FakeRunner({}))
    search.progress = lambda *step: shown.append(step)
    search.run()
    assert shown[0] == ("trial 0", 0, 5)
    assert shown[-1][1:] == (5, 5)
    assert any("epoch 3: 0." in text and "best val_accuracy 0." in text for text, _, _ in shown)
    assert ROWS
