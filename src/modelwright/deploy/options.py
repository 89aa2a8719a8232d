"""The options of a deployment, and the container images that it uses."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

import modelwright
from modelwright.core.errors import ConfigError
from modelwright.core.nearest import nearest

SERVING_IMAGE = "tensorflow/serving:2.21.0"
"""Has the minor version of the TensorFlow that wrote the SavedModels; exists for x86-64 only."""
TENSORFLOW_SERVING: Final = "tensorflow-serving"
MODELWRIGHT: Final = "modelwright"
ServerName: TypeAlias = Literal["tensorflow-serving", "modelwright"]
FileFormat: TypeAlias = Literal["manifest", "kustomize"]
KSERVE_RUNTIME = "kserve-tensorflow-serving"
"""The cluster-wide runtime that KServe installs for SavedModels."""

_OBJECT = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_SECRET = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/:-]*:(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})")
_URI = re.compile(r"(pvc|s3|gs|abfs|hdfs|https?)://[A-Za-z0-9._~/@:%+-]+")
_PATH = re.compile(r"/[A-Za-z0-9._/@+-]*")


@dataclass(frozen=True)
class DeployOptions:
    """The options of all targets; each target uses some of them."""

    name: str = "modelwright"
    """Name of the Kubernetes objects."""
    server: ServerName = TENSORFLOW_SERVING
    """The server of ``kubernetes`` and ``kserve``."""
    image: str | None = None
    """The server's image, with an explicit tag; None for ``SERVING_IMAGE`` or the image that the
    Dockerfile builds."""
    cpus: int = 2
    """CPUs of one replica."""
    memory_mib: int = 2048
    """Memory limit of one replica, which holds two versions while one replaces the other."""
    replicas: tuple[int, int] | None = None
    """Least and most replicas; None for the target's default."""
    storage_uri: str | None = None
    """URI of the models folder for KServe; None for the claim that ``kubernetes`` writes."""
    nodes_path: str | None = None
    """Path of the models folder on each node: for ``kubernetes`` a hostPath instead of a claim, for
    ``ray`` instead of the folder's path on this machine."""
    format: FileFormat = "manifest"
    """What ``kubernetes`` writes: one file, or a base for Kustomize."""
    keys_secret: str | None = None
    """Name of the secret with the API keys of Modelwright's own server; None for no keys."""
    service_monitor: bool = False
    """Whether ``kubernetes`` writes a ServiceMonitor, which needs the Prometheus Operator."""
    force: bool = False
    """Whether to replace files that are not from an earlier call, or have changed since."""

    @property
    def container_image(self) -> str:
        """The server's image."""
        if self.image is not None:
            return self.image
        own = f"modelwright:{modelwright.__version__}"
        return own if self.server == MODELWRIGHT else SERVING_IMAGE

    @property
    def tag(self) -> str:
        """The tag of the image."""
        return self.container_image.rpartition(":")[2]

    def between(self, least: int, most: int) -> tuple[int, int]:
        """Returns the least and most replicas, with these as the target's default."""
        return self.replicas or (least, most)


def check_deploy_options(options: DeployOptions) -> DeployOptions:
    """Returns the options, if they are valid.

    Raises:
        ConfigError: a number is out of bounds, or a text has characters that are not allowed.
    """
    if not _OBJECT.fullmatch(options.name):
        raise ConfigError(
            f"the name {options.name!r} cannot be that of a Kubernetes object; expected at most 40"
            " small letters a-z, digits and '-', a letter first and no '-' last."
        )
    _check_server(options)
    image = _IMAGE.fullmatch(options.container_image)
    if image is None or image["tag"] == "latest":
        raise ConfigError(
            f"the image {options.container_image!r} has no version; expected an explicit tag, as in"
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


def _check_server(options: DeployOptions) -> None:
    for name, value, allowed in (
        ("server", options.server, get_args(ServerName)),
        ("format", options.format, get_args(FileFormat)),
    ):
        if value not in allowed:
            raise ConfigError(
                f"--{name} was given {value!r}.{nearest(value, allowed)} Expected one of:"
                f" {', '.join(allowed)}."
            )
    if options.keys_secret is None:
        return
    if options.server != MODELWRIGHT:
        raise ConfigError(
            "--keys-secret was given, but TensorFlow Serving has no API keys; give it with"
            " --server modelwright."
        )
    if not _SECRET.fullmatch(options.keys_secret):
        raise ConfigError(
            f"--keys-secret was given {options.keys_secret!r}; expected the name of a Kubernetes"
            " secret: at most 63 small letters, digits and '-'."
        )
