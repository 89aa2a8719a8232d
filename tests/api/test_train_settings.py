"""``modelwright.train`` accepts a file, a mapping or a resolved config, and explains mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import modelwright
from modelwright.api.train import resolve_settings
from modelwright.core.config import from_toml
from modelwright.core.errors import ConfigError
from modelwright.recipes import resolve as resolving

TABLES: dict[str, Any] = {
    "data": {"source": "imdb"},
    "model": {"recipe": "bilstm", "length": 12},
    "train": {"epochs": 3},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(
        '[data]\nsource = "imdb"\n[model]\nrecipe = "bilstm"\nlength = 12\n[train]\nepochs = 3\n'
    )
    return path


def test_every_form_of_the_same_settings_gives_the_same_config(file: Path) -> None:
    expected = resolve_settings(None, TABLES)
    assert expected.train.epochs == 3 and expected.model.options["length"] == 12
    assert resolve_settings(TABLES, {}) == expected
    assert resolve_settings(expected, {}) is expected
    for path in (file, str(file)):
        assert resolve_settings(path, {}).model_copy(update={"name": expected.name}) == expected


def test_keywords_override_a_file_and_a_mapping_and_sets_override_both(file: Path) -> None:
    for config in (file, TABLES):
        keywords = {"data": None, "train": {"epochs": 5}, "sets": ()}
        assert resolve_settings(config, keywords).train.epochs == 5
        assert resolve_settings(config, {**keywords, "sets": ["train.epochs=7"]}).train.epochs == 7
    assert TABLES["train"] == {"epochs": 3}, "the mapping itself is not changed"


def test_training_stores_the_resolved_config_that_it_was_given(
    reviews: Path, tmp_path: Path
) -> None:
    config = resolve_settings(
        {
            "data": {"source": str(reviews), "limit": 40},
            "model": {"recipe": "textcnn", "context": 0, "length": 8},
            "train": {"epochs": 1, "batch_size": 16, "tensorboard": False},
        },
        {},
    )
    report = modelwright.train(config, out=tmp_path / "run")
    assert report.epochs == 1
    assert from_toml((tmp_path / "run" / "config.toml").read_text("utf-8")) == config


@pytest.mark.parametrize(
    ("config", "keywords", "message"),
    [
        ("missing.toml", {}, "there is no config file missing.toml; expected the path of a TOML"),
        ({**TABLES, "trian": {}}, {}, r"unknown key 'trian'. Did you mean 'train'\?"),
        ({**TABLES, "epochs": 3}, {}, r"unknown key 'epochs'. Did you mean 'train.epochs'\?"),
        ({**TABLES, "train": {"epoch": 3}}, {}, r"unknown key 'train.epoch'. .*'epochs'"),
        ({**TABLES, "train": 3}, {}, "'train' was given 3; expected a table"),
        (TABLES, {"train": 3}, "'train' was given 3; expected a table"),
        (3, {}, "train was given 3 as its config; expected "),
    ],
)
def test_wrong_settings_are_named(config: Any, keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        resolve_settings(config, keywords)


@pytest.mark.parametrize(
    ("keywords", "names"),
    [
        ({"train": {"epochs": 1}}, "train"),
        ({"data": {"limit": 9}, "sets": ["a.b=1"]}, "data, sets"),
    ],
)
def test_a_resolved_config_takes_no_further_settings(keywords: Any, names: str) -> None:
    config = resolve_settings(TABLES, {})
    with pytest.raises(ConfigError, match=f"together with {names}; expected the Config alone"):
        modelwright.train(config, **keywords)


def test_the_command_resolves_its_settings_once(
    cli: Callable[..., tuple[int, str, str]],
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls = []
    original = resolving.resolve_or_choose

    def counting(*arguments: Any, **keywords: Any) -> Any:
        calls.append(arguments)
        return original(*arguments, **keywords)

    monkeypatch.setattr("modelwright.recipes.resolve.resolve_or_choose", counting)
    monkeypatch.setattr("modelwright.api.train.resolve_or_choose", counting)
    missing = f"data.source={tmp_path / 'missing.csv'}"
    code, _, err = cli("train", file, "--set", missing, "--out", tmp_path / "run")
    assert code == 3 and "missing.csv" in err
    assert len(calls) == 1
