"""Streams from the first domain to the report, with strategies made by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w
from test_stream_domains import write

import modelwright
import stream_strategies as strategies
from modelwright.core.errors import ConfigError, DataError, RunError
from modelwright.learning import registry
from modelwright.streams.cell_result import CellKey, read_cell
from sample_data import sentences, write_images

DOMAINS = ("书籍", "hotel", "fruit")


@pytest.fixture(autouse=True, scope="module")
def known_strategies() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "BUILT_IN", strategies.REGISTRY)
        yield


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    rows = [
        (f"{domain} {text}", label, domain)
        for number, domain in enumerate(DOMAINS)
        for text, label in sentences(60, number)
    ]
    path = write(tmp_path_factory.mktemp("stream") / "x.csv", rows)
    model = {"recipe": "text-fast", "vocabulary": 300, "length": 12, "buckets": 2048}
    return {
        "name": "small",
        "data": {"source": str(path), "test": 0.3},
        "model": model,
        "stream": {
            "domains": "category",
            "orders": 1,
            "seeds": [0, 1],
            "strategies": ["naive", "exact", "all", "unfit"],
            "keep": 0.2,
        },
    }


@pytest.fixture(scope="module")
def whole(study: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's folder, finished. Tests do not change it."""
    folder = tmp_path_factory.mktemp("streams") / "small"
    strategies.forget()
    assert modelwright.stream(study, out=folder).status == "finished"
    return folder


def cell(folder: Path, strategy: str, order: int = 1, seed: int = 0) -> Any:
    found = read_cell(CellKey(order, seed, strategy).path(folder))
    assert found is not None
    return found


def test_what_forgets_nothing_has_no_decay_and_what_forgets_all_has_all(whole: Path) -> None:
    record = json.loads((whole / "stream.json").read_text("utf-8"))
    assert record["status"] == "finished"
    found = {one["name"]: one for one in record["strategies"]}
    assert set(found) == {"naive", "exact", "all"}
    assert found["exact"]["cells"] == 2
    assert found["exact"]["decay"]["value"] == 0
    assert found["exact"]["less_decay"]["value"] == 1
    assert found["naive"]["less_decay"] is None
    assert found["naive"]["decay"]["value"] > 0
    assert "unfit is left out: it was made for something else" in record["notes"]
    forgotten = cell(whole, "naive")
    assert forgotten.macro_f1[-1] == pytest.approx(
        [1 / 3] * 3,
        abs=0.06,  # all rows get one class of two
    )
    assert list(forgotten.macro_f1[0]) == list(cell(whole, "exact").macro_f1[0])


def test_a_lesson_has_the_new_rows_and_what_the_strategy_needs_of_the_old(whole: Path) -> None:
    result = cell(whole, "exact")
    exact, everything, naive = (
        strategies.EXACT.lessons[:2], strategies.ALL.lessons[:2], strategies.NAIVE.lessons[:2]
    )  # fmt: skip
    assert [len(one["new"]) for one in exact] == list(result.train_rows[1:])
    assert [len(one["old"]) for one in everything] == [
        result.train_rows[0],
        sum(result.train_rows[:2]),
    ]
    assert [len(one["kept"]) for one in exact] == [
        round(0.2 * result.train_rows[0]),
        round(0.2 * sum(result.train_rows[:2])),
    ]
    assert all(one["old"] is None and one["kept"] is None for one in naive)
    assert all(one["kept"] is None for one in everything)
    assert [one["state"] for one in naive] == [
        {"rows": [result.train_rows[0]]},
        {"rows": [sum(result.train_rows[:2])]},
    ]
    assert result.rows_kept == len(exact[1]["kept"])
    assert cell(whole, "all").share_kept == 1


def test_kept_rows_have_the_answers_of_when_they_were_learned(whole: Path) -> None:
    first, second = strategies.EXACT.lessons[:2]
    # The network never changes, so equal rows have equal answers.
    known = {ids.tobytes(): answer for ids, answer in zip(first["kept_inputs"], first["outputs"],
                                                          strict=True)}  # fmt: skip
    again = [ids.tobytes() for ids in second["kept_inputs"]]
    assert any(one in known for one in again)
    for ids, answer in zip(again, second["outputs"], strict=True):
        assert np.isfinite(answer).all()
        if ids in known:
            assert answer.tolist() == known[ids].tolist()


def test_the_network_before_has_the_weights_of_before(whole: Path) -> None:
    first, second = strategies.NAIVE.lessons[:2]
    for before, weights in zip(first["before"], first["weights"], strict=True):
        assert (before == weights).all()
    assert any(one.any() for one in first["before"])
    assert not any(one.any() for one in second["before"])


def test_no_test_row_is_in_a_lesson(whole: Path, study: dict[str, Any]) -> None:
    data = modelwright.load_data(study["data"]["source"])
    assert data.task == "text"
    result = cell(whole, "all")
    lessons = strategies.ALL.lessons[:2]
    trained = sum(len(one["new"]) for one in lessons) + len(lessons[0]["old"])
    assert trained == sum(result.train_rows)
    assert sum(result.train_rows) + sum(result.test_rows) == 180


def test_the_page_shows_tables_and_plots(whole: Path) -> None:
    page = (whole / "stream.md").read_text("utf-8")
    assert "| exact |" in page
    assert "书籍" in page
    for name in ("stream.png", "domains.png"):
        assert f"]({name})" in page
        assert (whole / name).stat().st_size > 5000
    assert not list(whole.glob("first/*"))


def test_a_finished_study_measures_nothing_again(whole: Path, study: dict[str, Any]) -> None:
    count = len(strategies.EXACT.lessons)
    report = modelwright.stream(study, out=whole)
    assert report.status == "finished"
    assert len(strategies.EXACT.lessons) == count
    assert "less than naive" in report.render()
    assert report.to_dict()["strategies"][1]["name"] == "exact"


def test_a_share_that_keeps_no_row_is_refused_before_any_training(
    study: dict[str, Any], tmp_path: Path
) -> None:
    table = {**study["stream"], "strategies": ["naive", "exact"], "keep": 0.001}
    with pytest.raises(ConfigError, match=r"'stream\.keep' was given 0\.001.* exact cannot learn"):
        modelwright.stream({**study, "stream": table}, out=tmp_path / "few")
    assert not (tmp_path / "few").exists()


def test_a_stopped_study_keeps_its_cells_and_goes_on_at_the_next(
    whole: Path, study: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "study"))
    missing = [CellKey(1, 1, name) for name in ("exact", "all")]
    before = {key: cell(whole, key.strategy, seed=1) for key in missing}
    for key in missing:
        key.path(folder).unlink()

    def stop(lesson: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(strategies.ALL, "learn", stop)
        report = modelwright.stream(study, out=folder)
    assert (report.status, report.missing) == ("stopped", 1)
    assert "cells still to come: 1" in report.render()
    assert [key.path(folder).exists() for key in missing] == [True, False]
    count = len(strategies.EXACT.lessons)
    assert modelwright.stream(study, out=folder).status == "finished"
    assert len(strategies.EXACT.lessons) == count
    for key in missing:
        now = cell(folder, key.strategy, seed=1)
        assert now.macro_f1 == before[key].macro_f1
        assert now.rows_kept == before[key].rows_kept


def test_other_settings_and_other_rows_are_refused(
    whole: Path, study: dict[str, Any], tmp_path: Path
) -> None:
    changed = {**study, "stream": {**study["stream"], "keep": 0.1}}
    with pytest.raises(RunError, match=r"stream.keep 0.2 is now 0.1.*--out"):
        modelwright.stream(changed, out=whole)
    path = tmp_path / "x.csv"
    path.write_text(Path(study["data"]["source"]).read_text("utf-8"), "utf-8")
    same = {**study, "data": {**study["data"], "source": str(path)}}
    assert modelwright.stream(same, out=whole).status == "finished"
    with path.open("a", encoding="utf-8") as file:
        file.write("one more,pos,fruit\n")
    with pytest.raises(RunError, match="the rows, their splits or their domains"):
        modelwright.stream(same, out=whole)


def test_the_command_prints_tables_or_json_and_ends_with_a_code(
    cli: Callable[..., tuple[int, str, str]],
    whole: Path,
    study: dict[str, Any],
    tmp_path: Path,
) -> None:
    file = tmp_path / "small.toml"
    file.write_text(tomli_w.dumps(study), "utf-8")
    code, out, _ = cli("stream", file, "--out", whole)
    assert code == 0
    assert "less than naive" in out
    code, out, _ = cli("stream", file, "--out", whole, "--json")
    assert code == 0
    assert json.loads(out)["domains"] == list(DOMAINS)
    file.write_text(tomli_w.dumps({**study, "stream": {}}), "utf-8")
    code, _, error = cli("stream", file)
    assert (code, error.count("\n")) == (2, 1)
    assert "'stream' has no domains" in error
    assert cli("stream", tmp_path / "missing.toml")[0] == 2


def test_a_damaged_cell_is_named(whole: Path, study: dict[str, Any], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(whole, tmp_path / "study"))
    path = CellKey(1, 0, "naive").path(folder)
    path.write_text("{", "utf-8")
    with pytest.raises(RunError, match=r"naive.json cannot be read.*Delete the file"):
        modelwright.stream(study, out=folder)


@pytest.mark.slow
def test_new_tokens_get_ids_and_a_cell_that_fails_stops_no_other(
    study: dict[str, Any], tmp_path: Path
) -> None:
    strategies.forget()
    stream = {"domains": "category", "orders": 1, "seeds": [0], "grow_tokens": True,
              "strategies": ["failing", "exact"]}  # fmt: skip
    report = modelwright.stream({**study, "stream": stream}, out=tmp_path / "study")
    assert report.status == "failed"
    assert report.failures == (
        "failing, order 1, seed 0: the loss became nan; try a smaller learning rate.",
    )
    assert [one.cells for one in report.strategies] == [0, 1]
    first, second = strategies.EXACT.lessons
    assert second["tokens_before"] > first["tokens_before"]
    # Rows that were kept are read with the same ids: those of old tokens stay.
    known = {ids.tobytes() for ids in first["kept_inputs"]}
    assert any(ids.tobytes() in known for ids in second["kept_inputs"])


def test_an_order_that_begins_with_one_class_is_told_before_any_training(tmp_path: Path) -> None:
    rows = [(f"{one} {text}", label if one != "odd" else "pos", one)
            for one in ("a", "b", "odd") for text, label in sentences(40)]  # fmt: skip
    study = {
        "data": {"source": str(write(tmp_path / "x.csv", rows)), "test": 0.3},
        "model": {"recipe": "text-fast"},
        "stream": {"domains": "category", "strategies": ["exact"],
                   "orders": [["a", "b", "odd"], ["odd", "a", "b"]]},
    }  # fmt: skip
    with pytest.raises(DataError, match="'odd', the first of order 2, have one class, 'pos'"):
        modelwright.stream(study, out=tmp_path / "study")
    assert not (tmp_path / "study").exists()


def test_no_fitting_strategy_is_an_error(study: dict[str, Any], tmp_path: Path) -> None:
    stream = {"domains": "category", "strategies": ["unfit"]}
    with pytest.raises(ConfigError, match="it was made for something else"):
        modelwright.stream({**study, "stream": stream}, out=tmp_path / "study")


@pytest.mark.slow
def test_classes_that_come_one_after_the_other(tmp_path: Path) -> None:
    strategies.forget()
    study = {
        "name": "colors",
        "data": {"source": str(write_images(tmp_path / "x", 16, side=8)), "test": 0.3, "val": 0},
        "model": {"recipe": "cnn-tutorial", "filters": [4], "units": 8},
        "train": {"epochs": 8, "batch_size": 8, "learning_rate": 0.02, "precision": "float32"},
        "stream": {"classes": 2, "orders": [["red", "blue", "green"]], "seeds": [0],
                   "strategies": ["exact"], "keep": 6},
    }  # fmt: skip
    report = modelwright.stream(study, out=tmp_path / "study")
    assert report.status == "finished", report.failures
    (lesson,) = strategies.EXACT.lessons
    assert (lesson["classes_before"], lesson["classes"]) == (2, 3)
    assert len(lesson["kept"]) == 6
    assert set(lesson["new"].tolist()) == {2}
    result = cell(tmp_path / "study", "exact")
    assert result.steps == ("red + blue", "green")
    # The network that grew answers as before, so the class that nobody taught it is always wrong.
    assert result.accuracy[1][0] == result.accuracy[0][0] > 0.8
    assert result.accuracy[1][1] == 0
    assert any("green" in note for note in result.notes)
    assert report.strategies[0].average is not None
