"""A Compose file with TensorFlow Serving's container and Modelwright's own server."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import modelwright
from modelwright.deploy import tensorflow_serving
from modelwright.deploy.models import DeployableModel
from modelwright.deploy.options import DeployOptions
from modelwright.deploy.template import fill_template, yaml_quoted

PYTHON_IMAGE = "3.12.14-slim-trixie"
"""Tag of the base image in the Dockerfile."""
_FILE = "compose.yaml"


def compose_files(
    models: Sequence[DeployableModel], folder: Path, out: Path, options: DeployOptions
) -> dict[str, str]:
    """Returns the content of each file by its name."""
    config = tensorflow_serving.config_files(models, options)
    # A relative path, so that both folders can be moved together. Compose reads a path that does
    # not begin with a dot or a slash as the name of a volume.
    source = Path(os.path.relpath(folder.resolve(), out.resolve())).as_posix()
    source = source if source.startswith("../") else f"./{source}"
    values: dict[str, object] = {
        "name": options.name,
        "image": options.container_image,
        "arguments": "\n".join(
            f"      - {argument}" for argument in tensorflow_serving.arguments(options)
        ),
        "models": _escaped(source),
        "config_mounts": "\n".join(_mount(name) for name in config),
        "health": _escaped(tensorflow_serving.health_command(models)),
        "cpus": options.cpus,
        "memory": options.memory_mib,
        "version": modelwright.__version__,
    }
    return {_FILE: fill_template(_FILE, values), **config, **image_files()}


def image_files() -> dict[str, str]:
    """Returns the files that the image of Modelwright's own server is built from, but the wheel."""
    values: dict[str, object] = {"python": PYTHON_IMAGE, "version": modelwright.__version__}
    return {
        "Dockerfile": fill_template("Dockerfile", values),
        ".dockerignore": fill_template("dockerignore"),
    }


def _mount(name: str) -> str:
    return (
        "      - type: bind\n"
        f"        source: ./{name}\n"
        f"        target: {tensorflow_serving.CONFIG}/{name}\n"
        "        read_only: true"
    )


def _escaped(text: str) -> str:
    """Returns a quoted text; a single dollar sign would start a variable in Compose."""
    return yaml_quoted(text.replace("$", "$$"))
