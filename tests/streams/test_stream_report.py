"""The report of a stream study."""

from __future__ import annotations

import pytest

from modelwright.streams.report import stream_page
from modelwright.streams.stream_record import StreamRecord
from stream_records import ORDERS, stream_json


@pytest.mark.parametrize(
    ("orders", "seeds", "note"),
    [
        (2, [0], "- 95 %: Student's t over 2 orders, whose seeds are averaged;"),
        (1, [0, 1, 2], "- 95 %: Student's t over 3 seeds;"),
        (1, [0], "- 95 %: no interval, because there is one order with one seed"),
    ],
)
def test_the_page_says_what_the_intervals_are_over(
    orders: int, seeds: list[int], note: str
) -> None:
    content = stream_json(orders=ORDERS[:orders], seeds=seeds)
    assert note in stream_page(StreamRecord.model_validate(content), [])
