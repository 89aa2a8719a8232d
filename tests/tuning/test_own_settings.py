"""The settings of the base as trial 0 of a search."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

import modelwright
from fake_trials import FakeRunner
from modelwright.recipes.resolve import resolve_config
from modelwright.tuning.dimension import Dimension
from modelwright.tuning.own_settings import OUTSIDE, own_point
from modelwright.tuning.tune_report import summarize
from sample_data import sentences, write_csv
from search_records import search_record, search_trials

OWN = {"model.cell": "lstm", "train.learning_rate": 0.002}
RATES = Dimension("train.learning_rate", "float", 1e-4, 1e-2, log=True)
CELLS = Dimension("model.cell", "choice", choices=("lstm", "gru"))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draws nothing and flushes nothing to the disk."""
    monkeypatch.setattr("modelwright.tuning.tune.write_views", lambda _: None)
    monkeypatch.setattr(os, "fsync", lambda _: None)


def tune(folder: Path, space: dict[str, Any] | None = None, **search: Any) -> Any:
    source = write_csv(folder / "notes.csv", sentences(80), ("text", "label"))
    rates = {"from": 0.001, "to": 0.01, "scale": "log"}
    plan = {
        "name": "notes",
        "base": {"data": {"source": str(source)}, "model": {"recipe": "bilstm"}},
        "space": space or {"train.learning_rate": rates, "model.cell": ["lstm", "gru"]},
        "search": {"trials": 4, "pruner": "none", **search},
    }
    return modelwright.tune(plan, out=folder / "a", runner=FakeRunner({}))


def config(**tables: Any) -> Any:
    return resolve_config(options={"data": {"source": "imdb"}, **tables})


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_first_trial_has_the_settings_of_the_base(tmp_path: Path, sampler: str) -> None:
    report = tune(tmp_path, sampler=sampler)
    assert report.records[0].values == OWN
    assert len({str(one.values) for one in report.records}) == 4
    assert OUTSIDE not in report.notes


def test_the_sampler_may_choose_the_first_one_too(tmp_path: Path) -> None:
    report = tune(tmp_path, first="sampler")
    assert report.records[0].values != OWN
    assert not report.own_first


def test_a_grid_keeps_its_order(tmp_path: Path) -> None:
    report = tune(tmp_path, {"model.cell": ["gru", "lstm"]}, sampler="grid", trials=2)
    assert report.records[0].values == {"model.cell": "gru"}
    assert OUTSIDE not in report.notes


def test_settings_outside_the_space_are_said(tmp_path: Path) -> None:
    report = tune(tmp_path, {"train.learning_rate": {"from": 0.005, "to": 0.01}})
    assert OUTSIDE in report.notes
    assert not report.own_first


def test_the_report_says_what_was_gained_over_them(tmp_path: Path) -> None:
    report = tune(tmp_path)
    best, own = report.best.objective, report.records[0].objective
    assert best > own
    gain = f"The best trial is better by {100 * (best - own):.2f} percentage points."
    assert any(note.endswith(gain) for note in report.notes)


def test_nothing_is_compared_with_itself(tmp_path: Path) -> None:
    report = tune(tmp_path, trials=1)
    assert report.best.number == 0
    assert "trial 0 has the settings of the base." in report.notes
    assert (tmp_path / "a/best.toml").is_file()
    assert not (tmp_path / "a/search-check.toml").exists()
    assert "modelwright compare" not in report.render()


def test_a_point_has_values_as_the_dimensions_have_them() -> None:
    units = Dimension("model.units", "choice", choices=([32], [64, 32]))
    clip = Dimension("train.clip_norm", "float", 0.5, 2.0)
    whole = config(model={"recipe": "bilstm"}, train={"clip_norm": 1})
    found = own_point((RATES, CELLS, units, clip), whole)
    assert found == {**OWN, "model.units": [64, 32], "train.clip_norm": 1.0}


def test_only_dimensions_in_force_count() -> None:
    momentum = Dimension(
        "train.momentum", "float", 0.8, 0.99, conditions=(("train.optimizer", ("sgd",)),)
    )
    optimizers = Dimension("train.optimizer", "choice", choices=("adam", "sgd"))
    found = own_point((optimizers, momentum), config(model={"recipe": "bilstm"}))
    assert found == {"train.optimizer": "adam"}


def test_settings_beyond_a_limit_are_not_called_worse() -> None:
    trials = search_trials(3)
    for trial, objective, size in zip(trials, (0.9, 0.8, 0.7), (9.0, 1.0, 1.0), strict=True):
        trial |= {"state": "finished", "objective": objective, "figures": {"size_mib": size}}
    record = search_record(trials, own_first=True, search={"max_size": 4.0})
    report = summarize(record, record.records)
    assert report.best is not None and report.best.number == 1
    notes = " ".join(report.notes)
    assert "the gain over these settings is not known" in notes
    assert "is better by" not in notes
