"""What a deployment may be told, and the versions of the images it names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelwright.core.errors import ConfigError

SERVING_IMAGE = "tensorflow/serving:2.21.0"
"""The minor version of the TensorFlow that writes the SavedModels; built for x86-64 alone."""
KSERVE_RUNTIME = "kserve-tensorflow-serving"
"""The cluster-wide runtime that KServe installs for SavedModels."""

_OBJECT = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})")
_URI = re.compile(r"(pvc|s3|gs|abfs|hdfs|https?)://[A-Za-z0-9._~/@:%+-]+")
_PATH = re.compile(r"/[A-Za-z0-9._/@+-]*")


@dataclass(frozen=True)
class DeployOptions:
    """What the files of all targets share; each says where it uses what."""

    name: str = "modelwright"
    """Of the Kubernetes objects."""
    image: str = SERVING_IMAGE
    """TensorFlow Serving's, with an explicit tag."""
    cpus: int = 2
    """Of one replica."""
    memory_mib: int = 2048
    """Of one replica, at most. Two versions are loaded while one takes over from another."""
    replicas: tuple[int, int] | None = None
    """At least and at most; None for what the target usually has."""
    storage_uri: str | None = None
    """Where KServe finds the models folder; None for the claim that ``kubernetes`` writes."""
    nodes_path: str | None = None
    """The models folder on each node of a cluster. For ``kubernetes`` a hostPath instead of a
    claim; for ``ray`` instead of the folder's place here."""
    force: bool = False
    """Replace files that were not written by an earlier call, or changed since."""

    @property
    def tag(self) -> str:
        """The version of TensorFlow Serving's image."""
        return self.image.rpartition(":")[2]

    def between(self, least: int, most: int) -> tuple[int, int]:
        """The replicas, where these are what the target usually has."""
        return self.replicas or (least, most)


def check(options: DeployOptions) -> DeployOptions:
    """The options, if files can be written with them.

    Raises:
        ConfigError: one is out of its bounds, or has characters that it may not have.
    """
    if not _OBJECT.fullmatch(options.name):
        raise ConfigError(
            f"the name {options.name!r} cannot be that of a Kubernetes object; expected at most 40"
            " small letters a-z, digits and '-', a letter first and no '-' last."
        )
    image = _IMAGE.fullmatch(options.image)
    if image is None or image["tag"] == "latest":
        raise ConfigError(
            f"the image {options.image!r} has no version; expected an explicit tag, as in"
            f" '{SERVING_IMAGE}'."
        )
    if not 1 <= options.cpus <= 256:
        raise ConfigError(f"{options.cpus} CPUs for a replica; expected 1 to 256.")
    if not 256 <= options.memory_mib <= 2**20:
        raise ConfigError(f"{options.memory_mib} MiB for a replica; expected 256 to {2**20}.")
    least, most = options.between(1, 1)
    if not 1 <= least <= most <= 1000:
        raise ConfigError(
            f"replicas from {least} to {most}; expected two numbers from 1 to 1000, the smaller"
            " first."
        )
    if options.storage_uri is not None and not _URI.fullmatch(options.storage_uri):
        raise ConfigError(
            f"the storage URI {options.storage_uri!r} is not one that KServe reads; expected"
            " pvc://CLAIM/PATH, s3://…, gs://…, abfs://…, hdfs://… or https://…, without spaces,"
            " quotes and questions."
        )
    if options.nodes_path is not None and not _PATH.fullmatch(options.nodes_path):
        raise ConfigError(
            f"the folder {options.nodes_path!r} on the nodes cannot be used; expected an absolute"
            " path of letters, digits and . _ - @ +."
        )
    return options
