"""Examples: what is written is read again, and agreement is counted by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelwright.core.errors import ServableError
from modelwright.servable.examples import (
    Examples,
    compare_answers,
    read_examples,
    write_examples,
)


@pytest.mark.parametrize(
    ("task", "rows"),
    [("text", ("好 a", "line\u2028separator\x85", "")), ("image", (b"\xff\x00\n", b"", b"PNG"))],
)
def test_written_examples_are_read_again(tmp_path: Path, task, rows) -> None:
    expected = np.array([[0.1, 0.9], [0.5, 0.5], [1 / 3, 2 / 3]], np.float32)
    write_examples(tmp_path / "rows", Examples(rows, expected), task)
    found = read_examples(tmp_path / "rows", task)
    assert found.inputs == rows
    np.testing.assert_array_equal(found.expected, expected)
    assert found.first(2).inputs == rows[:2] and len(found.first(9).expected) == 3


def test_other_content_is_refused(tmp_path: Path) -> None:
    for content in ("[1]", '{"instance": {}}', "text"):
        (tmp_path / "rows").write_text(content)
        with pytest.raises(ServableError, match="the examples .*rows cannot be read"):
            read_examples(tmp_path / "rows", "text")
    with pytest.raises(ServableError, match="cannot be read.*No such file"):
        read_examples(tmp_path / "none", "text")


def test_a_changed_label_counts_unless_the_tolerance_explains_it() -> None:
    expected = np.array([[0.9, 0.1], [0.5005, 0.4995]], np.float32)
    close = compare_answers(expected, np.array([[0.9, 0.1], [0.4999, 0.5001]]), 1e-3)
    assert (close["rows"], close["labels_changed"], close["passed"]) == (2, 0, True)
    assert close["max_difference"] == pytest.approx(6e-4, abs=1e-6)
    far = compare_answers(expected, np.array([[0.1, 0.9], [0.5005, 0.4995]]), 1e-3)
    assert (far["labels_changed"], far["passed"]) == (1, False)
    unknown = compare_answers(expected, np.full((2, 2), np.nan), 1e-3)
    assert not unknown["passed"]
    with pytest.raises(ServableError, match=r"have shape \(1, 2\); expected \(2, 2\)"):
        compare_answers(expected, expected[:1], 1e-3)
