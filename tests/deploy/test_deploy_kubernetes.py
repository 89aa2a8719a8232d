"""The Kubernetes objects, checked against Kubernetes' published schemas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy import model_folders, published_schemas
from modelwright.deploy import tensorflow_serving
from modelwright.deploy.options import SERVING_IMAGE, DeployOptions
from modelwright.deploy.write import deploy


def objects(tmp_path: Path, **options: Any) -> dict[str, dict[str, Any]]:
    """The objects for three models, by kind."""
    models = model_folders.add_both_kinds(tmp_path / "models")
    deploy("kubernetes", models, tmp_path / "deploy", options=DeployOptions(**options))
    text = (tmp_path / "deploy" / "kubernetes.yaml").read_text()
    return {document["kind"]: document for document in yaml.safe_load_all(text)}


@pytest.mark.parametrize("options", [{}, {"nodes_path": "/srv/models", "name": "true"}])
def test_every_object_fits_the_types_of_kubernetes(tmp_path: Path, options: dict[str, Any]) -> None:
    found = objects(tmp_path, **options)
    kinds = {kind for _, kind in published_schemas.KUBERNETES}
    assert set(found) == kinds - ({"PersistentVolumeClaim"} if options else set())
    for document in found.values():
        published_schemas.kubernetes(document)


def test_a_wrong_key_or_type_would_be_found(tmp_path: Path) -> None:
    deployment = objects(tmp_path)["Deployment"]
    container = deployment["spec"]["template"]["spec"]["containers"][0]
    container["imagePullPolcy"] = "Always"
    with pytest.raises(AssertionError):
        published_schemas.kubernetes(deployment)
    del container["imagePullPolcy"]
    container["ports"][0]["containerPort"] = "8500"
    with pytest.raises(Exception, match="Expected `int`, got `str`"):
        published_schemas.kubernetes(deployment)
    del container["ports"], deployment["spec"]["selector"]
    with pytest.raises(Exception, match="missing required field `selector`"):
        published_schemas.kubernetes(deployment)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["1.27", "1.37"])
def test_every_object_passes_the_published_json_schemas(tmp_path: Path, version: str) -> None:
    validator = pytest.importorskip(
        "kubernetes_validate", reason="kubernetes-validate, 144 MB of schemas, is not installed"
    )
    for document in objects(tmp_path).values():
        validator.validate(document, version, strict=True)


def test_the_pods_have_limits_and_no_privileges(tmp_path: Path) -> None:
    spec = objects(tmp_path)["Deployment"]["spec"]["template"]["spec"]
    [container] = spec["containers"]
    assert container["image"] == SERVING_IMAGE
    assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"]
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["resources"]["limits"]["memory"] == "2048Mi"
    stop = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert stop < spec["terminationGracePeriodSeconds"]
    assert all(mount["readOnly"] for mount in container["volumeMounts"])


def test_the_probes_use_paths_of_tensorflow_serving(tmp_path: Path) -> None:
    [container] = objects(tmp_path)["Deployment"]["spec"]["template"]["spec"]["containers"]
    paths = {
        probe: container[probe]["httpGet"]["path"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert paths == {
        "startupProbe": "/v1/models/Colours_2.1",
        "readinessProbe": "/v1/models/Colours_2.1",
        "livenessProbe": tensorflow_serving.METRICS_PATH,
    }
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert ports == {"grpc": 8500, "rest": 8501}


def test_selectors_and_references_match(tmp_path: Path) -> None:
    found = objects(tmp_path, name="shop")
    template = found["Deployment"]["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    assert found["Deployment"]["spec"]["selector"]["matchLabels"].items() <= labels
    assert found["Service"]["spec"]["selector"].items() <= labels
    assert found["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"].items() <= labels
    scaled = found["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]
    assert scaled == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"}
    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    claim = volumes["models"]["persistentVolumeClaim"]["claimName"]
    assert claim == found["PersistentVolumeClaim"]["metadata"]["name"] == "shop-models"
    config = volumes["config"]["configMap"]["name"]
    assert config == found["ConfigMap"]["metadata"]["name"] == "shop-config"


def test_the_config_map_holds_the_files_that_compose_mounts(tmp_path: Path) -> None:
    config = objects(tmp_path)["ConfigMap"]["data"]
    deploy("compose", tmp_path / "models", tmp_path / "deploy")
    for name, text in config.items():
        assert text == (tmp_path / "deploy" / name).read_text()


def test_a_changed_config_restarts_the_pods(tmp_path: Path) -> None:
    def checksum(found: dict[str, dict[str, Any]]) -> str:
        template = found["Deployment"]["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    one = checksum(objects(tmp_path / "a"))
    assert one == checksum(objects(tmp_path / "b", memory_mib=4096))
    assert one != checksum(objects(tmp_path / "c", cpus=4))


def test_options_change_the_objects(tmp_path: Path) -> None:
    found = objects(tmp_path, cpus=4, memory_mib=512, replicas=(3, 9), nodes_path="/srv/models")
    spec = found["Deployment"]["spec"]["template"]["spec"]
    assert spec["volumes"][0]["hostPath"] == {"path": "/srv/models", "type": "Directory"}
    assert spec["containers"][0]["resources"] == {
        "requests": {"cpu": "4", "memory": "512Mi"},
        "limits": {"memory": "512Mi"},
    }
    assert "--tensorflow_intra_op_parallelism=4" in spec["containers"][0]["args"]
    scaler = found["HorizontalPodAutoscaler"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (3, 9)
    assert "replicas" not in found["Deployment"]["spec"]
