"""Updates that are refused, and what a user reads then. Nothing is exported here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from new_texts import new_rows

from modelwright.core.errors import ConfigError, DataError, ServableError
from modelwright.core.files import sha256_tree
from modelwright.updating.lock import lock_updates
from modelwright.updating.update import update
from sample_data import sentences, write_csv

Cli = Callable[..., tuple[int, str, str]]
pytestmark = pytest.mark.usefixtures("strategies")


def rows_file(folder: Path, rows: list[Any]) -> Path:
    return write_csv(folder / "rows.csv", rows, ("text", "label"))


def test_poisoned_labels_are_refused_and_nothing_is_changed(
    model: Path, tmp_path: Path, cli: Cli
) -> None:
    random = np.random.default_rng(0)
    rows = [
        (text, label if random.random() > 0.5 else {"pos": "neg", "neg": "pos"}[label])
        for text, label in new_rows(200, 5)
    ]
    before = sha256_tree(model / "1")
    given = ("--data", rows_file(tmp_path, rows), "--strategy", "fitted", "--json")
    code, out, _ = cli("update", model, *given)
    report = json.loads(out)
    assert code == 6
    assert (report["written"], report["version"], report["path"]) == (False, None, None)
    assert [one["name"] for one in report["candidates"]] == ["fitted"]
    assert "does not lie above 0" in report["reason"]
    assert sha256_tree(model / "1") == before
    assert sorted(one.name for one in model.iterdir()) == [".memory", "1"]
    assert not (model / ".memory" / "memory.json").exists()


def test_data_that_cannot_show_a_gain_is_refused_before_anything_is_tried(
    model: Path, tmp_path: Path, cli: Cli
) -> None:
    code, out, _ = cli("update", model, "--data", rows_file(tmp_path, new_rows(3)))
    assert code == 6
    assert "refused; nothing was changed" in out
    assert "3 different new rows" in " ".join(out.split())
    one = update(model, rows_file(tmp_path, [row for row in new_rows(200) if row[1] == "pos"]))
    assert "one class only, 'pos'" in one.reason
    same = update(model, rows_file(tmp_path, sentences(240)), dry_run=True)
    assert "nothing new" in same.reason
    assert one.candidates == same.candidates == ()


def test_labels_under_other_names_are_offered_and_never_guessed(
    model: Path, tmp_path: Path, cli: Cli
) -> None:
    rows = [(text, {"pos": "Pos", "neg": "Neg"}[label]) for text, label in new_rows(60)]
    code, _, err = cli("update", model, "--data", rows_file(tmp_path, rows))
    assert code == 3
    assert 'data.labels={"Neg" = "neg", "Pos" = "pos"}' in err
    assert "data.labels=fold" in err
    rows = [(text, {"pos": "1", "neg": "0"}[label]) for text, label in new_rows(60)]
    with pytest.raises(DataError, match='"0" = "...", "1" = "..."'):
        update(model, rows_file(tmp_path, rows))


def test_another_task_is_refused(model: Path, colors: Path) -> None:
    with pytest.raises(DataError, match="holds images, and .* classifies texts"):
        update(model, colors)


def test_settings_that_cannot_be_used(model: Path, new_reviews: Path, cli: Cli) -> None:
    with pytest.raises(ConfigError, match="no strategy 'fited'. Did you mean 'fitted'"):
        update(model, new_reviews, strategy="fited")
    for options, said in (
        (("--max-drop", -1), "--max-drop was given"),
        (("--memory", -1), "--memory was given"),
        (("--minutes", "nan"), "--minutes was given"),
        (("--set", "train.epochs=3"), "keeps the model's own settings"),
        (("--set", "data.orientation=false"), "it cannot differ"),
        (("--dry-run", "--resume"), "Leave one out"),
        (("--resume",), "no unfinished update"),
        (("--out", "runs/x"), "leave --out out"),
    ):
        code, _, err = cli("update", model, "--data", new_reviews, *options)
        assert (code, said in err) == (2, True), err


def test_two_updates_at_once(model: Path, new_reviews: Path) -> None:
    with (
        lock_updates(model / ".memory"),
        pytest.raises(ServableError, match="is being updated by another process"),
    ):
        update(model, new_reviews)


def test_a_budget_ends_the_tries(model: Path, new_reviews: Path) -> None:
    report = update(model, new_reviews, minutes=0, dry_run=True)
    reasons = {one.name: one.reason for one in report.candidates}
    assert "of --minutes 0" in reasons["fitted"]
    assert "of --minutes 0" not in reasons["useless"]
    assert not (model / ".memory").exists()
