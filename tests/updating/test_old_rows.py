"""The rows that a model learned before: where they come from, and which of them measure."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand_made import base_model

from modelwright.core.errors import DataError
from modelwright.updating.old_rows import OldRows, find_old_rows
from modelwright.updating.settings import resolve_update
from sample_data import sentences, write_csv


def old_data(folder: Path, path: Path) -> OldRows:
    return find_old_rows(base_model(folder), resolve_update(old_data=path))


def test_old_data_that_is_not_as_the_training_data_was_says_what_to_give(tmp_path: Path) -> None:
    rows = sentences(100)
    path = write_csv(tmp_path / "old.csv", rows, ("stars", "verdict"))
    with pytest.raises(DataError) as caught:
        old_data(tmp_path, path)
    said = str(caught.value)
    assert said.startswith(f"--old-data was given {path}, which cannot be read")
    assert "Columns: stars, verdict. " in said
    assert "options of the new rows (--data) alone; give a copy" in said
    numbers = [(text, {"pos": "1", "neg": "0"}[label]) for text, label in rows]
    path = write_csv(tmp_path / "old.csv", numbers, ("text", "label"))
    with pytest.raises(DataError, match="the label '0', which .* Give a copy with the labels of"):
        old_data(tmp_path, path)
