"""The reference: it survives its file, holds no row, and a damaged file is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core.errors import ServableError
from modelwright.monitoring.quantities import QUANTITIES, count_values, edges_of
from modelwright.monitoring.reference import REFERENCE, read_reference, write_reference
from monitoring.small_references import text_reference


def test_a_reference_is_read_as_it_was_written(tmp_path: Path) -> None:
    given = text_reference()
    assert write_reference(tmp_path, given) == tmp_path / REFERENCE
    found = read_reference(tmp_path)
    assert found is not None
    assert found.to_dict() == given.to_dict()
    assert found.class_shares.tolist() == [0.25, 0.75]
    assert found.features is not None
    assert found.features.mean == pytest.approx([1 / 3, 2.0], rel=1e-6)


def test_a_servable_without_the_file_has_no_reference(tmp_path: Path) -> None:
    assert read_reference(tmp_path) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 9}, "has format 9; this version reads 1"),
        ({"rows": 5}, "class_counts|confidence"),
        ({"labels": ["one"]}, "1 labels"),
        ({"task": "audio"}, "task 'audio'"),
        ({"class_counts": [-1, 5]}, "class_counts"),
        ({"confusion": [[4]]}, "confusion"),
        ({"words": {"good": 9}}, "more than 4 texts"),
        ({"quantities": {}}, "confidence"),
        ({"features": {"tensor": "x"}}, "mean"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    write_reference(tmp_path, text_reference())
    record = json.loads((tmp_path / REFERENCE).read_text("utf-8"))
    (tmp_path / REFERENCE).write_text(json.dumps({**record, **change}), "utf-8")
    with pytest.raises(ServableError, match=message):
        read_reference(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", "NaN"])
def test_a_file_that_is_no_reference_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / REFERENCE).write_text(content)
    with pytest.raises(ServableError, match="cannot be read"):
        read_reference(tmp_path)


@pytest.mark.parametrize("name", sorted({n for names in QUANTITIES.values() for n in names}))
def test_edges_rise_and_every_value_has_a_bin(name: str) -> None:
    edges = edges_of(name)
    assert list(edges) == sorted(set(edges))
    counts = count_values([-1.0, 0.0, edges[0], edges[-1], 1e12], edges)
    assert counts.sum() == 5
    assert counts[0] == 2
    assert counts[1] == 1
    assert counts[-1] == 2


def test_no_unknown_token_is_another_bin_than_few() -> None:
    counts = count_values(np.array([0.0, 0.001]), edges_of("unknown"))
    assert counts[:2].tolist() == [1, 1]
