"""Runs that travel between machines: what changed, and the paths in them. Needs no Ray."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.config import Config, from_toml
from modelwright.core.files import sha256_file
from modelwright.recipes.resolve import resolve_config
from modelwright.runs.run import load_run
from modelwright.trials.ray_data import LackingDataError, SentData, find_data
from modelwright.trials.ray_files import (
    ChangedFiles,
    changed_since,
    relocate_run,
    relocated,
    with_paths,
)


class FakeStore:
    """An object store in this process that counts its objects."""

    def __init__(self) -> None:
        self.objects: list[Any] = []

    def put(self, value: Any) -> int:
        self.objects.append(value)
        return len(self.objects) - 1

    def get(self, reference: int) -> Any:
        return self.objects[reference]


def config_of(source: str) -> Config:
    return resolve_config(options={"data": {"source": source}, "model": {"recipe": "bilstm"}})


def test_only_what_changed_travels_and_what_was_deleted_is_deleted(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    (there / "plots").mkdir(parents=True)
    for name in ("config.toml", "checkpoint.npz", "plots/history.png", ".lock"):
        (there / name).write_text(f"first {name}")
    files, stamps = changed_since(there, {})
    files.write(here)
    assert set(files.names) == {"config.toml", "checkpoint.npz", "plots/history.png"}
    (there / "weights.h5").write_text("new")
    (there / "checkpoint.npz").unlink()
    files, stamps = changed_since(there, stamps)
    assert list(files.content) == ["weights.h5"]
    files.write(here)
    assert sorted(path.name for path in here.rglob("*") if path.is_file()) == [
        "config.toml", "history.png", "weights.h5",
    ]  # fmt: skip
    assert not changed_since(there, stamps)[0].content


def test_files_are_written_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    import os

    for at, name in enumerate(("weights", "checkpoint", "history")):
        (tmp_path / name).write_text(name)
        os.utime(tmp_path / name, ns=(at, at))
    assert list(changed_since(tmp_path, {})[0].content) == ["weights", "checkpoint", "history"]


def test_a_run_from_elsewhere_names_the_data_of_this_machine(text_run: Path) -> None:
    run = load_run(text_run)
    here, there = str(run.config.data.source), "/elsewhere/1f/reviews.csv"
    relocate_run(text_run, {here: there})
    moved = json.loads((text_run / "run.json").read_text("utf-8"))
    assert from_toml((text_run / "config.toml").read_text("utf-8")).data.source == there
    assert list(moved["data"]["places"]) == [there]
    assert moved["files"]["config.toml"] == sha256_file(text_run / "config.toml")
    names = ("config.toml", "run.json")
    content = {name: (text_run / name).read_bytes() for name in names}
    back = relocated(content, text_run, {there: here})
    ChangedFiles(back, names).write(text_run.with_name("back"))
    for name in names:
        (text_run / name).write_bytes(back[name])
    again = load_run(text_run)
    assert again.config == run.config
    assert list(again.data["places"]) == [here]
    assert {**again.data, "places": {}} == {**run.data, "places": {}}
    assert there not in (text_run / "run.json").read_text("utf-8")


def test_data_is_used_where_it_is_and_sent_once_where_it_is_not(tmp_path: Path) -> None:
    source = tmp_path / "reviews.csv"
    source.write_text("text,label\ngood,1\n")
    config = resolve_config(
        options={"data": {"source": str(source)}, "model": {"recipe": "bilstm"}}
    )
    store = FakeStore()
    data = SentData(store)
    (sent,) = data.sources(config.data)
    assert find_data(store, [sent], lambda: tmp_path / "own", same_folder=False) == {}
    assert not store.objects, "data that is there does not travel"

    absent = replace(sent, place=Path("/nowhere/reviews.csv"))
    with pytest.raises(LackingDataError, match=r"reviews\.csv"):
        find_data(store, [absent], lambda: tmp_path / "own", same_folder=False)
    for _ in range(2):
        (sent,) = data.sources(config.data, (str(source),))
        absent = replace(sent, place=Path("/nowhere/reviews.csv"))
        places = find_data(store, [absent], lambda: tmp_path / "own", same_folder=False)
        assert Path(places[str(source)]).read_bytes() == source.read_bytes()
    assert len(store.objects) == 1
    found = with_paths(config, places)
    assert found.data.source == places[str(source)]
    assert found.model_copy(update={"data": config.data}) == config


def test_data_of_the_same_size_and_other_content_is_not_taken(tmp_path: Path) -> None:
    source, other = tmp_path / "a.csv", tmp_path / "b.csv"
    source.write_text("text,label\ngood,1\n")
    other.write_text("text,label\nevil,1\n")
    config = resolve_config(
        options={"data": {"source": str(source)}, "model": {"recipe": "bilstm"}}
    )
    (sent,) = SentData(FakeStore()).sources(config.data)
    assert sent.is_at(source)
    assert not sent.is_at(other)
    other.write_text("text,label\ngood,1\n")
    assert sent.is_at(other), "the content decides, not the time of the file"
    assert not sent.is_at(tmp_path / "absent")


def test_a_named_set_is_found_on_each_machine() -> None:
    assert SentData(FakeStore()).sources(config_of("imdb").data) == ()
