"""Which files are written, and which are never overwritten."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from deploy import model_folders, published_schemas
from modelwright.core.errors import ConfigError, ServableError
from modelwright.deploy.options import DeployOptions
from modelwright.deploy.template import fill_template, yaml_quoted
from modelwright.deploy.write import TARGETS, deploy
from modelwright.deploy.written_files import RECORD_FILE


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return model_folders.add_both_kinds(tmp_path / "models")


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_reports_what_it_wrote(target: str, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "deploy"
    report = deploy(target, models, out)
    there = {path.name for path in out.iterdir()}
    assert there == {*report.files, RECORD_FILE}
    assert report.models["sentiment"] == 2
    assert str(out) in report.start
    told = json.loads(json.dumps(report.to_dict()))
    assert told["target"] == target and told["out"] == str(out)
    for name in report.files:
        assert name in report.render()
        assert "$name" not in (out / name).read_text()


def test_all_targets_go_into_one_folder_and_are_written_again(models: Path, tmp_path: Path) -> None:
    for target in (*TARGETS, *TARGETS):
        deploy(target, models, tmp_path / "deploy")
    model_folders.add_exported(models, "another")
    report = deploy("compose", models, tmp_path / "deploy")
    assert "another" in (tmp_path / "deploy" / "models.config").read_text()
    assert not re.search(r"\.(json|ya?ml)$", RECORD_FILE)  # kubectl apply -f FOLDER would read it
    assert RECORD_FILE not in report.files


def test_a_file_from_elsewhere_is_not_overwritten(models: Path, tmp_path: Path) -> None:
    (tmp_path / "README").write_text("mine")
    (tmp_path / "compose.yaml").write_text("services: {}\n")
    with pytest.raises(ConfigError, match=r"compose\.yaml was there before.*--force"):
        deploy("compose", models, tmp_path)
    assert not (tmp_path / "models.config").exists()
    deploy("compose", models, tmp_path, options=DeployOptions(force=True))
    assert "tensorflow-serving" in (tmp_path / "compose.yaml").read_text()
    assert (tmp_path / "README").read_text() == "mine"


def test_an_edited_file_is_not_overwritten(models: Path, tmp_path: Path) -> None:
    out = tmp_path / "deploy"
    deploy("kserve", models, out)
    edited = (out / "kserve.yaml").read_text().replace("timeout: 60", "timeout: 90")
    (out / "kserve.yaml").write_text(edited)
    with pytest.raises(ConfigError, match=r"kserve\.yaml has changed since it was written"):
        deploy("kserve", models, out)
    assert (out / "kserve.yaml").read_text() == edited


def test_nothing_is_written_through_a_link_or_into_a_file(models: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "kserve.yaml").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError, match="is not a plain file"):
        deploy("kserve", models, tmp_path / "deploy")
    deploy("kserve", models, tmp_path / "deploy", options=DeployOptions(force=True))
    assert (tmp_path / "elsewhere").read_text() == "mine"
    with pytest.raises(ConfigError, match="is a file; expected a folder"):
        deploy("kserve", models, tmp_path / "elsewhere")


def test_an_unreadable_record_is_an_error(models: Path, tmp_path: Path) -> None:
    (tmp_path / RECORD_FILE).write_text("[]")
    with pytest.raises(ConfigError, match="cannot be read.*delete it"):
        deploy("ray", models, tmp_path)


def test_an_unknown_target_names_the_nearest(models: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no target 'kubernets'. Did you mean 'kubernetes'?"):
        deploy("kubernets", models, tmp_path / "deploy")
    assert not (tmp_path / "deploy").exists()


def test_without_models_nothing_is_written(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    with pytest.raises(ServableError, match="holds no model"):
        deploy("compose", tmp_path / "models", tmp_path / "deploy")
    assert not (tmp_path / "deploy").exists()


def test_a_name_that_looks_like_a_number_stays_text(tmp_path: Path) -> None:
    names = ["0x1f", "12-30", "1e5", "2026-01-01", "no", "null", "true"]
    for name in names:
        model_folders.add_exported(tmp_path / "models", name)
    for target in TARGETS:
        deploy(target, tmp_path / "models", tmp_path)
    published_schemas.compose(yaml.safe_load((tmp_path / "compose.yaml").read_text()))
    for document in yaml.safe_load_all((tmp_path / "kubernetes.yaml").read_text()):
        published_schemas.kubernetes(document)
    for document in yaml.safe_load_all((tmp_path / "kserve.yaml").read_text()):
        published_schemas.inference_service(document)
    ray = yaml.safe_load((tmp_path / "serve_config.yaml").read_text())
    assert [application["name"] for application in ray["applications"]] == names


@pytest.mark.parametrize("folder", ["a: b #c '\"\\ $HOME ${X} 模型😀 {a} % &a *b !c", "- x", "|"])
def test_a_path_with_special_characters_is_quoted(folder: str, tmp_path: Path) -> None:
    models = tmp_path / folder / "models"
    model_folders.add_exported(models, "sentiment")
    deploy("compose", models, tmp_path / "deploy")
    deploy("ray", models, tmp_path / "deploy")
    compose = yaml.safe_load((tmp_path / "deploy" / "compose.yaml").read_text())
    published_schemas.compose(compose)
    for service in compose["services"].values():
        source = service["volumes"][0]["source"].replace("$$", "$")
        assert (tmp_path / "deploy" / source).resolve() == models.resolve()
    ray = yaml.safe_load((tmp_path / "deploy" / "serve_config.yaml").read_text())
    assert ray["applications"][0]["args"] == {"folder": f"{models}/sentiment"}


@pytest.mark.parametrize("text", ["a\nb", "a\x00", "a\u2028b", "a\x85", "\ufeff", "\udc80"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="cannot be printed"):
        yaml_quoted(text)


def test_a_placeholder_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="name"):
        fill_template("kserve.yaml", {})
