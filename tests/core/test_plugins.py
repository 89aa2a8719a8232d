"""Entry points of other packages: found by name, loaded on demand, and errors name the package."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from modelwright.core import plugins
from modelwright.core.errors import ConfigError, MissingDependencyError
from modelwright.core.plugins import find_plugin, plugin_names
from modelwright.models.builders import BUILDERS, find_builder
from modelwright.recipes import recipe
from plugin_package import install

GROUP = "modelwright.test"
MODULES = {"acme_good": "THING = 7\n", "acme_bad": "import no_such_module_at_all\n"}
ENTRIES = {"good": "acme_good:THING", "bad": "acme_bad:THING", "gone": "acme_good:GONE"}


@pytest.fixture(autouse=True)
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, GROUP, ENTRIES, MODULES)


def test_only_the_entry_point_that_is_asked_for_is_loaded() -> None:
    assert plugin_names(GROUP) == ["bad", "gone", "good"]
    assert find_plugin(GROUP, "unknown") is None
    assert not {"acme_good", "acme_bad"} & set(sys.modules)
    assert find_plugin(GROUP, "good") == 7
    assert "acme_bad" not in sys.modules


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("bad", r"acme 1\.2 registers 'bad' in 'modelwright\.test'.*no_such_module_at_all"),
        ("gone", r"acme 1\.2 registers 'gone'.*'acme_good:GONE' cannot be loaded.*AttributeError"),
    ],
)
def test_an_entry_point_that_does_not_load_names_its_package(name: str, text: str) -> None:
    with pytest.raises(MissingDependencyError, match=text):
        find_plugin(GROUP, name)


def test_two_packages_with_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other").mkdir()
    install(tmp_path / "other", monkeypatch, GROUP, {"good": "acme_good:THING"}, {}, "zenith")
    with pytest.raises(ConfigError, match=r"several packages: acme 1\.2, zenith 1\.2"):
        find_plugin(GROUP, "good")


def test_known_names_read_no_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise AssertionError("the metadata was read")

    monkeypatch.setattr(plugins, "entry_points", refuse)
    for builder in BUILDERS:
        find_builder(builder)
    for name in recipe.recipe_names():
        recipe.read_recipe(name)
