"""The recipe and the config for a user who gives data alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelwright.core.config import Config, DataConfig
from modelwright.core.errors import ConfigError
from modelwright.data.dispatch import read_source
from modelwright.data.records import Records
from modelwright.recipes import choose
from modelwright.recipes.choose import choose_recipe
from modelwright.recipes.resolve import is_config_file, resolve_or_choose
from sample_data import sentences, write_csv

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return write_csv(tmp_path / "my reviews.csv", sentences(30), ("text", "label")).name


def images(rows: int, side: int) -> Records:
    pixels = np.broadcast_to(np.zeros(1, np.uint8), (rows, side, side, 3))
    return Records("image", pixels, ["a"] * rows, None, str, "images")


@pytest.fixture(autouse=True)
def missing(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Says that the weights of backbones are not here, unless a test says otherwise."""
    found: dict[str, Any] = {"why": "the weights are not here. Install it: pip install them."}
    monkeypatch.setattr(choose, "why_missing", lambda name, **_: found["why"])
    return found


@pytest.mark.parametrize(
    ("rows", "side", "config", "recipe"),
    [
        (50_000, 32, DataConfig(), "cifar-fast"),
        (500, 32, DataConfig(), "cnn"),
        (50_000, 200, DataConfig(), "cnn"),
        (50_000, 200, DataConfig(image_size=32), "cifar-fast"),
        (50_000, 32, DataConfig(image_size=128), "cnn"),
    ],
)
def test_images_get_the_recipe_of_their_number_and_size(
    rows: int, side: int, config: DataConfig, recipe: str
) -> None:
    choice = choose_recipe(images(rows, side), config)
    assert choice.name == recipe
    assert f"no recipe was given: {recipe} (" in choice.reason
    assert f"there are {rows:,} images of" in choice.reason
    assert "--set model.augment=none" in choice.reason


def test_few_images_start_from_a_pretrained_network_where_it_can_be_had(
    missing: dict[str, Any],
) -> None:
    fallback = choose_recipe(images(500, 32), DataConfig())
    assert fallback.name == "cnn"
    assert "pretrained would do better, but the weights are not here. Install" in fallback.reason
    missing["why"] = None
    choice = choose_recipe(images(500, 32), DataConfig())
    assert choice.name == "pretrained"
    assert "there are 500 images, and a network that was trained" in choice.reason
    assert choose_recipe(images(200_000, 200), DataConfig()).name == "cnn"
    chosen = choose_recipe(images(500, 32), DataConfig(), {"filters": [8]})
    assert chosen.name == "cnn"
    assert "because model.filters is an option of it" in chosen.reason
    assert choose_recipe(images(500, 32), DataConfig(), {"finetune": 2}).name == "pretrained"


def test_image_files_are_measured_without_decoding_and_texts_are_texts(
    colors: Path, table: str
) -> None:
    choice = choose_recipe(read_source(str(colors), DataConfig()), DataConfig())
    assert choice.name == "cnn"
    choice = choose_recipe(read_source(table, DataConfig()), DataConfig())
    assert choice.name == "text-fast"
    assert "choose another with --recipe" in choice.reason


def test_data_alone_gives_a_config_with_a_name_and_the_reason(table: str) -> None:
    chosen = resolve_or_choose(options={"data": {"source": table}}, sets=["train.epochs=2"])
    assert (chosen.config.name, chosen.config.recipe) == ("my-reviews", "text-fast")
    assert chosen.config.train.epochs == 2
    assert "train.epochs has no effect" in chosen.notes[1]
    given = resolve_or_choose(options={"data": {"source": table}, "model": {"recipe": "bilstm"}})
    assert (given.config.name, given.config.recipe, given.notes) == ("bilstm", "bilstm", ())


def test_an_argument_is_a_config_file_or_data(table: str) -> None:
    Path("a.toml").write_text(f'[data]\nsource = "{table}"\n')
    Path("settings.conf").write_text("[train]\nepochs = 3\n")
    assert [is_config_file(x) for x in ("a.toml", "none.toml", "settings.conf")] == [True] * 3
    assert not any(is_config_file(x) for x in (table, ".", "imdb", "nowhere"))
    assert resolve_or_choose(Path("a.toml")).config.name == "a"


def test_the_command_takes_data_a_config_or_both(
    table: str, cli: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[Config] = []

    def train(config: Config, **_: Any) -> None:
        got.append(config)
        raise ConfigError("enough")

    monkeypatch.setattr("modelwright.training.train.train", train)
    Path("a.toml").write_text("[train]\nepochs = 7\n")
    for arguments in ([table], ["a.toml", table], [table, "a.toml"], ["a.toml", "--data", table]):
        assert cli("train", *arguments)[2] == "error: enough\n"
    assert [one.data.source for one in got] == [table] * 4
    assert [one.train.epochs for one in got][1:] == [7] * 3
    code, _, err = cli("train", table, "--data", table)
    assert (code, "give it once" in err) == (2, True)
    code, _, err = cli("train", "a.toml", "b.toml")
    assert (code, "expected one" in err) == (2, True)
    code, _, err = cli("train", "nowhere.csv")
    assert (code, "no file, folder or named set 'nowhere.csv'" in err) == (3, True)


def test_settings_of_steps_that_no_solver_takes_are_told(
    colors: Path, missing: dict[str, Any]
) -> None:
    missing["why"] = None
    data = {"data": {"source": str(colors)}}
    chosen = resolve_or_choose(options=data, sets=["train.epochs=3", "train.seed=1"])
    assert chosen.config.recipe == "pretrained"
    assert "train.epochs has no effect: recipe 'pretrained' is solved" in chosen.notes[1]
    steps = resolve_or_choose(options=data, sets=["train.epochs=3", "model.finetune=2"])
    assert len(steps.notes) == 1
    named = {**data, "model": {"recipe": "pretrained"}, "train": {"epochs": 2, "momentum": 0.9}}
    assert resolve_or_choose(options=named).notes[0].startswith("train.epochs, train.momentum have")
