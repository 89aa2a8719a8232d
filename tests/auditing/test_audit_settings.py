"""The settings of an audit: a fast recipe by default, and commands that repeat what was set."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelwright.auditing import settings
from modelwright.auditing.settings import changed, resolve_audit
from modelwright.core.errors import ConfigError, DataError
from sample_data import sentences, write_csv, write_images

for _name in ("cleanlab", "datasketch", "imagehash"):
    pytest.importorskip(_name)


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_csv(tmp_path / "rows.csv", sentences(40), ("text", "label"))


def test_texts_get_the_solved_recipe(rows: Path) -> None:
    found = resolve_audit({"data": {"source": str(rows)}}, 5)
    assert found.config.recipe == "text-fast"
    assert "because the rows are texts" in found.reason
    assert changed(found, ("data", "model", "train")) == []


@pytest.mark.parametrize(
    ("problem", "recipe", "reason"),
    [
        (None, "pretrained", "features of a pretrained network are computed once"),
        ("no weights of efficientnet-lite0 were found.", "cnn", "pretrained would do better, but"),
    ],
)
def test_images_get_a_backbone_where_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str | None, recipe: str, reason: str
) -> None:
    monkeypatch.setattr(settings, "why_no_backbone", lambda *_, **__: problem)
    images = {"data": {"source": str(write_images(tmp_path, 3))}}
    found = resolve_audit(images, 3)
    assert found.config.recipe == recipe
    assert reason in found.reason
    monkeypatch.setattr(settings, "MOST_PRETRAINED", 8)
    assert "would take more than an hour" in resolve_audit(images, 3).reason


def test_what_was_set_can_be_given_again(rows: Path) -> None:
    tables = {
        "data": {"source": str(rows), "label": "label", "labels": {"pos": "good one"}},
        "model": {"recipe": "bilstm", "units": [8]},
    }
    found = resolve_audit(tables, 5, ["train.seed=3"])
    again = changed(found, ("data", "model", "train"))
    assert again == [
        "data.label=label", "data.labels.pos=good one", "model.units=[8]", "train.seed=3",
    ]  # fmt: skip
    given = {"data": {"source": str(rows)}, "model": {"recipe": "bilstm"}}
    assert resolve_audit(given, 5, again).config == found.config


def test_settings_without_effect_are_noted(rows: Path) -> None:
    tables = {"data": {"source": str(rows), "unlabelled": "imdb-unlabelled"}}
    found = resolve_audit(tables, 5)
    assert found.config.data.unlabelled == []
    assert any("data.unlabelled has no effect" in note for note in found.notes)


def test_data_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        resolve_audit({"data": {}}, 5)
    with pytest.raises(DataError, match="nowhere"):
        resolve_audit({"data": {"source": str(tmp_path / "nowhere.csv")}}, 5)
