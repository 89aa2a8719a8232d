"""A compose file for the TensorFlow Serving container, and Modelwright's own server beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import modelwright
from modelwright.deploy import tensorflow_serving
from modelwright.deploy.models import Model
from modelwright.deploy.options import DeployOptions
from modelwright.deploy.template import fill, quoted

PYTHON_IMAGE = "3.12.14-slim-trixie"
"""Tag of the image that the Dockerfile begins with."""
_FILE = "compose.yaml"


def files(
    models: Sequence[Model], folder: Path, out: Path, options: DeployOptions
) -> dict[str, str]:
    """Every file by its name."""
    config = tensorflow_serving.config_files(models, options)
    # From the compose file's own folder, so that both can be moved together. Compose takes what
    # does not begin with a dot or a slash for a volume's name.
    source = Path(os.path.relpath(folder.resolve(), out.resolve())).as_posix()
    source = source if source.startswith("../") else f"./{source}"
    values: dict[str, object] = {
        "name": options.name,
        "image": options.image,
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
    return {_FILE: fill(_FILE, values), **config, **image_files()}


def image_files() -> dict[str, str]:
    """What the image of Modelwright's own server is built from, but the wheel."""
    values: dict[str, object] = {"python": PYTHON_IMAGE, "version": modelwright.__version__}
    return {"Dockerfile": fill("Dockerfile", values), ".dockerignore": fill("dockerignore")}


def _mount(name: str) -> str:
    return (
        "      - type: bind\n"
        f"        source: ./{name}\n"
        f"        target: {tensorflow_serving.CONFIG}/{name}\n"
        "        read_only: true"
    )


def _escaped(text: str) -> str:
    """A text in quotes; compose would put a variable in place of a single dollar sign."""
    return quoted(text.replace("$", "$$"))
