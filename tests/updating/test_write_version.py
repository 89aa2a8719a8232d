"""What is recorded of the rows that a new version learned. Nothing is learned here."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from hand_made import stored

from modelwright.data.splits import TEST, TRAIN
from modelwright.updating import memory
from modelwright.updating.memory import choose_kept
from modelwright.updating.row_store import join_rows
from modelwright.updating.write_version import _keeps_every_row


def test_a_memory_that_is_full_of_bytes_does_not_have_every_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old = stored([f"old row {number}" for number in range(6)], [0, 1] * 3, [TRAIN] * 6)
    new = stored([f"new row {number}" for number in range(4)], [0, 1] * 2, [TRAIN] * 3 + [TEST])
    room = cast(
        Any,
        SimpleNamespace(old=SimpleNamespace(labels=old.labels), new=SimpleNamespace(stored=new)),
    )
    rows = join_rows([old, new])
    assert _keeps_every_row(room, choose_kept(rows, 9, 0))
    assert not _keeps_every_row(room, choose_kept(rows, 8, 0))
    monkeypatch.setitem(memory._MOST_BYTES, TRAIN, 70)
    assert not _keeps_every_row(room, choose_kept(rows, 9, 0))
    room.old.labels = None
    assert not _keeps_every_row(room, choose_kept(rows, 9, 0))
