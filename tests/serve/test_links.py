"""Links in the models folder: where they may lead, and what happens when one is swapped."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from fake_models import Models, live, run

from modelwright.core.errors import ConfigError, ServableError
from modelwright.serve.config import ServeConfig, check_config
from modelwright.serve.lifecycle.links import check_inside, real_folder
from modelwright.serve.lifecycle.manager import Manager
from modelwright.serve.lifecycle.model_config import models_in_file


def swap(link: Path, target: str) -> None:
    """Lets a link lead elsewhere at once, as git-sync and Kubernetes do."""
    new = link.with_name(f"{link.name}.new")
    new.symlink_to(target, target_is_directory=True)
    new.rename(link)


def content(manager: Manager, name: str = "m") -> bytes:
    """What the file of the version that answers held when it was loaded."""
    servable: Any = manager.find(name).servable
    read: bytes = servable.content
    return read


@pytest.fixture
def revisions(tmp_path: Path) -> Path:
    """A folder with two revisions of model ``m``, equal but for what one file holds."""
    for name in ("one", "two"):
        version = Models(tmp_path / name).add("m", 1)
        (version / "saved_model.pb").write_text(name)
        for path in version.iterdir():
            os.utime(path, (1, 1))  # as a reproducible build sets them
    return tmp_path


def test_the_models_folder_may_be_a_link_that_is_swapped(revisions: Path) -> None:
    (revisions / "current").symlink_to("one")

    async def steps(manager: Manager) -> None:
        assert content(manager) == b"one" and manager.ready
        old = manager.find("m")
        with old:
            swap(revisions / "current", "two")
            shutil.rmtree(revisions / "one")
            await manager.step()
            assert content(manager) == b"two" and live(manager) == [1]
            assert old.servable is not None  # its request is not answered yet
        await asyncio.sleep(0.1)
        assert old.state == "END" and manager.ready
        Models(revisions / "three").add("m", 2)
        swap(revisions / "current", "three")
        await manager.step()
        assert live(manager) == [2]
        swap(revisions / "current", "nowhere")
        await manager.step()
        assert live(manager) == [2] and manager.ready
        swap(revisions / "current", "two")
        await manager.step()
        assert content(manager) == b"two"

    run(Models(revisions / "current"), steps)


@pytest.mark.parametrize("at", ["models/m", "models/m/1", "models/m/1/saved_model.pb"])
def test_a_link_below_the_models_folder_may_be_swapped(revisions: Path, at: str) -> None:
    link, below = revisions / at, Path(at).relative_to("models")
    root = revisions / "models"
    shutil.copytree(revisions / "one", root)
    shutil.rmtree(link) if link.is_dir() else link.unlink()
    link.symlink_to(revisions / "one" / below)

    async def steps(manager: Manager) -> None:
        assert content(manager) == b"one"
        swap(link, str(revisions / "two" / below))
        await manager.step()
        assert content(manager) == b"two"

    links = (str(revisions / "one"), str(revisions / "two"))
    run(Models(root), steps, links=links)

    async def refused(manager: Manager) -> None:
        assert not manager.ready
        (problem,) = manager.readiness().not_served.values()
        assert "leads out of" in problem and "--allow-links-to" in problem

    run(Models(root), refused, links=links[:1])


def test_a_model_config_behind_a_link_is_read_again(tmp_path: Path) -> None:
    models = Models(tmp_path / "models")
    models.add("m", 1)
    models.add("m", 2)
    for number in (1, 2):
        mounted = tmp_path / f"..{number}"
        mounted.mkdir()
        policy = f"model_version_policy {{ specific {{ versions: {number} }} }}"
        text = f'model_config_list {{ config {{ name: "m" {policy} }} }}'
        (mounted / "models.config").write_text(text)
    (tmp_path / "..data").symlink_to("..1")
    (tmp_path / "models.config").symlink_to("..data/models.config")

    async def steps(manager: Manager) -> None:
        assert live(manager) == [1]
        swap(tmp_path / "..data", "..2")
        shutil.rmtree(tmp_path / "..1")
        await manager.step()
        assert live(manager) == [2]

    run(models, steps, model_config=str(tmp_path / "models.config"))


def test_the_command_keeps_links_as_they_are(
    cli: Any, revisions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[ServeConfig] = []
    monkeypatch.setattr(
        "modelwright.serve.process.start.serve", lambda config, _: seen.append(config) or 0
    )
    (revisions / "current").symlink_to("one")
    (revisions / "config").symlink_to("one/m/1/modelwright.json")
    options = ("--model-config", revisions / "config", "--allow-links-to", revisions / "two")
    assert cli("serve", revisions / "current", *options)[0] == 0
    (config,) = seen
    assert config.models == str(revisions / "current")
    assert config.model_config == str(revisions / "config")
    assert config.links == (str(revisions / "two"),)
    assert ServeConfig.from_json(config.to_json()) == config


def test_links_that_lead_out_of_the_root_are_refused(models: Models, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    inside = models.add("m", 1)
    (inside / "data").symlink_to(outside)
    with pytest.raises(ServableError, match=r"data is a link that leads out of"):
        check_inside(models.root, inside)
    check_inside(models.root, inside, [outside])
    linked = models.root / "m" / "2"
    linked.symlink_to(outside, target_is_directory=True)
    with pytest.raises(ServableError, match="link that leads out"):
        check_inside(models.root, linked)
    (inside / "data").unlink()
    (models.root / "m" / "3").symlink_to(inside, target_is_directory=True)
    check_inside(models.root, models.root / "m" / "3")


def test_a_link_behind_a_link_is_checked_and_a_circle_ends(models: Models, tmp_path: Path) -> None:
    version = models.add("m", 1)
    shared = models.root / "shared"
    shared.mkdir()
    (version / "variables").symlink_to(shared)
    (shared / "back").symlink_to(version)
    (version / "self").symlink_to("self")
    check_inside(models.root, version)
    (shared / "secret").symlink_to(tmp_path)
    with pytest.raises(ServableError, match="secret is a link that leads out of"):
        check_inside(models.root, version)


def test_a_path_that_cannot_be_followed_is_used_as_it_is(tmp_path: Path) -> None:
    folder, link = tmp_path / "folder", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    assert real_folder(link) == folder
    folder.rmdir()
    assert real_folder(link) == link


def test_base_paths_lie_in_the_models_folder_or_where_links_may_lead(revisions: Path) -> None:
    config = revisions / "config"
    config.write_text(
        f'model_config_list {{ config {{ name: "m" base_path: "{revisions}/two/m" }} }}'
    )
    with pytest.raises(ConfigError, match="expected a folder in .*, or in one that --allow-links"):
        models_in_file(config, revisions / "one")
    assert models_in_file(config, revisions / "one", [revisions / "two"]).keys() == {"m"}


def test_a_folder_for_links_that_is_missing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--allow-links-to was given missing; expected a folder"):
        check_config(ServeConfig(str(tmp_path), links=("missing",)))


def test_the_folder_of_one_model_may_have_another_name(revisions: Path) -> None:
    async def steps(manager: Manager) -> None:
        assert set(manager.models) == {"reviews"}
        assert content(manager, "reviews") == b"one" and manager.ready

    run(Models(revisions / "one" / "m"), steps, model_name="reviews")
