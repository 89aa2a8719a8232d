"""Which models of a folder are deployed, under which names."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy import model_folders
from modelwright.core.errors import ConfigError, ServableError
from modelwright.deploy.models import DNS_LENGTH, DeployableModel, dns_names, find_models
from modelwright.servable.withdrawn import WITHDRAWN_FILE

LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")  # Kubernetes' DNS-1035


def test_the_newest_version_of_each_model(tmp_path: Path) -> None:
    model_folders.add_both_kinds(tmp_path)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "a.log").write_text("")
    found, notes = find_models(tmp_path)
    assert found == [
        DeployableModel("Colours_2.1", 1, True),
        DeployableModel("half_plus_two", 123, False),
        DeployableModel("sentiment", 2, True),
    ]
    assert notes == ["notes is left out: it holds no numbered version."]


def test_a_numbered_folder_next_to_models_hides_none(tmp_path: Path) -> None:
    model_folders.add_both_kinds(tmp_path)
    (tmp_path / "2024").mkdir()
    found, notes = find_models(tmp_path)
    assert len(found) == 3 and notes == ["2024 is left out: it holds no numbered version."]


@pytest.mark.parametrize(
    "name", ["情感", "a b", "-a", "a:b", 'a"', "a\nb: c", "${HOME}", "a" * 129]
)
def test_a_name_with_special_characters_is_refused(tmp_path: Path, name: str) -> None:
    model_folders.add_savedmodel(tmp_path, name)
    with pytest.raises(ConfigError, match="Rename the folder"):
        find_models(tmp_path)


def test_no_model_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ServableError, match="holds no model; expected NAME/VERSION/"):
        find_models(tmp_path)
    with pytest.raises(ServableError, match="is not a folder"):
        find_models(tmp_path / "missing")
    model_folders.add_savedmodel(tmp_path, "half_plus_two")
    with pytest.raises(ServableError, match=f"is a model.*folder around it: {tmp_path}"):
        find_models(tmp_path / "half_plus_two")


def test_a_servable_that_changed_is_not_deployed(tmp_path: Path) -> None:
    (model_folders.add_exported(tmp_path, "sentiment") / "saved_model.pb").write_bytes(b"another")
    with pytest.raises(ServableError, match=r"saved_model\.pb has changed"):
        find_models(tmp_path)


def test_a_rollback_that_other_servers_ignore_is_reported(tmp_path: Path) -> None:
    model_folders.add_both_kinds(tmp_path)
    (tmp_path / "sentiment" / WITHDRAWN_FILE).write_text('{"versions": [2]}')
    found, [note] = find_models(tmp_path)
    assert found[-1] == DeployableModel("sentiment", 2, True)
    assert note.startswith("sentiment was rolled back")


def test_a_version_without_a_saved_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "1").mkdir(parents=True)
    with pytest.raises(ServableError, match=r"holds no saved_model\.pb"):
        find_models(tmp_path)


def test_names_become_those_of_kubernetes_objects() -> None:
    assert dns_names(["sentiment", "Colours_2.1", "2nd", "a--b", "x_"]) == {
        "sentiment": "sentiment",
        "Colours_2.1": "colours-2-1",
        "2nd": "model-2nd",
        "a--b": "a--b",
        "x_": "x",
    }


def test_two_models_of_one_name_or_a_long_one_are_refused() -> None:
    with pytest.raises(ConfigError, match="'a_b' and 'A.b' would both be called 'a-b'"):
        dns_names(["a_b", "A.b"])
    with pytest.raises(ConfigError, match=f"has {DNS_LENGTH + 1} characters.*at most {DNS_LENGTH}"):
        dns_names(["a" * (DNS_LENGTH + 1)])


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True))
def test_every_name_becomes_a_label(name: str) -> None:
    assert LABEL.fullmatch(dns_names([name])[name])
