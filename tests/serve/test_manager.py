"""Versions that are loaded, replaced and unloaded, with a fake loader."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from fake_models import Models, live, run

from modelwright.servable.live_version import VersionPolicy
from modelwright.servable.withdrawn import WITHDRAWN_FILE, write_withdrawn
from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.model_config import ModelEntry


def test_the_newest_version_answers_and_a_newer_one_takes_over(models: Models) -> None:
    models.add("m", 1)
    models.add("m", "002")

    async def steps(manager: Manager) -> None:
        assert live(manager) == [2] and manager.ready
        old = manager.find("m")
        models.add("m", 10)
        with old as runner:
            await manager.step()
            assert live(manager) == [10] and manager.find("m").number == 10
            # What a request holds stays until it is answered.
            await asyncio.sleep(0.1)
            assert old.state == "UNLOADING" and not runner.servable.closed
            kept = runner.servable
        await asyncio.sleep(0.1)
        assert old.state == "END" and kept.closed
        assert [v.number for v in manager.status("m")] == [10, 2]

    run(models, steps)


def test_a_version_that_cannot_be_loaded_never_answers_and_says_why(models: Models) -> None:
    models.add("m", 1)
    models.add("m", 2, bad=True)

    async def steps(manager: Manager) -> None:
        assert live(manager) == [1]
        (failed,) = manager.status("m", 2)
        assert failed.state == "END" and failed.code == "FAILED_PRECONDITION"
        assert "2 is bad." in failed.problem
        loads: list[bool] = []
        manager.on_load(lambda _, success, __: loads.append(success))
        await manager.step()
        assert loads == []  # it is as it was: no second try yet
        (models.root / "m" / "2" / "bad").unlink()
        await manager.step()
        assert loads == [True] and live(manager) == [2]

    run(models, steps)


def test_the_last_working_version_outlives_its_folder(models: Models) -> None:
    models.add("m", 1)
    models.add("n", 1)

    async def steps(manager: Manager) -> None:
        shutil.rmtree(models.root / "m" / "1")
        shutil.rmtree(models.root / "n")
        await manager.step()
        assert live(manager) == [1] and live(manager, "n") == [1]
        models.add("m", 2, bad=True)
        await manager.step()
        assert live(manager) == [1]
        models.add("m", 3)
        await manager.step()
        assert live(manager) == [3]

    run(models, steps)


def test_a_folder_that_was_replaced_is_loaded_again(models: Models) -> None:
    folder = models.add("m", 1)

    async def steps(manager: Manager) -> None:
        old = manager.find("m")
        shutil.rmtree(folder)
        await manager.step()
        models.add("m", 1, bad=True)
        await manager.step()
        assert manager.find("m") is old and "was replaced" in old.problem
        loads: list[bool] = []
        manager.on_load(lambda _, success, __: loads.append(success))
        await manager.step()
        assert loads == []
        (folder / "bad").unlink()
        await manager.step()
        assert loads == [True] and manager.find("m") is not old
        await asyncio.sleep(0.1)
        assert old.state == "END"
        await manager.step()
        assert loads == [True]

    run(models, steps)


def test_withdrawn_versions_are_unloaded_and_come_back(models: Models) -> None:
    models.add("m", 1)
    models.add("m", 2)
    base = models.root / "m"

    async def steps(manager: Manager) -> None:
        write_withdrawn(base, [2])
        await manager.step()
        assert live(manager) == [1]
        models.add("m", 3)
        await manager.step()
        assert live(manager) == [3]
        write_withdrawn(base, [1, 2, 3])  # nothing is left: what answers goes on
        await manager.step()
        assert live(manager) == [3]
        (base / WITHDRAWN_FILE).write_text("{")
        await manager.step()
        assert live(manager) == [3]
        (base / WITHDRAWN_FILE).unlink()
        await manager.step()
        assert live(manager) == [3]

    run(models, steps)


def test_a_folder_without_a_manifest_is_not_loaded_while_it_grows(models: Models) -> None:
    models.add("m", 1)

    async def steps(manager: Manager) -> None:
        folder = models.add("m", 2, manifest=False)
        await manager.step()
        assert live(manager) == [1]
        (folder / "variables").mkdir()
        await manager.step()
        assert live(manager) == [1]
        await manager.step()
        assert live(manager) == [2]

    run(models, steps)


def test_policies_and_labels(models: Models) -> None:
    for version in (1, 2, 3):
        models.add("m", version)
    base = models.root / "m"

    async def steps(manager: Manager) -> None:
        await manager.reload(
            {"m": ModelEntry("m", base, VersionPolicy("latest", 2), {"stable": 2})}
        )
        assert live(manager) == [2, 3]
        assert manager.find("m", None, "stable").number == 2
        await manager.reload({"m": ModelEntry("m", base, VersionPolicy("all"))})
        assert live(manager) == [1, 2, 3]
        with pytest.raises(Refused, match="Unrecognized servable version label: stable"):
            manager.find("m", None, "stable")
        await manager.reload({"m": ModelEntry("m", base, VersionPolicy("specific", versions=(1,)))})
        assert live(manager) == [1]
        with pytest.raises(Refused, match=r"not found for request: Specific\(m, 3\)"):
            manager.find("m", 3)

    run(models, steps)


def test_a_new_config_replaces_all_models_and_says_what_it_cannot_serve(models: Models) -> None:
    models.add("m", 1)
    models.add("n", 1)
    models.add("broken", 1, bad=True)

    async def steps(manager: Manager) -> None:
        entry = ModelEntry("n", models.root / "n", labels={"gone": 7})
        with pytest.raises(Refused, match="label 'gone' to version 7 of model n"):
            await manager.reload({"n": entry})
        assert set(manager.models) == {"n"}
        with pytest.raises(Refused, match=r"not found for request: Latest\(m\)"):
            manager.find("m")
        with pytest.raises(Refused, match="No version could be loaded: model broken: .* is bad"):
            await manager.reload({"broken": ModelEntry("broken", models.root / "broken")})
        assert not manager.ready

    run(models, steps)


def test_unknown_models_and_versions_are_refused(models: Models) -> None:
    models.add("m", 1)

    async def steps(manager: Manager) -> None:
        for ask, message in (
            (lambda: manager.find("x"), r"Latest\(x\)"),
            (lambda: manager.find("x", 3), r"Specific\(x, 3\)"),
            (lambda: manager.status("x"), "Could not find any versions of model x"),
            (lambda: manager.status("m", 9), "Could not find version 9 of model m"),
        ):
            with pytest.raises(Refused, match=message) as caught:
                ask()
            assert caught.value.code == "NOT_FOUND"

    run(models, steps)
