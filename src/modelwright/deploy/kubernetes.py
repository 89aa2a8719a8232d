"""Kubernetes objects for TensorFlow Serving's container or for Modelwright's own server.

They are written as one file, or as a base for Kustomize with one file per object.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from modelwright.deploy import modelwright_server, tensorflow_serving
from modelwright.deploy.models import DeployableModel
from modelwright.deploy.options import MODELWRIGHT, DeployOptions
from modelwright.deploy.template import fill_template, indented, without_blank_lines, yaml_quoted

FILE = "kubernetes.yaml"
BASE = "kustomize"
"""Folder of the base for Kustomize."""
_HEAD = f"# Written by 'modelwright deploy kubernetes'. Apply it with: kubectl apply -f {FILE}\n"
_CLAIM_GIB = 10


def kubernetes_files(models: Sequence[DeployableModel], options: DeployOptions) -> dict[str, str]:
    """Returns the content of each file by its name."""
    objects = _objects(models, options)
    if options.format == "manifest":
        return {FILE: _HEAD + "---\n".join(objects.values())}
    files = {f"{BASE}/{name}.yaml": text for name, text in objects.items()}
    resources = "\n".join(f"  - {name}.yaml" for name in objects)
    index = fill_template("kubernetes/kustomization.yaml", {"resources": resources})
    return {**files, f"{BASE}/kustomization.yaml": index}


def start_argument(options: DeployOptions) -> str:
    """Returns what ``kubectl apply`` creates the objects from, with ``{out}`` for the folder."""
    return f"-f {{out}}/{FILE}" if options.format == "manifest" else f"-k {{out}}/{BASE}"


def kubernetes_notes(options: DeployOptions) -> list[str]:
    """Returns what the user must do before the pods start."""
    location = options.nodes_path or f"the claim {claim_name(options)}"
    copied = f"{location} must contain a copy of the models folder; nothing was copied there."
    return [copied, *modelwright_server.notes(options)]


def claim_name(options: DeployOptions) -> str:
    """Returns the name of the claim that holds the models folder."""
    return f"{options.name}-models"


def _objects(models: Sequence[DeployableModel], options: DeployOptions) -> dict[str, str]:
    """Returns each object by the name of its file."""
    own = options.server == MODELWRIGHT
    least, most = options.between(2, 6)
    values: dict[str, object] = {
        "name": options.name,
        "server": options.server,
        "image": options.container_image,
        "cpus": options.cpus,
        "memory": options.memory_mib,
        "least": least,
        "most": most,
        "size": _CLAIM_GIB,
        "models_volume": _models_volume(options),
        **(
            modelwright_server.pod_values(options)
            if own
            else _tensorflow_serving_values(models, options)
        ),
    }
    values["container"] = fill_template(f"kubernetes/{options.server}-container.yaml", values)
    names = [
        *([] if own else ["config-map"]),
        *([] if options.nodes_path else ["claim"]),
        *("deployment", "service", "autoscaler", "disruption-budget", "network-policy"),
        *(["service-monitor"] if options.service_monitor else []),
    ]
    return {
        name: without_blank_lines(fill_template(f"kubernetes/{name}.yaml", values))
        for name in names
    }


def _tensorflow_serving_values(
    models: Sequence[DeployableModel], options: DeployOptions
) -> dict[str, object]:
    """Returns the placeholders of the pods that depend on the server."""
    config = tensorflow_serving.config_files(models, options)
    checksum = hashlib.sha256("\0".join(config.values()).encode()).hexdigest()[:16]
    return {
        "config": "\n".join(f"  {name}: |\n{indented(text, 4)}" for name, text in config.items()),
        "status_path": f"/v1/models/{models[0].name}",
        "metrics_path": tensorflow_serving.METRICS_PATH,
        "metrics_port": tensorflow_serving.REST_PORT,
        "metrics_port_name": "rest",
        "metrics_port_of_service": "",
        "user": 1000,
        "checksum": indented(
            "# A changed config restarts the pods: only the list of models is read again.\n"
            f'checksum/config: "{checksum}"',
            8,
        ),
        "node_selector": indented(
            "# The image exists only for x86-64.\nnodeSelector:\n  kubernetes.io/arch: amd64", 6
        ),
        "other_volumes": indented(
            f'- name: config\n  configMap:\n    name: "{options.name}-config"', 8
        ),
        "arguments": "\n".join(
            f"            - {argument}" for argument in tensorflow_serving.arguments(options)
        ),
    }


def _models_volume(options: DeployOptions) -> str:
    if options.nodes_path is not None:
        return (
            "          hostPath:\n"
            f"            path: {yaml_quoted(options.nodes_path)}\n"
            "            type: Directory"
        )
    return (
        "          persistentVolumeClaim:\n"
        f'            claimName: "{claim_name(options)}"\n'
        "            readOnly: true"
    )
