"""Checks of documents against published schemas, from the packages that ship them."""

from __future__ import annotations

from typing import Any

import jsonschema
import msgspec
from check_jsonschema.builtin_schemas import get_builtin_schema
from lightkube.models import apps_v1, autoscaling_v2, core_v1, networking_v1, policy_v1

KUBERNETES: dict[tuple[str, str], Any] = {
    ("v1", "ConfigMap"): core_v1.ConfigMap,
    ("v1", "PersistentVolumeClaim"): core_v1.PersistentVolumeClaim,
    ("v1", "Service"): core_v1.Service,
    ("apps/v1", "Deployment"): apps_v1.Deployment,
    ("autoscaling/v2", "HorizontalPodAutoscaler"): autoscaling_v2.HorizontalPodAutoscaler,
    ("networking.k8s.io/v1", "NetworkPolicy"): networking_v1.NetworkPolicy,
    ("policy/v1", "PodDisruptionBudget"): policy_v1.PodDisruptionBudget,
}
ADDED = frozenset({"modelFormat", "protocolVersion", "runtime", "runtimeVersion", "storageUri"})
"""The keys of KServe's ModelSpec, other than those of a container, that are used here."""


def compose(document: dict[str, Any]) -> None:
    """The compose specification."""
    jsonschema.validate(document, get_builtin_schema("vendor.compose-spec"))


def kubernetes(document: dict[str, Any]) -> None:
    """One object by the models that are made of Kubernetes' OpenAPI: types, required keys, and
    nothing that is not a key there, which would be lost on the way back."""
    kind = KUBERNETES[document["apiVersion"], document["kind"]]
    strict(kind, document)


def strict(kind: Any, document: Any) -> None:
    """Checks that converting to a type and back changes nothing."""
    back = msgspec.to_builtins(msgspec.convert(document, kind))
    assert _set(back) == document


def inference_service(document: dict[str, Any]) -> None:
    """KServe's own keys are stated here, as its CRD (v1beta1) has them; the rest of its ModelSpec
    is a container's."""
    assert document["apiVersion"] == "serving.kserve.io/v1beta1"
    assert document["kind"] == "InferenceService"
    assert set(document) == {"apiVersion", "kind", "metadata", "spec"}
    assert set(document["spec"]) == {"predictor"}
    predictor = document["spec"]["predictor"]
    numbers = ("minReplicas", "maxReplicas", "timeout")
    assert set(predictor) == {*numbers, "model"}
    assert all(type(predictor[name]) is int for name in numbers)
    model = predictor["model"]
    own = model["modelFormat"]["name"] == "modelwright"
    added = ADDED - {"runtimeVersion"} if own else ADDED
    assert set(model) >= added
    assert set(model["modelFormat"]) == {"name", "version"}
    texts = [model[name] for name in sorted(added - {"modelFormat"})]
    assert all(type(text) is str for text in [*texts, *model["modelFormat"].values()])
    rest = {key: value for key, value in model.items() if key not in ADDED}
    strict(core_v1.Container, {"name": "kserve-container", **rest})


def serving_runtime(document: dict[str, Any]) -> None:
    """A KServe runtime (v1alpha1): its own keys, and a pod's containers and volumes."""
    assert document["apiVersion"] == "serving.kserve.io/v1alpha1"
    assert document["kind"] == "ServingRuntime"
    spec = document["spec"]
    assert set(spec) == {"supportedModelFormats", "protocolVersions", "containers", "volumes"}
    [model_format] = spec["supportedModelFormats"]
    assert set(model_format) == {"name", "version"}
    assert spec["protocolVersions"] == ["v1"]
    pod = {"containers": spec["containers"], "volumes": spec["volumes"]}
    strict(core_v1.PodSpec, pod)


def service_monitor(document: dict[str, Any]) -> None:
    """The keys of the Prometheus Operator's ServiceMonitor (monitoring.coreos.com/v1) in use."""
    assert document["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(document["spec"]) == {"selector", "endpoints"}
    assert set(document["spec"]["selector"]) == {"matchLabels"}
    [endpoint] = document["spec"]["endpoints"]
    assert set(endpoint) == {"port", "path", "interval"}
    assert all(type(value) is str for value in endpoint.values())


def _set(value: Any) -> Any:
    """Returns a value without empty keys."""
    if isinstance(value, dict):
        return {key: _set(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_set(item) for item in value]
    return value
