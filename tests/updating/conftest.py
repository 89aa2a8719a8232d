"""Small strategies by name, new rows, and one model that was updated, for all tests here."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from new_texts import new_rows

from sample_data import write_csv


@pytest.fixture
def strategies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the small strategies are known."""
    use_small_strategies(monkeypatch)


def use_small_strategies(monkeypatch: pytest.MonkeyPatch) -> None:
    from modelwright.learning import registry

    names = {
        name: f"small_strategies:{name.upper()}"
        for name in ("fitted", "forgetful", "counting", "useless")
    }
    monkeypatch.setattr(registry, "BUILT_IN", names)


@pytest.fixture(scope="session")
def new_reviews(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 300 reviews with words that the model of the sentiment does not know."""
    folder = tmp_path_factory.mktemp("new")
    return write_csv(folder / "new.csv", new_rows(300), ("text", "label"))


@pytest.fixture
def model(text_servable: Path, tmp_path: Path) -> Path:
    """The folder of a model with one version, to be changed."""
    shutil.copytree(text_servable.parent, tmp_path / "sentiment")
    return tmp_path / "sentiment"


@pytest.fixture(scope="session")
def updated(
    text_servable: Path, new_reviews: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model whose version 2 was written by an update. Tests must not change it."""
    from child_processes import run_without_child_process
    from modelwright.exporting import conversion
    from modelwright.servable import replay
    from modelwright.updating.update import update

    out = tmp_path_factory.mktemp("updated")
    shutil.copytree(text_servable.parent, out / "sentiment")
    with pytest.MonkeyPatch.context() as patch:
        use_small_strategies(patch)
        run_without_child_process(patch, conversion, replay)
        report = update(out / "sentiment", new_reviews, max_drop=20, max_class_drop=20)
    assert report.written, report.reason
    return out / "sentiment"
