"""Which version is live, by the rule itself and by everything that follows it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from modelwright.core.errors import ServableError
from modelwright.servable.live_version import VersionPolicy, VersionSelection, live_version
from modelwright.servable.version_folder import read_version
from modelwright.servable.versions import rollback, versions
from modelwright.servable.withdrawn import WITHDRAWN_FILE, read_withdrawn, write_withdrawn
from modelwright.serve.config import ServeConfig
from modelwright.serve.lifecycle.loading import LoadedVersion
from modelwright.serve.lifecycle.manager import Manager

NUMBERS = (1, 2, 3)
SUBSETS = [set(chosen) for size in range(4) for chosen in combinations(NUMBERS, size)]


def select(policy: VersionPolicy, unusable: Iterable[int] = (), **more: Any) -> tuple[int, ...]:
    """The accepted versions of 1, 2 and 3."""
    selection = VersionSelection(NUMBERS, policy=policy, **more)
    for number in selection:
        if number not in unusable:
            selection.accept(number)
    return selection.accepted


@pytest.mark.parametrize(
    ("withdrawn", "unusable", "expected"),
    [
        ((), (), 3),
        ((3,), (), 2),
        ((), (3,), 2),
        ((3,), (2,), 1),
        ((1, 2, 3), (), None),
        ((), (1, 2, 3), None),
        ((99,), (98,), 3),
    ],
)
def test_the_newest_version_that_is_neither_withdrawn_nor_unusable_is_live(
    withdrawn: tuple[int, ...], unusable: tuple[int, ...], expected: int | None
) -> None:
    assert live_version(NUMBERS, withdrawn, unusable) == expected


@pytest.mark.parametrize(
    ("policy", "more", "expected"),
    [
        (VersionPolicy("latest", 2), {}, (3, 2)),
        (VersionPolicy("latest", 2), {"withdrawn": {3}}, (2, 1)),
        (VersionPolicy("latest", 2), {"unusable": {2}}, (3, 1)),
        (VersionPolicy("all"), {"withdrawn": {2}}, (3, 1)),
        (VersionPolicy("specific", versions=(1, 3, 7)), {"withdrawn": {3}}, (1, 3)),
        (VersionPolicy("specific", versions=(7,)), {}, ()),
    ],
    ids=str,
)
def test_a_policy_selects_several_versions(
    policy: VersionPolicy, more: dict[str, Any], expected: tuple[int, ...]
) -> None:
    assert select(policy, **more) == expected


def test_no_version_is_tried_after_enough_are_accepted() -> None:
    selection = VersionSelection(NUMBERS)
    tried = []
    for number in selection:
        tried.append(number)
        selection.accept(number)
    assert tried == [3] and selection.live == 3


class Empty:
    """A loaded version that is never run."""

    signatures: dict[str, Any] = {}  # noqa: RUF012 - never changed
    description: dict[str, Any] = {}  # noqa: RUF012 - never changed

    def close(self) -> None:
        pass


def live_on_server(root: Path) -> int | None:
    """The version that a server over the folder answers with."""

    def load(folder: Path, *_: object) -> LoadedVersion:
        read_version(folder)
        return LoadedVersion(Empty(), None)  # type: ignore[arg-type]

    async def start() -> int | None:
        with ThreadPoolExecutor(1) as pool:
            manager = Manager(ServeConfig(str(root)), pool, load)
            await manager.step(patient=False)
            newest = manager.models["m"].newest
            await manager.stop()
            return newest.number if newest else None

    return asyncio.run(start())


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with three versions, SavedModels without a manifest."""
    for number in NUMBERS:
        (tmp_path / "m" / str(number)).mkdir(parents=True)
        (tmp_path / "m" / str(number) / "saved_model.pb").touch()
    return tmp_path / "m"


def damage(model: Path, numbers: Iterable[int]) -> None:
    """Makes versions look like incomplete copies of an export."""
    for number in numbers:
        (model / str(number) / "tokenizer.json").touch()


@pytest.mark.parametrize("damaged", SUBSETS, ids=str)
def test_the_server_the_list_and_the_rollback_name_the_same_live_version(
    model: Path, damaged: set[int]
) -> None:
    damage(model, damaged)
    for withdrawn in SUBSETS:
        write_withdrawn(model, withdrawn)
        expected = live_version(NUMBERS, withdrawn, damaged)
        listed = {one["version"]: one["state"] for one in versions(model).versions}
        assert [number for number, state in listed.items() if state == "live"] == (
            [expected] if expected else []
        )
        assert live_on_server(model.parent) == expected
        for number in set(NUMBERS) - damaged:
            write_withdrawn(model, withdrawn)
            report = rollback(model, to=number)
            assert (report.before, report.live) == (expected, number)
            assert live_on_server(model.parent) == number


def test_a_rollback_goes_to_the_version_that_would_be_live_without_the_live_one(
    model: Path,
) -> None:
    damage(model, [2])
    report = rollback(model)
    assert (report.before, report.live, report.withdrawn) == (3, 1, (2, 3))
    with pytest.raises(ServableError, match="has no version before 1; it holds 1, 2, 3"):
        rollback(model)
    assert rollback(model, to=3).withdrawn == (2,)
    write_withdrawn(model, {1, 3})
    with pytest.raises(ServableError, match="has no usable version; it holds 1, 2, 3"):
        rollback(model)
    assert rollback(model, to=3).withdrawn == (1,)
    write_withdrawn(model, {2})
    assert "rolled back" in report.render() and report.to_dict()["withdrawn"] == [2, 3]


@pytest.mark.parametrize(
    ("to", "message"), [(7, "has no version 7; it holds 1, 2, 3"), (2, "2 is not complete")]
)
def test_a_rollback_to_a_missing_or_damaged_version_is_refused(
    model: Path, to: int, message: str
) -> None:
    damage(model, [2])
    with pytest.raises(ServableError, match=message):
        rollback(model, to=to)
    assert not (model / WITHDRAWN_FILE).exists()


def test_a_list_of_withdrawn_versions_that_cannot_be_read_is_an_error(model: Path) -> None:
    assert read_withdrawn(model) == frozenset()
    (model / WITHDRAWN_FILE).write_text("[1]")
    for operation in (read_withdrawn, versions, rollback):
        with pytest.raises(ServableError, match=r'expected \{"versions": \[NUMBER'):
            operation(model)


def test_the_list_says_why_a_version_is_not_live(model: Path) -> None:
    damage(model, [3])
    write_withdrawn(model, [1])
    report = versions(model)
    states = [(one["version"], one["state"]) for one in report.versions]
    assert states == [(3, "unusable"), (2, "live"), (1, "withdrawn")]
    assert "modelwright.json is missing" in report.versions[0]["problem"]
    assert "unusable" in report.render()


def test_the_list_of_versions_names_the_folders_that_are_none(model: Path) -> None:
    assert versions(model).ignored == {}
    (model / str(2**63)).mkdir()
    report = versions(model)
    assert report.to_dict()["ignored"] == {str(2**63): f"a version is at most {2**63 - 1}"}
    assert len(report.versions) == 3 and "ignored" in report.render()
    assert rollback(model).before == 3
