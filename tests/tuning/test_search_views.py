"""What a search shows: which plots it draws, and its log for TensorBoard, read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import MissingDependencyError
from modelwright.tuning import search_views
from modelwright.tuning.hparams_log import log_search
from modelwright.tuning.importance import DimensionImportance, SearchImportance
from modelwright.tuning.search_plots import (
    draw_search,
    front_points,
    objective_axis,
    plotted_trials,
    value_text,
)
from modelwright.tuning.search_views import with_importance
from modelwright.tuning.tune_report import summarize
from search_records import failed_trial, search_record, search_trials


def test_the_plots_of_a_search(tmp_path: Path) -> None:
    trials = [*search_trials(12), failed_trial(12, "out of memory")]
    record = with_importance(search_record(trials))
    assert record.importance.dimensions and record.importance.finished >= 5
    names = [one.name for one in draw_search(record, tmp_path / "plots")]
    assert names == ["history.png", "slices.png", "parallel.png", "importance.png"]
    limited = search_record(trials, search={"max_latency": 3.5}, pareto=[3])
    names = [one.name for one in draw_search(limited, tmp_path / "more")]
    assert names == ["history.png", "slices.png", "parallel.png", "front.png"]


def test_a_search_without_an_objective_draws_nothing(tmp_path: Path) -> None:
    running = {"number": 0, "values": search_trials(1)[0]["values"], "epochs": [0.5]}
    for trials in ([], [running], [failed_trial(0, "out of memory")]):
        record = search_record(trials)
        assert draw_search(record, tmp_path / "plots") == []
        assert not (tmp_path / "plots").exists()
    assert plotted_trials(search_record([running])) == []


def test_choices_are_positions_and_one_is_not_true() -> None:
    dimensions = [{"key": "model.x", "kind": "choice", "choices": [1, True, [2], "a"]}]
    trials = [
        {**search_trials(1)[0], "number": number, "values": {"model.x": value}}
        for number, value in enumerate([True, 1, [2], "a"])
    ]
    record = search_record(trials, dimensions=dimensions)
    assert [one.values["model.x"] for one in plotted_trials(record)] == [1, 0, 2, 3]
    assert [value_text(one) for one in (0.00012345678, 12, [1, 2], True, "a")] == [
        "0.0001235", "12", "[1, 2]", "true", "a",
    ]  # fmt: skip


def test_the_axis_says_what_a_pruned_trial_has() -> None:
    pruned = search_record(search_trials(30), search={"objective": "macro_f1"})
    assert objective_axis(pruned).name == "validation macro-F1 (pruned: accuracy)"
    loss = objective_axis(search_record(search_trials(3), search={"objective": "val_loss"}))
    assert (loss.name, loss.higher_is_better, loss.percent) == ("validation loss", False, False)


def test_the_points_of_the_front_are_finished_trials_with_figures() -> None:
    assert front_points(search_record(search_trials(9))) == ([], [])
    limits = {"max_latency": 3.5, "max_size": 6.0}
    record = search_record(search_trials(9), search=limits, pareto=[0])
    points, costs = front_points(record)
    assert [one.limit for one in costs] == [3.5, 6.0]
    assert [one.number for one in points] == [one.number for one in record.finished]
    assert [one.number for one in points if one.front] == [0]
    assert all(one.allowed == (one.costs[0] <= 3.5 and one.costs[1] <= 6.0) for one in points)


def test_importance_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: Any, **__: Any) -> None:
        raise MissingDependencyError("scikit-learn is missing")

    monkeypatch.setattr(search_views, "measure_importance", missing)
    found = with_importance(search_record(search_trials(12))).importance
    assert found.dimensions == () and found.reason == "scikit-learn is missing"


def test_each_ended_trial_has_its_values_and_figures(tmp_path: Path) -> None:
    import tensorflow as tf
    from tensorboard.plugins.hparams import plugin_data_pb2

    running = {"number": 7, "values": search_trials(1)[0]["values"]}
    trials = [*search_trials(6), failed_trial(6, "out of memory"), running]
    record = search_record(trials)
    log_search(record, tmp_path)
    place = tmp_path / "tensorboard"
    folders = sorted(one.name for one in place.iterdir() if one.is_dir())
    assert folders == [f"{number:04}" for number in range(7)]

    def values(name: str) -> dict[str, Any]:
        (file,) = (place / name).glob("events.*")
        return {
            value.tag: value
            for event in tf.compat.v1.train.summary_iterator(str(file))
            for value in event.summary.value
        }

    def settings(name: str) -> dict[str, Any]:
        content = values(name)["_hparams_/session_start_info"].metadata.plugin_data.content
        data = plugin_data_pb2.HParamsPluginData.FromString(content)
        return {
            key: getattr(value, str(value.WhichOneof("kind")))
            for key, value in data.session_start_info.hparams.items()
        }

    first = trials[0]["values"]
    assert settings("0000") == {
        **first, "state": "finished", "model.units": str(first["model.units"]),
    }  # fmt: skip
    found = values("0000")
    assert tf.make_ndarray(found["objective"].tensor) == pytest.approx(trials[0]["objective"])
    assert tf.make_ndarray(found["epochs"].tensor) == 4
    assert "objective" not in values("0006") and settings("0006")["state"] == "failed"

    log_search(search_record(trials, base={"train": {"tensorboard": False}}), tmp_path)
    assert not place.exists()


def test_the_report_says_what_the_settings_decide(tmp_path: Path) -> None:
    record = search_record(search_trials(12), folder=str(tmp_path))
    assert (
        "importance of the settings: not measured yet."
        in summarize(record, record.records).render()
    )
    (tmp_path / "plots").mkdir()
    measured = record.model_copy(
        update={
            "importance": SearchImportance(
                dimensions=(
                    DimensionImportance(
                        key="train.learning_rate", value=0.6, low=0.4, high=0.8, trials=12
                    ),
                    DimensionImportance(key="model.cell", value=0.1, low=-0.1, high=0.3, trials=12),
                ),
                finished=9,
                pruned=3,
                reason="",
            )
        }
    )
    text = summarize(measured, measured.records).render()
    assert "0.60" in text and "0.40 to 0.80" in text and "may be chance" in text
    assert "(9 finished, 3 pruned)" in text and str(tmp_path / "plots") in text.replace("\n", "")
