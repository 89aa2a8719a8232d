"""Kubernetes objects for the TensorFlow Serving container, in one file."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from modelwright.deploy import tensorflow_serving
from modelwright.deploy.models import Model
from modelwright.deploy.options import DeployOptions
from modelwright.deploy.template import fill, indented, quoted

FILE = "kubernetes.yaml"
_CLAIM_GIB = 10


def files(models: Sequence[Model], options: DeployOptions) -> dict[str, str]:
    """The file by its name."""
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
    return {FILE: fill(FILE, values)}


def notes(options: DeployOptions) -> list[str]:
    """What has to be there before the pods come up."""
    place = options.nodes_path or f"the claim {claim_name(options)}"
    return [f"{place} has to hold what the models folder holds; nothing was copied there."]


def claim_name(options: DeployOptions) -> str:
    """Of the claim that holds the models folder."""
    return f"{options.name}-models"


def _claim(options: DeployOptions) -> str:
    if options.nodes_path is not None:
        return "# The models are in a folder of every node, so there is no claim to them."
    return fill("kubernetes-claim.yaml", {"name": options.name, "size": _CLAIM_GIB}).rstrip()


def _volume(options: DeployOptions) -> str:
    if options.nodes_path is not None:
        return (
            "          hostPath:\n"
            f"            path: {quoted(options.nodes_path)}\n"
            "            type: Directory"
        )
    return (
        "          persistentVolumeClaim:\n"
        f'            claimName: "{claim_name(options)}"\n'
        "            readOnly: true"
    )
