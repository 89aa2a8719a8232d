"""Whose state an update keeps, and what it says where the memory has lost one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import small_strategies
from hand_made import old_rows, stored

from modelwright.core.config import ModelConfig
from modelwright.updating.states import rebuilt_note, remembering

pytestmark = pytest.mark.usefixtures("strategies")
MODEL = ModelConfig(builder="ngrams")
OLD = old_rows(stored(["a", "b", "c"], [0, 1, 0], [0, 0, 2]))


def test_a_state_that_begins_again_with_examples_is_told() -> None:
    note = rebuilt_note(OLD, 2_000, MODEL, "fitted")
    assert note.startswith("rebuilt from 2,000 kept examples: what counting should remember of all")
    assert "after a rollback" in note
    assert note.endswith("To rebuild it from all rows, give them with --old-data")


def test_a_state_that_was_kept_or_comes_from_all_rows_is_not() -> None:
    kept = replace(OLD, states={"counting": {"rows": np.ones(())}})
    every = replace(OLD, inputs=OLD.stored.rows(None), labels=OLD.stored.labels)
    for old in (kept, every):
        assert rebuilt_note(old, 2_000, MODEL, "auto") == ""
    assert rebuilt_note(OLD, 0, MODEL, "auto") == ""


def test_a_costly_state_is_kept_only_for_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small_strategies.COUNTING, "cost", 2.0)
    known = replace(OLD, states={"counting": {"rows": np.ones(())}})
    assert remembering(OLD, MODEL, "fitted") == []
    for old, strategy in ((OLD, "auto"), (OLD, "counting"), (known, "fitted")):
        assert remembering(old, MODEL, strategy) == [small_strategies.COUNTING]
