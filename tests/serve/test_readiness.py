"""When a server is ready: newcomers and what is no model never take readiness away."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest
from fake_models import Models, live, run

from modelwright.serve.errors import Refused
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.model_config import ModelEntry
from modelwright.serve.lifecycle.models_folder import models_in_folder
from modelwright.serve.lifecycle.readiness import why_not_ready

LITTER = ("2024", ".git", "lost+found", "..data", "@eaDir", "notes")


def test_a_new_model_that_is_broken_does_not_take_readiness_away(models: Models) -> None:
    models.add("m", 1)

    async def steps(manager: Manager) -> None:
        broken = models.add("new", 1, bad=True)
        await manager.step()
        found = manager.readiness()
        assert found.ready and found.models == {"m": ["1"], "new": []}
        assert found.not_served == {"new": "version 1: new/1 is bad."}
        (broken / "bad").unlink()
        await manager.step()
        assert manager.ready and live(manager, "new") == [1]
        assert not manager.readiness().not_served

    run(models, steps)
    models.add("another", 1, bad=True)

    async def restarted(manager: Manager) -> None:
        assert manager.ready and manager.readiness().not_served.keys() == {"another"}

    run(models, restarted)


def test_a_half_copied_model_is_tried_again_until_it_is_whole(models: Models) -> None:
    models.add("m", 1)

    async def steps(manager: Manager) -> None:
        folder = models.root / "slow" / "1"
        folder.parent.mkdir()
        await manager.step()
        assert "holds no folder" in manager.readiness().skipped["slow"]
        folder.mkdir()
        await manager.step()
        assert manager.ready and "slow" in manager.readiness().not_served
        (folder / "bad").touch()
        (folder / "saved_model.pb").touch()
        for _ in range(3):
            await manager.step()
        assert manager.ready and not live(manager, "slow")
        (folder / "bad").unlink()
        await manager.step()
        await manager.step()  # without a manifest, it has to stay as it is for one look
        assert manager.ready and live(manager, "slow") == [1]

    run(models, steps)


def test_a_model_that_never_answered_is_forgotten_with_its_folder(models: Models) -> None:
    models.add("m", 1)
    models.add("bad", 1, bad=True)

    async def steps(manager: Manager) -> None:
        assert manager.status("bad")[0].state == "END"
        shutil.rmtree(models.root / "bad")
        await manager.step()
        assert set(manager.models) == {"m"} and not manager.readiness().not_served
        with pytest.raises(Refused, match="Could not find any versions of model bad"):
            manager.status("bad")

    run(models, steps)


def test_what_is_no_model_is_skipped_and_said_once(
    models: Models, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    models.add("m", 1)

    async def steps(manager: Manager) -> None:
        for name in LITTER:
            (models.root / name).mkdir()
        (models.root / "2024" / "table.csv").touch()
        (models.root / "README.md").touch()
        await manager.step()
        await manager.step()
        assert set(manager.models) == {"m"} and manager.ready
        skipped = manager.readiness().skipped
        assert skipped.keys() == {*LITTER, "README.md"}
        for name in skipped:
            said = [text for text in caplog.messages if text.startswith(f"{name} in ")]
            assert len(said) == 1, said

    logger = logging.getLogger("modelwright.serve")
    monkeypatch.setattr(logger, "propagate", False)
    logger.addHandler(caplog.handler)
    try:
        run(models, steps)
    finally:
        logger.removeHandler(caplog.handler)

    async def restarted(manager: Manager) -> None:
        assert set(manager.models) == {"m"} and manager.ready

    run(models, restarted)


def test_versions_next_to_models_hide_neither(models: Models) -> None:
    models.add("m", 1)
    models.add("3", 1)

    async def steps(manager: Manager) -> None:
        assert set(manager.models) == {"m", "3"}
        Models(models.root.parent).add(models.root.name, 7)
        await manager.step()
        await manager.step()
        assert set(manager.models) == {"m", "3", models.root.name} and manager.ready
        assert live(manager, models.root.name) == [7] and live(manager) == [1]

    run(models, steps)


def test_a_folder_of_versions_is_one_model(tmp_path: Path) -> None:
    (tmp_path / "m" / "1").mkdir(parents=True)
    (tmp_path / "m" / "withdrawn.json").write_text('{"versions": []}')
    (tmp_path / "m" / "notes").mkdir()
    found = models_in_folder(tmp_path / "m")
    assert found.entries.keys() == {"m"} and found.skipped.keys() == {"notes"}
    Models(tmp_path / "m").add("m", 1)
    found = models_in_folder(tmp_path / "m")
    assert found.entries.keys() == {"m"} and found.entries["m"].base == tmp_path / "m" / "m"
    (tmp_path / "m" / "1" / "saved_model.pb").touch()
    found = models_in_folder(tmp_path / "m")
    assert "is a version next to models" in found.skipped["1"]


def test_folders_that_seem_to_be_versions_are_named(models: Models) -> None:
    models.add("m", 1)
    models.add("m", 2**63)
    models.add("m", "v2")
    models.add("m", ".hidden")
    models.add("huge", 2**63)

    async def steps(manager: Manager) -> None:
        assert live(manager) == [1]
        skipped = manager.readiness().skipped
        assert skipped.keys() == {f"m/{2**63}", "m/v2", "huge"}
        assert str(2**63 - 1) in skipped[f"m/{2**63}"] and str(2**63 - 1) in skipped["huge"]

    run(models, steps)


def test_litter_in_a_version_changes_nothing(models: Models) -> None:
    folder = models.add("m", 1)

    async def steps(manager: Manager) -> None:
        before = manager.find("m")
        (folder / ".DS_Store").touch()
        (folder / "..data").symlink_to("..2024")
        (folder / "..2024").mkdir()
        await manager.step()
        assert manager.find("m") is before and not before.problem
        (folder / "saved_model.pb").write_bytes(b"other")
        await manager.step()
        assert manager.find("m") is not before

    run(models, steps)


def test_a_model_that_a_config_names_must_answer_at_the_start(models: Models) -> None:
    models.add("m", 1)
    broken = models.add("n", 1, bad=True)
    config = models.root.parent / "config"
    config.write_text('model_config_list { config { name: "m" } config { name: "n" } }')

    async def steps(manager: Manager) -> None:
        assert manager.readiness().reason == "these models do not answer: n"
        (broken / "bad").unlink()
        await manager.step()
        assert manager.ready
        late = {"m": ModelEntry("m", models.root / "m"), "late": ModelEntry("late", models.root)}
        with pytest.raises(Refused, match="model late: no version is there"):
            await manager.reload(late)
        assert manager.ready and manager.readiness().not_served == {"late": "no version is there"}

    run(models, steps, model_config=str(config))


def test_the_reasons_for_not_being_ready() -> None:
    def why(answering: str, required: str = "", *, looked: bool = True) -> str:
        return why_not_ready(looked=looked, answering=set(answering), required=set(required))

    assert why("m", looked=False) == "the models are being loaded"
    assert why("") == "no model answers yet"
    assert why("a", "abc") == "these models do not answer: b, c"
    assert why("ab", "a") == ""
