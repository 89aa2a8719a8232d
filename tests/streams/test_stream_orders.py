"""The orders of a stream."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelwright.core.errors import ConfigError
from modelwright.streams.orders import find_orders
from modelwright.streams.plan import Domains, StreamPlan
from modelwright.streams.plan_file import read_stream_plan

NAMES = ("书籍", "hotel", "fruit", "phone")


def plan(orders: object = 3, domains: Domains | None = None) -> StreamPlan:
    found = read_stream_plan(
        {
            "data": {"source": "x.csv"},
            "model": {"recipe": "text-fast"},
            "stream": {"domains": "category", "orders": orders},
        }
    )
    return found if domains is None else replace(found, domains=domains)


def test_more_orders_leave_the_first_ones_as_they_were() -> None:
    few, many = find_orders(plan(3), NAMES), find_orders(plan(20), NAMES)
    assert [one.names for one in few] == [one.names for one in many[:3]]
    assert len({one.names for one in many}) == 20
    assert [one.number for one in few] == [1, 2, 3]
    assert all(sorted(one.names) == sorted(NAMES) for one in many)


def test_an_order_says_which_step_brings_a_row() -> None:
    order = find_orders(plan([["fruit", "书籍", "phone", "hotel"]]), NAMES)[0]
    assert order.names == ("fruit", "书籍", "phone", "hotel")
    assert order.step_of(np.array([0, 1, 2, 3, 0])).tolist() == [1, 3, 0, 2, 1]


def test_classes_come_in_groups() -> None:
    domains = Domains(classes=2)
    names = ("a", "b", "c", "d", "e")
    order = find_orders(plan([["e", "d", "c", "b", "a"]], domains), names)[0]
    assert order.names == ("e + d", "c + b", "a")
    assert order.step_of(np.array([4, 3, 2, 1, 0])).tolist() == [0, 0, 1, 1, 2]


def test_orders_that_differ_only_within_a_step_are_one() -> None:
    domains = Domains(classes=2)
    drawn = find_orders(plan(6, domains), NAMES)
    assert len({tuple(frozenset(step) for step in one.steps) for one in drawn}) == 6
    with pytest.raises(ConfigError, match="given 7; 4 names have 6 orders in steps of 2"):
        find_orders(plan(7, domains), NAMES)
    given = [["fruit", "书籍", "phone", "hotel"], ["书籍", "fruit", "hotel", "phone"]]
    with pytest.raises(ConfigError, match="orders 1 and 2, which bring the same names"):
        find_orders(plan(given, domains), NAMES)


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        ([["fruit", "phone", "hotel"]], "has an order without '书籍'"),
        ([["fruit", "phones", "hotel", "书籍"]], "'phones'.*Did you mean 'phone'"),
        (25, "4 names have 24 orders"),
    ],
)
def test_orders_that_cannot_be(orders: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        find_orders(plan(orders), NAMES)


def test_a_stream_needs_something_new() -> None:
    with pytest.raises(ConfigError, match="have 1 domain; expected more than 1"):
        find_orders(plan(1), ("all",))
    with pytest.raises(ConfigError, match="have 2 classes; expected more than 2"):
        find_orders(plan(1, Domains(classes=2)), ("a", "b"))
