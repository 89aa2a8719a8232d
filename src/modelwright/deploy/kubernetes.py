"""Kubernetes objects for TensorFlow Serving's container, in one file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from modelwright.deploy import tensorflow_serving
from modelwright.deploy.models import DeployableModel
from modelwright.deploy.options import DeployOptions
from modelwright.deploy.template import fill_template, indented, yaml_quoted

FILE = "kubernetes.yaml"
_CLAIM_GIB = 10


def kubernetes_files(models: Sequence[DeployableModel], options: DeployOptions) -> dict[str, str]:
    """Returns the content of the file by its name."""
    config = tensorflow_serving.config_files(models, options)
    least, most = options.between(2, 6)
    values: dict[str, object] = {
        "name": options.name,
        "image": options.image,
        "config": "\n".join(f"  {name}: |\n{indented(text, 4)}" for name, text in config.items()),
        "checksum": hashlib.sha256("\0".join(config.values()).encode()).hexdigest()[:16],
        "arguments": "\n".join(
            f"            - {argument}" for argument in tensorflow_serving.arguments(options)
        ),
        "claim": _claim(options),
        "volume": _volume(options),
        "status_path": f"/v1/models/{models[0].name}",
        "metrics_path": tensorflow_serving.METRICS_PATH,
        "cpus": options.cpus,
        "memory": options.memory_mib,
        "least": least,
        "most": most,
    }
    return {FILE: fill_template(FILE, values)}


def kubernetes_notes(options: DeployOptions) -> list[str]:
    """Returns what the user must do before the pods start."""
    location = options.nodes_path or f"the claim {claim_name(options)}"
    return [f"{location} must contain a copy of the models folder; nothing was copied there."]


def claim_name(options: DeployOptions) -> str:
    """Returns the name of the claim that holds the models folder."""
    return f"{options.name}-models"


def _claim(options: DeployOptions) -> str:
    if options.nodes_path is not None:
        return "# The models are in a folder on each node, so there is no claim."
    return fill_template(
        "kubernetes-claim.yaml", {"name": options.name, "size": _CLAIM_GIB}
    ).rstrip()


def _volume(options: DeployOptions) -> str:
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
