"""The InferenceServices, checked against KServe's keys, and its SDK if that is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import model_folders, published_schemas
from modelwright.core.errors import ConfigError
from modelwright.deploy.options import DeployOptions
from modelwright.deploy.write import deploy


def services(tmp_path: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """The objects for three models, by name."""
    models = model_folders.add_both_kinds(tmp_path / "models")
    deploy("kserve", models, tmp_path / "deploy", options=DeployOptions(**options))
    text = (tmp_path / "deploy" / "kserve.yaml").read_text()
    return {document["metadata"]["name"]: document for document in yaml.safe_load_all(text)}


def test_every_service_has_the_keys_of_the_resource(tmp_path: Path) -> None:
    found = services(tmp_path)
    assert set(found) == {"colours-2-1", "half-plus-two", "sentiment"}
    for document in found.values():
        published_schemas.inference_service(document)
    predictor = found["sentiment"]["spec"]["predictor"]
    predictor["model"]["storageURI"] = "s3://a"
    with pytest.raises(AssertionError):
        published_schemas.inference_service(found["sentiment"])


def test_runtime_version_and_storage_are_explicit(tmp_path: Path) -> None:
    model = services(tmp_path)["colours-2-1"]["spec"]["predictor"]["model"]
    assert model["runtime"] == "kserve-tensorflow-serving"
    assert model["modelFormat"] == {"name": "tensorflow", "version": "2"}
    assert model["runtimeVersion"] == "2.21.0"
    assert model["storageUri"] == "pvc://modelwright-models/Colours_2.1"


def test_storage_and_replicas_are_options(tmp_path: Path) -> None:
    found = services(tmp_path, storage_uri="s3://bucket/models/", replicas=(2, 3))
    predictor = found["sentiment"]["spec"]["predictor"]
    assert predictor["model"]["storageUri"] == "s3://bucket/models/sentiment"
    assert (predictor["minReplicas"], predictor["maxReplicas"]) == (2, 3)


def test_a_changed_name_is_reported(tmp_path: Path) -> None:
    report = deploy(
        "kserve", model_folders.add_both_kinds(tmp_path / "models"), tmp_path / "deploy"
    )
    changed = [note for note in report.notes if "is called" in note]
    assert [note.split(":")[0] for note in changed] == [
        "Colours_2.1 is called colours-2-1",
        "half_plus_two is called half-plus-two",
    ]


def test_two_models_that_kserve_cannot_tell_apart_are_refused(tmp_path: Path) -> None:
    model_folders.add_savedmodel(tmp_path / "models", "a_b")
    model_folders.add_savedmodel(tmp_path / "models", "a-b")
    with pytest.raises(ConfigError, match="would both be called 'a-b'"):
        deploy("kserve", tmp_path / "models", tmp_path / "deploy")


@pytest.mark.slow
def test_the_sdk_of_kserve_knows_every_key(tmp_path: Path) -> None:
    pytest.importorskip("kserve", reason="the kserve SDK, which brings pandas, is not installed")
    from kserve import models

    def known(kind: str, value: Any) -> None:
        model = getattr(models, kind, None)
        if model is None or not isinstance(value, dict):
            return
        types = {model.attribute_map[name]: type_ for name, type_ in model.openapi_types.items()}
        assert set(value) <= set(types), kind
        for key, item in value.items():
            known(types[key], item)

    for document in services(tmp_path).values():
        known("V1beta1InferenceService", document)
        model = document["spec"]["predictor"]["model"]
        model["storageURI"] = "s3://a"
        with pytest.raises(AssertionError, match="V1beta1ModelSpec"):
            known("V1beta1InferenceService", document)
