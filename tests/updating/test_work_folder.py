"""What a killed update leaves: it goes on, is finished, or disappears."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hand_made import stored

from modelwright.core.errors import ConfigError, RunError, ServableError
from modelwright.core.folders import kind_of
from modelwright.runs.listing import list_runs
from modelwright.servable.manifest import ignored_folders, version_folders
from modelwright.serve.lifecycle.models_folder import models_in_folder, skipped_in_model
from modelwright.updating.lock import lock_updates, remove_unused
from modelwright.updating.memory import Memory, place_memory, write_memory
from modelwright.updating.seen_rows import no_rows
from modelwright.updating.work_folder import (
    KEPT_REFUSALS,
    KEPT_UPDATES,
    close_work,
    identity_of,
    keep_refusal,
    open_work,
    tidy,
)

GIVEN = {"data": "abc", "seed": 0, "strategy": "auto"}


def version(model: Path, number: int, update: str = "") -> None:
    folder = model / str(number)
    folder.mkdir(parents=True)
    lineage = {"update": update} if update else {}
    (folder / "modelwright.json").write_text(json.dumps({"lineage": lineage}))


def stage(memory: Path, number: int, update: str) -> None:
    rows = stored(["a"], [0], [0])
    write_memory(memory / "next", Memory(rows, no_rows(), version=number), ("n", "p"), 9, update)
    (memory / "updates" / str(number)).mkdir(parents=True, exist_ok=True)


def test_an_update_goes_on_only_with_the_same_rows_and_settings(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no unfinished update"):
        open_work(tmp_path, GIVEN, resume=True)
    work, note = open_work(tmp_path, GIVEN, resume=False)
    assert note == ""
    (work / "head.json").touch()
    _, note = open_work(tmp_path, GIVEN, resume=True)
    assert "went on" in note
    assert (work / "head.json").exists()
    with pytest.raises(ConfigError, match="differs in: seed, strategy"):
        open_work(tmp_path, {**GIVEN, "seed": 1, "strategy": "head"}, resume=True)
    _, note = open_work(tmp_path, GIVEN, resume=False)
    assert "was discarded" in note
    assert not (work / "head.json").exists()
    close_work(tmp_path)
    assert not work.exists()
    assert identity_of(GIVEN) != identity_of({**GIVEN, "seed": 1})


def test_a_written_version_gets_its_memory(tmp_path: Path) -> None:
    memory = tmp_path / ".memory"
    version(tmp_path, 1)
    version(tmp_path, 2, "u2")
    stage(memory, 2, "u2")
    tidy(tmp_path, memory)
    assert json.loads((memory / "memory.json").read_text())["version"] == 2
    assert (memory / "updates" / "2").is_dir()
    assert not (memory / "next").exists()


def test_no_row_stays_where_a_killed_update_wrote_a_memory_without_rows(tmp_path: Path) -> None:
    memory = tmp_path / ".memory"
    version(tmp_path, 1)
    version(tmp_path, 2, "u2")
    # The memory before kept rows, and the update was killed before it was cleared.
    earlier = Memory(stored(["a"], [0], [0]), no_rows(), version=1)
    write_memory(memory / "next", earlier, ("n", "p"), 9, "u1")
    place_memory(memory / "next", memory)
    for number in (1, 2):
        run = memory / "updates" / str(number)
        (run / "state").mkdir(parents=True)
        for name in ("rows.parquet", "run.json", "state/counts.npz", "update.json"):
            (run / name).write_text("{}")
    empty = Memory(None, no_rows(), version=2)
    write_memory(memory / "next", empty, ("n", "p"), 0, "u2")
    open_work(memory, GIVEN, resume=False)
    tidy(tmp_path, memory)
    left = {str(one.relative_to(memory)) for one in memory.rglob("*") if one.is_file()}
    reports = {"updates/1/update.json", "updates/2/update.json"}
    assert left == {"memory.json", "seen.npy", "work/identity.json", *reports}
    assert np.load(memory / "seen.npy").size == 0


def test_nothing_stays_of_a_version_that_was_not_written(tmp_path: Path) -> None:
    memory = tmp_path / ".memory"
    version(tmp_path, 1)
    stage(memory, 2, "u2")
    tidy(tmp_path, memory)
    assert not (memory / "updates" / "2").exists()
    assert not (memory / "next").exists()
    assert not (memory / "memory.json").exists()
    # Another export has taken the number.
    version(tmp_path, 2)
    stage(memory, 2, "u2")
    tidy(tmp_path, memory)
    assert not (memory / "memory.json").exists()


def test_only_the_runs_of_the_newest_versions_stay(tmp_path: Path) -> None:
    memory = tmp_path / ".memory"
    for number in range(1, 7):
        version(tmp_path, number, f"u{number}")
        (memory / "updates" / str(number)).mkdir(parents=True)
    (memory / "updates" / "refused-1.json").touch()
    tidy(tmp_path, memory)
    kept = sorted(one.name for one in (memory / "updates").iterdir())
    assert kept == [*map(str, range(7 - KEPT_UPDATES, 7)), "refused-1.json"]


def test_each_refusal_has_a_file_of_its_own_and_only_the_newest_stay(tmp_path: Path) -> None:
    folder = tmp_path / "updates"
    folder.mkdir()
    (folder / "refused-20261127-101500.json").write_text("{}")  # the name of earlier versions
    for number in range(KEPT_REFUSALS + 2):
        keep_refusal(tmp_path, {"number": number})
    kept = [json.loads(one.read_text()) for one in sorted(folder.iterdir())]
    assert kept == [{"number": number} for number in range(2, KEPT_REFUSALS + 2)]


def test_the_second_of_two_updates_is_refused(tmp_path: Path) -> None:
    memory = tmp_path / "m" / ".memory"
    with (
        lock_updates(memory),
        pytest.raises(ServableError, match="is being updated by another process"),
        lock_updates(memory),
    ):
        pass
    with lock_updates(memory):
        pass


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    memory, whole, calls = tmp_path / "m" / ".memory", fcntl.flock, []

    def removed(file: object, how: int) -> None:
        whole(file, how)
        calls.append(how)
        if len(calls) == 1:  # an update that ends takes its unused memory away
            remove_unused(memory)

    monkeypatch.setattr(fcntl, "flock", removed)
    with lock_updates(memory):
        assert len(calls) == 2
        with pytest.raises(ServableError, match="by another process"), lock_updates(memory):
            pass
        assert (memory / "lock").exists()
    remove_unused(memory)
    assert not memory.exists()


def test_a_memory_is_no_version_no_model_and_no_run_to_anybody(tmp_path: Path) -> None:
    model = tmp_path / "models" / "m"
    version(model, 1)
    run = model / ".memory" / "updates" / "2"
    run.mkdir(parents=True)
    (run / "run.json").touch()
    assert kind_of(model) == "model"
    assert kind_of(tmp_path / "models") == "models"
    assert list(version_folders(model)) == [1]
    assert ignored_folders(model) == {}
    found = models_in_folder(tmp_path / "models")
    assert list(found.entries) == ["m"]
    assert skipped_in_model(found.entries["m"]) == {}
    with pytest.raises(RunError, match="folder of models"):
        list_runs(tmp_path / "models")
