"""What is kept between trainings: within its block, for the same objects, up to a size."""

from __future__ import annotations

from modelwright.core.kept import (
    KeptValues,
    computed_once,
    kept_between_trainings,
    kept_values,
    usual_room_mib,
)


class Owner:
    """An object that values belong to."""


def compute(calls: list[str], name: str, owner: object) -> str:
    def value() -> str:
        calls.append(name)
        return name

    return computed_once(name, [owner], value, size=len)


def test_a_value_is_computed_once_for_an_object_within_the_block() -> None:
    calls: list[str] = []
    one, other = Owner(), Owner()
    for _ in range(2):
        compute(calls, "a", one)
    assert calls == ["a", "a"], "nothing is kept outside of the block"
    with kept_between_trainings(1):
        for owner in (one, one, other, one):
            assert compute(calls, "b", owner) == "b"
    assert calls[2:] == ["b", "b"]
    assert kept_values() is None
    with kept_between_trainings(1):
        compute(calls, "b", one)
    assert calls[4:] == ["b"]


def test_an_object_with_the_number_of_one_that_is_gone_has_no_values() -> None:
    calls: list[str] = []
    with kept_between_trainings(1):
        seen = set()
        for _ in range(100):
            owner = Owner()
            seen.add(id(owner))
            compute(calls, "a", owner)
            del owner
    assert len(calls) == 100 > len(seen)


def test_plain_lists_are_computed_each_time() -> None:
    calls: list[str] = []
    rows = ["a text"]
    with kept_between_trainings(1):
        compute(calls, "a", rows)
        compute(calls, "a", rows)
    assert calls == ["a", "a"]


def test_what_was_not_used_for_the_longest_time_is_dropped_first() -> None:
    values = KeptValues(10)
    for name in "abc":
        values.keep(name, name, 3)
    assert values.find("a") == "a"
    values.keep("d", "d", 3)
    assert [values.find(name) for name in "abcd"] == ["a", None, "c", "d"]
    values.keep("e", "e", 11)
    assert [values.find(name) for name in "acde"] == [None] * 4


def test_the_room_is_shared_by_processes() -> None:
    assert usual_room_mib() >= 4 * usual_room_mib(4) > 0
