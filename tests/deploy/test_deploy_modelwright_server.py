"""Modelwright's own server on Kubernetes and KServe: keys, limits, probes, no privileges."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml

from deploy import model_folders, published_schemas
from modelwright.cli.main import app
from modelwright.core.errors import ConfigError, ServableError
from modelwright.deploy.modelwright_server import KEYS_FILE, KEYS_FOLDER
from modelwright.deploy.options import DeployOptions, ServerName
from modelwright.deploy.write import deploy
from modelwright.servable.withdrawn import WITHDRAWN_FILE
from modelwright.serve.rest.routes import METRICS_PATH, ROUTES


def documents(tmp_path: Path, target: str, **options: Any) -> list[dict[str, Any]]:
    """The objects for three models, of which one has no manifest."""
    models = model_folders.add_both_kinds(tmp_path / "models")
    settings = DeployOptions(server="modelwright", **options)
    deploy(target, models, tmp_path / "deploy", options=settings)
    text = (tmp_path / "deploy" / f"{target}.yaml").read_text()
    return list(yaml.safe_load_all(text))


def by_kind(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {document["kind"]: document for document in found}


def check_arguments(container: dict[str, Any]) -> dict[str, Any]:
    """Parses a container's command as the command line does, and returns its options."""
    program, *words = [*container["command"], *container["args"]]
    assert program == "modelwright"
    command = typer.main.get_command(app)
    serve = command.commands[words[0]]  # type: ignore[attr-defined]
    parsed: dict[str, Any] = serve.make_context("serve", words[1:]).params
    return parsed


@pytest.mark.parametrize(
    "options", [{}, {"keys_secret": "clients", "nodes_path": "/srv/models", "name": "true"}]
)
def test_every_object_fits_the_types_of_kubernetes(tmp_path: Path, options: dict[str, Any]) -> None:
    found = by_kind(documents(tmp_path, "kubernetes", **options))
    kinds = {kind for _, kind in published_schemas.KUBERNETES} - {"ConfigMap"}
    assert set(found) == kinds - ({"PersistentVolumeClaim"} if options else set())
    for document in found.values():
        published_schemas.kubernetes(document)


def test_the_server_understands_its_arguments(tmp_path: Path) -> None:
    pod = by_kind(documents(tmp_path, "kubernetes", cpus=3))["Deployment"]["spec"]["template"]
    [container] = pod["spec"]["containers"]
    parsed = check_arguments(container)
    assert (parsed["host"], parsed["allow_open"], parsed["workers"]) == ("0.0.0.0", True, 3)  # noqa: S104
    assert parsed["drain"] < pod["spec"]["terminationGracePeriodSeconds"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    names = ("grpc", "rest", "metrics")
    assert ports == {name: parsed[f"{name}_port"] for name in names}


def test_keys_come_from_the_secret(tmp_path: Path) -> None:
    found = documents(tmp_path, "kubernetes", keys_secret="clients")  # noqa: S106
    spec = by_kind(found)["Deployment"]["spec"]["template"]["spec"]
    [container] = spec["containers"]
    parsed = check_arguments(container)
    assert not parsed["allow_open"]
    assert parsed["api_keys"] == Path(KEYS_FOLDER, KEYS_FILE)
    [mount] = [mount for mount in container["volumeMounts"] if mount["name"] == "keys"]
    assert mount == {"name": "keys", "mountPath": KEYS_FOLDER, "readOnly": True}
    assert {"name": "keys", "secret": {"secretName": "clients"}} in spec["volumes"]


def test_the_pods_have_limits_and_no_privileges(tmp_path: Path) -> None:
    spec = by_kind(documents(tmp_path, "kubernetes"))["Deployment"]["spec"]["template"]["spec"]
    [container] = spec["containers"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert spec["securityContext"]["runAsNonRoot"] and spec["securityContext"]["runAsUser"]
    assert spec["automountServiceAccountToken"] is False
    assert container["resources"]["limits"] == {"memory": "2048Mi"}
    mounts = {mount["name"]: mount for mount in container["volumeMounts"]}
    assert mounts["models"]["readOnly"]
    assert {"name": "tmp", "emptyDir": {}} in spec["volumes"]
    assert mounts.keys() == {volume["name"] for volume in spec["volumes"]}


def test_the_probes_use_routes_of_the_server_without_a_key(tmp_path: Path) -> None:
    [container] = by_kind(documents(tmp_path, "kubernetes"))["Deployment"]["spec"]["template"][
        "spec"
    ]["containers"]
    open_paths = {route.path for route in ROUTES if not route.key}
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    paths = [container[probe]["httpGet"]["path"] for probe in probes]
    assert paths == ["/readyz", "/readyz", "/healthz"]
    assert set(paths) <= open_paths


@pytest.mark.parametrize("server", ["modelwright", "tensorflow-serving"])
def test_prometheus_finds_the_metrics(tmp_path: Path, server: Any) -> None:
    models = model_folders.add_both_kinds(tmp_path / "models")
    options = DeployOptions(server=server, service_monitor=True)
    deploy("kubernetes", models, tmp_path / "deploy", options=options)
    text = (tmp_path / "deploy" / "kubernetes.yaml").read_text()
    found = by_kind(list(yaml.safe_load_all(text)))
    monitor = found["ServiceMonitor"]
    published_schemas.service_monitor(monitor)
    [endpoint] = monitor["spec"]["endpoints"]
    assert endpoint["path"] == METRICS_PATH
    service = found["Service"]
    labels = service["metadata"]["labels"].items()
    assert monitor["spec"]["selector"]["matchLabels"].items() <= labels
    ports = {port["name"]: port["targetPort"] for port in service["spec"]["ports"]}
    pod = found["Deployment"]["spec"]["template"]
    named = {port["name"]: port["containerPort"] for port in pod["spec"]["containers"][0]["ports"]}
    annotated = int(pod["metadata"]["annotations"]["prometheus.io/port"])
    assert named[ports[endpoint["port"]]] == annotated
    policy = found["NetworkPolicy"]["spec"]
    assert policy["ingress"][1]["ports"] == [{"port": endpoint["port"]}]
    assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert policy["egress"] == [] and policy["policyTypes"] == ["Ingress", "Egress"]


@pytest.mark.parametrize("server", ["modelwright", "tensorflow-serving"])
def test_a_kustomize_base_holds_the_same_objects(tmp_path: Path, server: Any) -> None:
    models = model_folders.add_both_kinds(tmp_path / "models")
    out = tmp_path / "deploy"
    for form in ("manifest", "kustomize"):
        deploy("kubernetes", models, out, options=DeployOptions(server=server, format=form))  # type: ignore[arg-type]
    whole = list(yaml.safe_load_all((out / "kubernetes.yaml").read_text()))
    index = yaml.safe_load((out / "kustomize" / "kustomization.yaml").read_text())
    parts = [yaml.safe_load((out / "kustomize" / name).read_text()) for name in index["resources"]]
    assert parts == whole
    if kubectl := shutil.which("kubectl"):
        command = [kubectl, "kustomize", str(out / "kustomize")]
        built = subprocess.run(command, capture_output=True, check=True, text=True).stdout
        kinds = sorted(document["kind"] for document in yaml.safe_load_all(built))
        assert kinds == sorted(document["kind"] for document in whole)


def test_kserve_has_a_runtime_of_its_own(tmp_path: Path) -> None:
    options = {"keys_secret": "clients", "storage_uri": "s3://bucket/models"}
    runtime, *services = documents(tmp_path, "kserve", **options)
    published_schemas.serving_runtime(runtime)
    [container] = runtime["spec"]["containers"]
    parsed = check_arguments(container)
    assert (parsed["models"], parsed["model_name"]) == (Path("/mnt/models"), "{{.Name}}")
    # KServe's storage initializer links what a claim holds from there.
    assert parsed["links"] == [Path("/mnt")]
    assert parsed["rest_port"] == container["readinessProbe"]["httpGet"]["port"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": 8080}
    for document in services:
        published_schemas.inference_service(document)
        model = document["spec"]["predictor"]["model"]
        assert model["runtime"] == runtime["metadata"]["name"]
        [known] = runtime["spec"]["supportedModelFormats"]
        assert model["modelFormat"] == known
    uris = [document["spec"]["predictor"]["model"]["storageUri"] for document in services]
    assert uris == ["s3://bucket/models/Colours_2.1", "s3://bucket/models/sentiment"]


def test_models_without_a_manifest_are_left_out_and_named(tmp_path: Path) -> None:
    models = model_folders.add_both_kinds(tmp_path / "models")
    options = DeployOptions(server="modelwright")
    report = deploy("kubernetes", models, tmp_path / "deploy", options=options)
    assert report.models == {"Colours_2.1": 1, "sentiment": 2}
    assert any("half_plus_two is left out" in note for note in report.notes)
    model_folders.add_savedmodel(tmp_path / "others", "half_plus_two")
    with pytest.raises(ServableError, match="no model in .* has a manifest"):
        deploy("kserve", tmp_path / "others", tmp_path / "deploy", options=options)


@pytest.mark.parametrize(
    ("target", "server"), [("kubernetes", "modelwright"), ("ray", "tensorflow-serving")]
)
def test_a_rollback_is_obeyed_and_reported(tmp_path: Path, target: str, server: ServerName) -> None:
    models = model_folders.add_both_kinds(tmp_path / "models")
    (models / "sentiment" / WITHDRAWN_FILE).write_text('{"versions": [2]}')
    options = DeployOptions(server=server)
    report = deploy(target, models, tmp_path / "deploy", options=options)
    assert report.models["sentiment"] == 1
    assert not any("rolled back" in note for note in report.notes)


@pytest.mark.parametrize(
    ("target", "options", "message"),
    [
        ("compose", {"server": "modelwright"}, "--server has no effect.*it writes both servers"),
        ("ray", {"format": "kustomize"}, "--format has no effect on the target 'ray'"),
        ("kserve", {"service_monitor": True}, "--service-monitor has no effect"),
        ("kubernetes", {"keys_secret": "a"}, "TensorFlow Serving has no API keys"),
        ("kubernetes", {"server": "modelwrigt"}, "Did you mean 'modelwright'"),
        ("kubernetes", {"format": "helm"}, "Expected one of: manifest, kustomize"),
        ("kserve", {"server": "modelwright", "keys_secret": "A b"}, "name of a Kubernetes secret"),
    ],
)
def test_options_without_effect_and_wrong_ones_are_refused(
    tmp_path: Path, target: str, options: dict[str, Any], message: str
) -> None:
    models = model_folders.add_both_kinds(tmp_path / "models")
    with pytest.raises(ConfigError, match=message):
        deploy(target, models, tmp_path / "deploy", options=DeployOptions(**options))
    assert not (tmp_path / "deploy").exists()


def test_compose_starts_each_server_under_an_init_process(tmp_path: Path) -> None:
    deploy("compose", model_folders.add_both_kinds(tmp_path / "models"), tmp_path / "deploy")
    services = yaml.safe_load((tmp_path / "deploy" / "compose.yaml").read_text())["services"]
    assert [service["init"] for service in services.values()] == [True, True]
